"""Picks out of requirements.lock what one extra needs: exact versions, with their hashes.

    python pinned.py billing > billing.lock

Needs no package and no network: the lock's notes (`# via`) say what each package is there for, and
pyproject.toml says what each extra begins with.
"""

import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

BUILD: Final = "setuptools"
"""Builds the wheel of Stellwerk, and of the one package that is published without a wheel."""
_ENTRY: Final = re.compile(r"^[\w.-]+==[^\n]*\n(?:[ ]{4}[^\n]*\n?)*", re.MULTILINE)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOTE: Final = re.compile(r"^[ ]{4}#(?: via)?[ ]*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One pinned package as the lock has it, and the names of what needs it."""

    name: str
    text: str
    needed_by: frozenset[str]


def pinned(project: Mapping[str, Any], lock: str, extra: str) -> str:
    """Return the part of the lock that an extra installs. Raises `KeyError` for an unknown one."""
    extras = project["optional-dependencies"]
    if extra not in extras:
        raise KeyError(f"no extra {extra or '(none was named)'}; known: {', '.join(extras)}")
    needed = {_normal(one) for one in (*project["dependencies"], *extras[extra])}
    entries = read_lock(lock)
    while more := {each.name for each in entries if needed & each.needed_by} - needed:
        needed |= more
    return "".join(each.text for each in entries if each.name in needed)


def read_lock(lock: str) -> list[Entry]:
    """Return every entry; a package pinned twice, under different conditions, has two."""
    return [
        Entry(_normal(text), text, frozenset(map(_normal, _NOTE.findall(text))))
        for text in _ENTRY.findall(lock)
    ]


def _normal(requirement: str) -> str:
    """Return the name of a requirement as package indexes compare it."""
    found = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def main(extra: str) -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = Path("requirements.lock").read_text(encoding="utf-8")
    if extra == BUILD:
        text = "".join(each.text for each in read_lock(lock) if each.name == BUILD)
    else:
        try:
            text = pinned(project, lock, extra)
        except KeyError as error:
            sys.exit(f"pinned.py: {error.args[0]}")
    sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")

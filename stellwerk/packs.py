"""Policy packs: the routed tasks of a department, merged into the policy that is in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import Field

from shared.configuration import ConfigError, parse_yaml, read_text
from shared.contracts.routing import Section, StatedRoute
from shared.contracts.stated import PolicyDocument
from shared.contracts.values import Token
from stellwerk.edits import put
from stellwerk.errors import BadInput

FOLDER: Final = "packs"


class Pack(Section):
    """The file of a pack."""

    title: str = Field(min_length=1, max_length=100)
    tasks: dict[Token, StatedRoute] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Found:
    """A pack, with its routes as they are written in the file."""

    name: str
    pack: Pack
    written: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a pack makes of a policy."""

    text: str
    added: tuple[str, ...]
    replaced: tuple[str, ...]
    same: tuple[str, ...]

    def how(self, task: str) -> str:
        """Return what became of a task, if there is something to say of it."""
        if task in self.same:
            return " (as it is already)"
        return " (instead of another route)" if task in self.replaced else ""


def find_pack(wanted: str, config: Path) -> Found:
    """Return a pack by its name or its file.

    Raises `BadInput`, which names the packs there are, or says what is wrong in the file.
    """
    folder = config / FOLDER
    places = (Path(wanted), config / wanted, folder / wanted, folder / f"{wanted}.yaml")
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        known = ", ".join(sorted(one.stem for one in folder.glob("*.yaml"))) or "none"
        raise BadInput(
            f"There is no pack {wanted}. Name a file, or one of those in {folder}: {known}."
        )
    try:
        text = read_text(file)
        pack = parse_yaml(text, Pack, str(file))
    except ConfigError as error:
        raise BadInput(str(error)) from None
    return Found(file.stem, pack, yaml.safe_load(text)["tasks"])


def all_packs(config: Path) -> dict[str, Pack]:
    """Return all packs of a folder by name. Raises `BadInput`."""
    names = sorted(file.stem for file in (config / FOLDER).glob("*.yaml"))
    return {name: find_pack(name, config).pack for name in names}


def merged(found: Found, policy: PolicyDocument, text: str, *, replace: bool) -> Merged:
    """Return the text of the policy with a pack's tasks in it.

    Raises `BadInput` where a task would be another than it is, unless `replace` says so.
    """
    tasks = found.pack.tasks
    known = {task: policy.tasks[task] for task in tasks if task in policy.tasks}
    same = tuple(task for task, route in known.items() if route == tasks[task])
    differing = tuple(task for task in known if task not in same)
    if differing and not replace:
        is_are = "is" if len(differing) == 1 else "are"
        raise BadInput(
            f"{', '.join(differing)} {is_are} in the policy already, with another route. Look with "
            f"`stellwerk policy show {differing[0]}`; --replace takes the pack's."
        )
    added = tuple(task for task in tasks if task not in known)
    for task in (*differing, *added):
        text = put(text, ["tasks", task], found.written[task])
    return Merged(text, added, differing, same)

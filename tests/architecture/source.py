"""The source tree as the rules see it: paths and text, from git or from a test."""

import ast
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).parents[2]
CODE: Final = ("services/", "shared/", "stellwerk/", "deploy/", "tests/")


@dataclass(frozen=True)
class SourceFile:
    """One text file; `path` is relative to the root, with forward slashes."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folders(self) -> tuple[str, ...]:
        """Return the folders on the way to the file."""
        return tuple(self.path.split("/")[:-1])

    @property
    def line_count(self) -> int:
        """Return the number of lines, empty ones included."""
        return len(self.text.splitlines())

    @cached_property
    def tree(self) -> ast.Module:
        """Return the parsed module, parsed once for all rules."""
        return ast.parse(self.text, self.path)


@dataclass(frozen=True)
class SourceTree:
    """Every text file that is, or would be, in the history."""

    files: tuple[SourceFile, ...]

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Self:
        """Return a tree made of these texts by path: a rule's own example."""
        return cls(tuple(SourceFile(path, text) for path, text in texts.items()))

    def python(self, *prefixes: str) -> Iterator[SourceFile]:
        """Return the Python files below the prefixes, by default all code."""
        for file in self.files:
            if file.name.endswith(".py") and file.path.startswith(prefixes or CODE):
                yield file


@dataclass(frozen=True)
class Rule:
    """One thing that must hold everywhere.

    `check` returns a sentence for each place where it does not. `broken` are trees that must
    be refused: a rule that has never failed proves nothing. `kept` are trees that look
    similar and must pass.
    """

    check: Callable[[SourceTree], Iterator[str]]
    broken: tuple[Mapping[str, str], ...]
    kept: tuple[Mapping[str, str], ...] = ()


@cache
def working_tree() -> SourceTree:
    """Return the files that git tracks or would add; what it ignores is nobody's source."""
    listed = subprocess.run(
        # safe.directory: in a container the checkout may belong to another user.
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = sorted(path for path in listed.split("\0") if (ROOT / path).is_file())
    contents = ((path, (ROOT / path).read_bytes()) for path in paths)
    return SourceTree.of({path: raw.decode() for path, raw in contents if b"\0" not in raw})

"""The company's own lists, by tenant: who and what is always masked, and what never is.

They lie in a folder beside the redactor and never travel: names of customers are clear data.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick

from services.redactor.canonical import canonicalise
from services.redactor.kinds import COMPANY, PERSON, PROJECT

ALLOW: Final = "allow"
LISTS: Final[Mapping[str, str]] = {
    "persons.txt": PERSON,
    "companies.txt": COMPANY,
    "projects.txt": PROJECT,
    "allow.txt": ALLOW,
}
"""The files of a tenant, each with the kind of its entries."""
ALLOWABLE: Final = frozenset({PERSON, COMPANY, PROJECT, "address"})
"""What an allow-list may hold back; a number with a check digit, an e-mail or a phone never."""
FILE_BYTES_MAX: Final = 16 * 1024 * 1024
ENTRY_CHARS_MIN: Final = 2
ENTRY_CHARS_MAX: Final = 200
PROBLEMS_SHOWN: Final = 3
_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

Entries = Mapping[str, Sequence[str]]
"""By kind, what is listed."""


class Listed(NamedTuple):
    """A place in a text where an entry stands."""

    start: int
    end: int
    kind: str


class Dictionary:
    """One tenant's entries in one automaton; a text is read once, however many there are."""

    def __init__(self, entries: Entries | None = None) -> None:
        self._kinds: list[list[tuple[str, str | None]]] = []
        places: dict[str, int] = {}
        for kind, forms in (entries or {}).items():
            for form in forms:
                folded = _folded(form)
                if folded not in places:
                    places[folded] = len(places)
                    self._kinds.append([])
                # One word may be an everyday word too, so its capitals count.
                self._kinds[places[folded]].append((kind, None if " " in form else form))
        self._automaton = AhoCorasick(list(places)) if places else None

    def __bool__(self) -> bool:
        return self._automaton is not None

    def find(self, text: str) -> list[Listed]:
        """Return where entries stand in a canonical text as words of their own."""
        if self._automaton is None:
            return []
        found = []
        for index, start, end in self._automaton.find_matches_as_indexes(
            _folded(text), overlapping=True
        ):
            genitive = _genitive_letters(text, start, end)
            if genitive is None:
                continue
            for kind, form in self._kinds[index]:
                if form is None or text[start:end] == form:
                    found.append(Listed(start, end + genitive if kind == ALLOW else end, kind))
        return found


EMPTY: Final = Dictionary()


def _folded(text: str) -> str:
    """Return `text` in lower case with plain blanks, each character in its place."""
    lower = text.lower()
    if len(lower) != len(text):  # A few capitals become two characters.
        lower = "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)
    return lower.replace("\n", " ").replace("\t", " ").replace("\r", " ")


def _genitive_letters(text: str, start: int, end: int) -> int | None:
    """Return how many letters of a genitive follow; None if the place is part of a longer word."""
    if start and text[start - 1].isalnum():
        return None
    if not text[end : end + 1].isalnum():
        return 2 if text[end : end + 2] in {"'s", "'S"} else 0
    follows = text[end] in "sS" and not text[end + 1 : end + 2].isalnum()
    return 1 if follows else None


# --- files ---------------------------------------------------------------------------------------


class BrokenListError(ValueError):
    """A list that cannot be read. The text names file, line and rule, never the entry."""


@dataclass(slots=True, repr=False)
class _File:
    """One list as it was read last."""

    kind: str
    stamp: tuple[int, ...] = ()
    entries: tuple[str, ...] = ()
    problem: str | None = None
    was_good: bool = False


@dataclass(slots=True, repr=False)
class Dictionaries:
    """The lists of all tenants, read again when a file has changed."""

    folder: Path
    current: Mapping[str, Dictionary] = field(default_factory=dict)
    """By tenant; replaced as a whole."""
    problems: list[str] = field(default_factory=list)
    _files: dict[Path, _File] = field(default_factory=dict)

    @property
    def remark(self) -> str | None:
        """Return what a person should mend, or None."""
        shown = " ".join(self.problems[:PROBLEMS_SHOWN])
        more = len(self.problems) - PROBLEMS_SHOWN
        return f"{shown} And {more} more." if more > 0 else shown or None

    def look(self) -> bool:
        """Read what has changed and return whether anything did. Blocks: call it from a thread.

        A list that is broken stays as it was before; if it never was good, its good lines count.
        """
        self.problems = []
        try:
            paths = dict(self._paths())
        except OSError as error:
            self.problems = [f"{self.folder} cannot be read: {error.strerror}."]
            return False
        gone = [path for path in self._files if path not in paths]
        for path in gone:
            del self._files[path]
        changed = {path.parent.name for path in gone}
        for path, kind in paths.items():
            file = self._files.setdefault(path, _File(kind))
            if _read_again(path, file):
                changed.add(path.parent.name)
            if file.problem:
                self.problems.append(file.problem)
        if changed:
            self.current = self._built(changed)
        return bool(changed)

    def _paths(self) -> Iterator[tuple[Path, str]]:
        for tenant in sorted(self.folder.iterdir()):
            if tenant.name.startswith(".") or not tenant.is_dir():
                continue
            if not _TENANT.fullmatch(tenant.name):
                self.problems.append(f"{tenant} is not named like a tenant: it is not read.")
                continue
            for path in sorted(tenant.iterdir()):
                if path.name in LISTS:
                    yield path, LISTS[path.name]
                elif path.suffix == ".txt":
                    known = ", ".join(LISTS)
                    self.problems.append(f"{path} is not read: the lists are {known}.")

    def _built(self, changed: set[str]) -> dict[str, Dictionary]:
        tenants: dict[str, dict[str, Sequence[str]]] = {}
        for path, file in self._files.items():
            tenants.setdefault(path.parent.name, {})[file.kind] = file.entries
        return {
            tenant: Dictionary(entries) if tenant in changed else self.current[tenant]
            for tenant, entries in tenants.items()
        }


def _read_again(path: Path, file: _File) -> bool:
    """Read a list if it has another stamp; return whether its entries are others now."""
    try:
        found = path.stat()
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp == file.stamp:
            return False
        content = path.read_bytes() if found.st_size <= FILE_BYTES_MAX else None
    except OSError as error:
        file.problem = f"{path} cannot be read: {error.strerror}."
        return False
    file.stamp = stamp
    if content is None:
        file.problem = f"{path} is larger than {FILE_BYTES_MAX} bytes: shorten it."
        return False
    entries, file.problem = read_entries(path, content)
    if file.problem and file.was_good:
        return False
    file.was_good = file.problem is None
    before, file.entries = file.entries, entries
    return entries != before


def read_entries(path: Path, content: bytes) -> tuple[tuple[str, ...], str | None]:
    """Return the entries of a list's good lines, and what is wrong with the first bad one."""
    entries: dict[str, None] = {}
    problem = None
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            entry = _entry(line)
        except BrokenListError as error:
            problem = problem or f"{path}, line {number}: {error}."
        else:
            if entry:
                entries[entry] = None
    return tuple(entries), problem


def _entry(line: bytes) -> str:
    """Return what a line lists, in the spelling that texts are read in; empty for a comment."""
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        raise BrokenListError("not UTF-8: save the file as UTF-8") from None
    if not text or text.startswith("#"):
        return ""
    entry = " ".join(canonicalise(text).text.split())
    if not ENTRY_CHARS_MIN <= len(entry) <= ENTRY_CHARS_MAX:
        allowed = f"{ENTRY_CHARS_MIN} to {ENTRY_CHARS_MAX} characters"
        raise BrokenListError(f"an entry has {allowed}")
    if not any(map(str.isalpha, entry)):
        raise BrokenListError("an entry has letters: numbers are found by their own rules")
    return entry


def entries_of(lists: Mapping[str, Iterable[str]]) -> Entries:
    """Return entries by kind as files with these lines would give them."""
    return {kind: [_entry(line.encode()) for line in lines] for kind, lines in lists.items()}

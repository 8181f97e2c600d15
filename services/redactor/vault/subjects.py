"""Hashes values so that whoever holds the master key can look a person up, and nobody else."""

from collections.abc import Iterable, Iterator
from typing import Final

from services.redactor.kinds import KINDS, LITERAL, PERSON, Spelling
from services.redactor.placeholders import normalise
from services.redactor.vault import sealing

_DIGITS_MIN: Final = 4
_ORDER: Final = {kind: number for number, kind in enumerate(KINDS)}


class Subjects:
    """The keyed hashes of a tenant's values: of each whole, and of a name's telling parts."""

    def __init__(self, master: bytes) -> None:
        self._master = master
        self._keys: dict[str, bytes] = {}

    def hashes(self, tenant: str, kind: str, value: str) -> tuple[str, ...]:
        """Return the hashes under which this value is found."""
        return sealing.subject_hashes(self._key(tenant), kind, value)

    def wanted(self, tenant: str, values: Iterable[str]) -> tuple[str, ...]:
        """Return the hashes that find these values, whatever kind each was taken for.

        Only of whole values: who asks for "Anders Hansen" is not given every Hansen.
        """
        key = self._key(tenant)
        # Kind by kind, the likeliest first: a message has room for so many only.
        taken_for = [(kind, value) for value in values for kind in _kinds_of(value)]
        taken_for.sort(key=lambda pair: _ORDER[pair[0]])
        found = [sealing.subject_hashes(key, *pair)[0] for pair in taken_for]
        return tuple(dict.fromkeys(found))

    def _key(self, tenant: str) -> bytes:
        key = self._keys.get(tenant)
        if key is None:
            key = self._keys[tenant] = sealing.derived_key(self._master, f"subjects/{tenant}")
        return key


def _kinds_of(value: str) -> Iterator[str]:
    """Yield the kinds that a value may have been taken for."""
    has_digits = sum(sign.isdigit() for sign in value) >= _DIGITS_MIN
    for name, kind in KINDS.items():
        is_number = kind.spelling in {Spelling.DIGITS, Spelling.PHONE, Spelling.LETTERS}
        if name == LITERAL or (is_number and not has_digits) or (name == PERSON and has_digits):
            continue
        if normalise(name, value):
            yield name

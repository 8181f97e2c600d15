"""Walks every text of a request and puts changed texts back in the same places."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

STRUCTURAL: Final = frozenset({"role", "type"})
"""Fields whose values are words of the contract and not of a person."""


def texts(value: Json) -> Iterator[str]:
    """Yield every string in `value`, keys that people chose included, in a fixed order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not _is_field(key):
                yield key
            if key not in STRUCTURAL:
                yield from texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from texts(inner)


def rewritten(fields: Mapping[str, Json], new: Sequence[str]) -> dict[str, Json]:
    """Return `fields` with every string that `texts` yields taken from `new`, in the same order."""
    return _mapping(fields, iter(new))


def _mapping(fields: Mapping[str, Json], new: Iterator[str]) -> dict[str, Json]:
    return dict(_item(key, inner, new) for key, inner in fields.items())


def _item(key: str, inner: Json, new: Iterator[str]) -> tuple[str, Json]:
    name = key if _is_field(key) else next(new)
    return name, inner if key in STRUCTURAL else _value(inner, new)


def _value(value: Json, new: Iterator[str]) -> Json:
    if isinstance(value, str):
        return next(new)
    if isinstance(value, Mapping):
        return _mapping(value, new)
    return [_value(inner, new) for inner in value] if isinstance(value, Sequence) else value


def _is_field(key: str) -> bool:
    """Return whether a key looks like a field's name: one lower-case ASCII word."""
    return key.isidentifier() and key.isascii() and key.islower()

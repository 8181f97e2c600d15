"""Reads JSON that somebody else wrote: what is not what it should be raises `BadAnswerError`."""

import json
from typing import Any, Final

import orjson

from services.router.wire.http import BadAnswerError

_EXACT_DIGITS_MAX: Final = 15
"""So many digits every reader of JSON keeps."""


class _Number:
    """A number as it is written: read as a float, it could lose digits."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def object_in(data: bytes) -> dict[str, Any]:
    """Return a JSON object."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise BadAnswerError("not JSON") from None
    if not isinstance(value, dict):
        raise BadAnswerError("not an object")
    return value


def exact_object_in(data: bytes) -> dict[str, Any]:
    """Return a JSON object in which `json_text` finds every number as it is written.

    Slower than `object_in`; for what holds the arguments of calls.
    """
    object_in(data)  # It refuses what a text may not be made of, and nests no deeper.
    exact: dict[str, Any] = json.loads(data, parse_float=_Number, parse_int=_integer)
    return exact


def json_text(value: object) -> str:
    """Return JSON source text."""
    return orjson.dumps(value, default=_as_written).decode()


def _integer(text: str) -> int | _Number:
    return int(text) if len(text) <= _EXACT_DIGITS_MAX else _Number(text)


def _as_written(value: object) -> orjson.Fragment:
    if not isinstance(value, _Number):
        raise TypeError
    return orjson.Fragment(value.text)


def member_in(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object under a name, which must be there."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise BadAnswerError(f"{name} is no object")
    return value


def array_in(data: dict[str, Any], name: str) -> list[Any]:
    """Return a list; empty where there is none."""
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadAnswerError(f"{name} is no list")
    return value


def text_in(data: dict[str, Any], name: str) -> str:
    """Return a text; empty where there is none."""
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadAnswerError(f"{name} is no text")
    return value


def count_in(data: dict[str, Any], name: str) -> int:
    """Return a number of something; 0 where there is none."""
    value = data.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or value < 0:
        raise BadAnswerError(f"{name} is no number of anything")
    return value


def counts_in(data: dict[str, Any], *names: str) -> tuple[int, ...] | None:
    """Return how many of each thing were counted, 0 where it is not said; None if it is nonsense.

    An answer is no worse for a count that is: what it used is estimated then.
    """
    counts = tuple(data.get(name) or 0 for name in names)
    sound = all(isinstance(count, int) and count >= 0 for count in counts)
    return counts if sound else None

"""Reads JSON that somebody else wrote: what is not what it should be raises `BadAnswerError`."""

from typing import Any

import orjson

from services.router.wire.http import BadAnswerError


def object_in(data: bytes) -> dict[str, Any]:
    """Return a JSON object."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise BadAnswerError("not JSON") from None
    if not isinstance(value, dict):
        raise BadAnswerError("not an object")
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

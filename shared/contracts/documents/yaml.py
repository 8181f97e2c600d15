"""Writes plain data as YAML, since the contracts may import nothing that could."""

import json
import re
from collections.abc import Iterator
from typing import Final

# What YAML reads as the same string without quotes. Anything else is quoted as JSON, which is YAML.
_PLAIN: Final = re.compile(r"[A-Za-z_/$][A-Za-z0-9_./$ ()-]*(?<! )")
_OTHER_MEANING: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def yaml_text(data: object) -> str:
    """Return `data` (dictionaries, lists, strings, numbers, booleans, None) as a YAML document."""
    return "\n".join(_lines(data)) + "\n"


def _lines(data: object) -> Iterator[str]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _entry(f"{_scalar(key)}:", value)
    elif isinstance(data, list) and data:
        for value in data:
            yield from _item(value)
    else:
        yield _scalar(data)


def _entry(head: str, value: object) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield head
        yield from (f"  {line}" for line in _lines(value))
    else:
        yield f"{head} {_scalar(value)}"


def _item(value: object) -> Iterator[str]:
    first, *rest = _lines(value)
    yield f"- {first}"
    yield from (f"  {line}" for line in rest)


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _OTHER_MEANING:
        return value
    return json.dumps(value, ensure_ascii=False)

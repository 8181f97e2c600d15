"""Says whether services of two versions can read each other's messages.

A contract may gain optional fields. Everything else breaks one of two directions: an old reader
that meets new bytes, or a new reader that meets old ones, which a stream keeps for days.
"""

from collections.abc import Iterator
from typing import Final

from shared.contracts.documents.schemas import Schema

GROWING_ENUMERATIONS: Final = frozenset({"ErrorCode", "PartKind", "Sensitivity"})
"""Enumerations whose readers know what to do with a member that they have never heard of."""
_WITHOUT_EFFECT: Final = frozenset({"$schema", "$defs", "default", "description", "title"})


def broken_promises(old: Schema, new: Schema) -> list[str]:
    """Return what a change from `old` to `new` breaks, as sentences; empty means compatible."""
    return list(_compare(old, new, _Side(old, new), "message"))


class _Side:
    """The definitions of both schemas, and the pairs that have been compared already."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old: dict[str, Schema] = old.get("$defs", {})
        self.new: dict[str, Schema] = new.get("$defs", {})
        self.seen: set[str] = set()


def _compare(old: Schema, new: Schema, side: _Side, place: str) -> Iterator[str]:
    if "$ref" in old and "$ref" in new:
        yield from _compare_definitions(_name(old), _name(new), side, place)
        return
    for key in sorted((old.keys() | new.keys()) - _WITHOUT_EFFECT):
        before, after = old.get(key), new.get(key)
        if key == "properties":
            yield from _compare_properties(old, new, side, place)
        elif key == "required":
            yield from _compare_required(old, new, place)
        elif key in ("items", "additionalProperties") and isinstance(before, dict) and after:
            yield from _compare(before, after, side, f"{place}.*")
        elif key == "anyOf" and len(before or ()) == len(after or ()):
            for one, other in zip(before or (), after or (), strict=True):
                yield from _compare(one, other, side, place)
        elif before != after:
            yield f"{place}: {key} changed from {before} to {after}"


def _compare_definitions(old: str, new: str, side: _Side, place: str) -> Iterator[str]:
    if old in side.seen:
        return
    side.seen.add(old)
    before, after = dict(side.old[old]), dict(side.new[new])
    if old in GROWING_ENUMERATIONS:
        gone = set(before.pop("enum")) - set(after.pop("enum"))
        if gone:
            yield f"{place}: {old} lost {', '.join(sorted(gone))}"
    yield from _compare(before, after, side, place)


def _compare_properties(old: Schema, new: Schema, side: _Side, place: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, schema in before.items():
        if name not in after:
            yield f"{place}.{name}: was removed"
        else:
            yield from _compare(schema, after[name], side, f"{place}.{name}")


def _compare_required(old: Schema, new: Schema, place: str) -> Iterator[str]:
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(after - before):
        yield f"{place}.{name}: is required now, and old messages lack it"
    for name in sorted(before - after):
        yield f"{place}.{name}: is optional now, and old readers require it"


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]

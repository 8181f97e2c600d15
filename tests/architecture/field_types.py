"""Which contract fields can hold text that a person wrote, told from their types.

The allow-list is short on purpose: a list of what is forbidden let `note: str` and a free
`model: str` through.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

PLAIN: Final = (int, float, bool, UUID, datetime, date, AwareDatetime, type(None), Enum)
COMPOUND: Final = (Union, types.UnionType, tuple, list, set, frozenset, Sequence, dict, Mapping)
# What people write: a patterned string must refuse all of these, also when it is found in
# the middle, over several lines, or without an end.
PROSE: Final = (
    "Kære kundeservice, mit navn er Mette",
    "order-1\nKære kundeservice, mit navn er Mette",
    "x: Sehr geehrte Frau Müller, y",
    "a" * 10_000,
)


def free_text_fields(model: type[BaseModel], *, deep: bool) -> Iterator[str]:
    """Yield the fields of a model that can hold free text; `deep` follows models in fields."""
    for name, field in model.model_fields.items():
        for fault in _faults(_declared(field), deep=deep, seen=(model,)):
            yield f"{model.__name__}.{name}: {fault}"


def free_text_allowed(field: FieldInfo) -> bool:
    """Return whether the field itself can hold free text, models in it left aside."""
    return any(_faults(_declared(field), deep=False, seen=()))


def _declared(field: FieldInfo) -> object:
    """Return the type with the constraints that pydantic has moved into the field."""
    if not field.metadata:
        return field.annotation
    return Annotated[field.annotation, *field.metadata]


def _faults(declared: object, *, deep: bool, seen: tuple[type, ...]) -> Iterator[str]:
    origin = get_origin(declared)
    if _is_text(declared):
        if not _refuses_prose(declared):
            yield f"{declared} lets prose through: use a pattern"
    elif origin is Annotated or origin in COMPOUND:
        for argument in _parts(declared):
            yield from _faults(argument, deep=deep, seen=seen)
    elif isinstance(declared, type) and issubclass(declared, BaseModel):
        if deep and declared not in seen:
            for name, field in declared.model_fields.items():
                for fault in _faults(_declared(field), deep=deep, seen=(*seen, declared)):
                    yield f"{declared.__name__}.{name}: {fault}"
    elif origin is not Literal and not _is_plain(declared):
        yield f"{declared} is not on the list of types without text"


def _parts(declared: object) -> tuple[object, ...]:
    """Return the types that a container, a union or an annotated type is made of."""
    arguments = get_args(declared)
    if get_origin(declared) is Annotated:
        return arguments[:1]
    return tuple(argument for argument in arguments if argument is not Ellipsis)


def _is_plain(declared: object) -> bool:
    return isinstance(declared, type) and issubclass(declared, PLAIN)


def _is_text(declared: object) -> bool:
    inner = _parts(declared)[0] if get_origin(declared) is Annotated else declared
    return inner is str


def _refuses_prose(declared: object) -> bool:
    adapter: TypeAdapter[object] = TypeAdapter(cast("Any", declared))
    return not any(_accepts(adapter, text) for text in PROSE)


def _accepts(adapter: TypeAdapter[object], text: str) -> bool:
    try:
        adapter.validate_python(text)
    except ValidationError:
        return False
    return True

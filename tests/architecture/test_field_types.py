"""Meta events hold no text from people, and text from people is never shown by repr."""

import importlib
import pkgutil
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, cast
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, JsonValue, StringConstraints, create_model

from shared import contracts
from shared.contracts.catalog import COMMANDS, EVENTS
from shared.contracts.event import Record
from shared.contracts.values import DataClass, Token
from tests.architecture.field_types import free_text_allowed, free_text_fields

META = [row.event for row in EVENTS if row.data_class is DataClass.META]
META_COMMANDS = [row.command for row in COMMANDS if row.data_class is DataClass.META]
META_REPLIES = [row.reply for row in COMMANDS if row.data_class is DataClass.META]

# Text that no person wrote, so that repr may show it.
SHOWN = {"ErrorDetail.message": "one of the platform's own sentences, which hold no value"}


class Colour(StrEnum):
    """An enumeration, which is no free text."""

    GREEN = "green"


class Part(BaseModel):
    """A model inside a model."""

    note: str


class Fine(BaseModel):
    """Everything that a meta event may hold."""

    number: int
    share: float | None = Field(default=None, ge=0, le=1)
    id: UUID
    colour: Colour
    token: Token
    tokens: tuple[Token, ...] = ()
    limited: str = Field(pattern=r"^[a-z]{1,8}$")
    counts: dict[Token, int] = {}


def _model(declared: object, default: object = ...) -> type[BaseModel]:
    model: type[BaseModel] = create_model("Broken", field=cast("Any", (declared, default)))
    return model


BROKEN: list[type[BaseModel]] = [
    _model(str),
    _model(str | None),
    _model(tuple[str, ...]),
    _model(dict[str, int]),
    _model(dict[Token, str]),
    _model(bytes),
    _model(Any),
    _model(JsonValue),
    _model(Part),
    _model(tuple[Part, ...]),
    _model(Annotated[str, StringConstraints(max_length=20_000)]),
    _model(Annotated[str, StringConstraints(pattern=r".*")]),
    _model(Annotated[str, StringConstraints(pattern=r"[a-z0-9-]+")]),
    _model(Annotated[str, StringConstraints(pattern=r"^[a-z]+$")]),
]


def _records() -> Iterator[type[Record]]:
    """Yield every record that the contracts define."""
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"{contracts.__name__}.{module.name}")
    waiting = [Record]
    while waiting:
        record = waiting.pop()
        yield record
        waiting.extend(record.__subclasses__())


def _shown_text(model: type[BaseModel]) -> list[str]:
    return [
        name
        for name, field in model.model_fields.items()
        if free_text_allowed(field) and field.repr
    ]


@pytest.mark.parametrize("model", [*META, *META_COMMANDS, *META_REPLIES])
def test_what_is_meta_holds_no_free_text(model: type[BaseModel]) -> None:
    assert not list(free_text_fields(model, deep=True))


@pytest.mark.parametrize("model", BROKEN)
def test_a_field_that_lets_prose_through_is_refused(model: type[BaseModel]) -> None:
    assert list(free_text_fields(model, deep=True))


def test_numbers_ids_enumerations_and_patterned_strings_are_accepted() -> None:
    assert not list(free_text_fields(Fine, deep=True))


def test_text_from_people_is_hidden_from_repr() -> None:
    shown = {
        f"{record.__name__}.{name}"
        for record in _records()
        if record.__module__.startswith(f"{contracts.__name__}.")
        for name in _shown_text(record)
    }

    assert shown == SHOWN.keys(), "add Field(repr=False), or a pattern if no person writes it"


def test_text_that_repr_would_show_is_found() -> None:
    assert _shown_text(_model(str)) == ["field"]
    assert _shown_text(_model(dict[str, str] | None)) == ["field"]
    assert _shown_text(_model(str, Field(repr=False))) == []
    assert _shown_text(_model(Token)) == []

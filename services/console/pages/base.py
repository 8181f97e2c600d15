"""What a page is: one file with its views, found by name; the door checks who may open each.

A page never checks a right, a cookie or a token itself, so it cannot forget to.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from services.console import domain, wording
from services.console.domain import Visitor
from services.console.sessions import Ask
from shared.contracts.access import Right
from shared.db import Database

TEMPLATES: Final = Path(__file__).parent / "templates"
REMEMBERED_MAX: Final = 64
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """One call of a view: what was asked, and by whom. `form` is empty unless it was posted."""

    visitor: Visitor
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)
    partial: bool = False
    """A running page asked for a part of itself; else a browser wants a whole page."""

    def id_of(self, name: str) -> UUID | None:
        """Return an id in the address; None if it is none."""
        try:
            return UUID(self.path[name])
        except ValueError:
            return None


class Desk:
    """What views work with: the database, the bus, the templates, and a short memory."""

    def __init__(self, database: Database, ask: Ask, assets: Mapping[str, str]) -> None:
        self.database = database
        self.ask = ask
        self._remembered: dict[str, tuple[float, Any]] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {"w": wording, "d": domain, "asset": assets.__getitem__}

    def page(self, template: str, visit: Visit | None = None, **shown: object) -> Response:
        """Return a page or a part of one."""
        return HTMLResponse(self.text(template, visit, **shown))

    def text(self, template: str, visit: Visit | None = None, **shown: object) -> str:
        """Return a rendered template; every value in it is escaped."""
        visitor = visit.visitor if visit else None
        token = visit.token if visit else ""
        return self._templates.get_template(template).render(visitor=visitor, token=token, **shown)

    async def remembered(self, name: str, seconds: float, read: Callable[[], Awaitable[T]]) -> T:
        """Return what `read` returned lately: many who look at once ask the database once."""
        async with self._asking.setdefault(name, asyncio.Lock()):
            read_at, value = self._remembered.get(name, (float("-inf"), None))
            if time.monotonic() - read_at > seconds:
                value = await read()
                assert len(self._remembered) < REMEMBERED_MAX, "names are few and fixed"
                self._remembered[name] = (time.monotonic(), value)
            return cast("T", value)


Handle = Callable[[Visit, Desk], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class View:
    """One address: who may open it, and what answers. `path` is written as Starlette reads it."""

    method: str
    path: str
    right: Right
    handle: Handle


class Page(Protocol):
    """One module of this folder, or one that a third party names in `stellwerk.pages`."""

    VIEWS: tuple[View, ...]

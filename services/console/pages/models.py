"""The models page: how fast each model answers, how often it fails, what it has to do just now."""

from hashlib import sha256
from typing import Final

from starlette.responses import Response

from services.console import handlers
from services.console.pages.base import Desk, View, Visit
from shared.contracts.access import Right

_NOTHING_NEW: Final = 204


async def models(visit: Visit, desk: Desk) -> Response:
    """Return the whole page."""
    return desk.page("models.html", visit, **await _shown(desk))


async def speeds(visit: Visit, desk: Desk) -> Response:
    """Return its table; a running page that has it already is told so."""
    shown = await _shown(desk)
    if shown["seen"] == visit.query.get("seen"):
        return Response(status_code=_NOTHING_NEW)
    return desk.page("speeds.html", visit, **shown)


async def _shown(desk: Desk) -> dict[str, object]:
    listed = await handlers.found("postgresql", handlers.models(desk))
    return {"listed": listed, "seen": sha256(repr(listed).encode()).hexdigest()[:16]}


VIEWS = (
    View("GET", "/models", Right.SEE_OPERATIONS, models),
    View("GET", "/models/speeds", Right.SEE_OPERATIONS, speeds),
)

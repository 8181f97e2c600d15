"""The operations page: the last day in numbers, models, incidents, and the latest requests."""

from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from services.console import handlers, wording
from services.console.pages.base import Desk, View, Visit
from shared.contracts.access import Right
from shared.contracts.completions import Outcome

_LATEST: Final = handlers.Latest()
_NOTHING_NEW: Final = 204


async def operations(visit: Visit, desk: Desk) -> Response:
    """Return the whole page."""
    state, listed = await _state(desk), await _latest(visit, desk)
    return desk.page("operations.html", visit, **state, **listed)


async def overview(visit: Visit, desk: Desk) -> Response:
    """Return its top; a running page that has it already is told so.

    What is put in anew loses the reader's place, and a screen reader says it again.
    """
    shown = await _state(desk)
    if shown["state_seen"] == visit.query.get("seen"):
        return Response(status_code=_NOTHING_NEW)
    return desk.page("overview.html", visit, **shown)


async def requests(visit: Visit, desk: Desk) -> Response:
    """Return its list; a running page that has it already is told so."""
    shown = await _latest(visit, desk)
    if shown["seen"] == visit.query.get("seen"):
        return Response(status_code=_NOTHING_NEW)
    return desk.page("requests.html", visit, **shown)


async def acknowledge(visit: Visit, desk: Desk) -> Response:
    """Acknowledge an incident, then show the incidents again."""
    incident_id = visit.id_of("incident_id")
    problem = wording.NOT_FOUND_WHY
    if incident_id is not None:
        asked = await handlers.found(
            "watch", handlers.acknowledge(desk, visit.visitor, incident_id)
        )
        problem = ""
        if asked.away or asked.value:
            why = asked.value.sentence() if asked.value else wording.AWAY["watch"]
            problem = wording.NOT_ACKNOWLEDGED.format(sentence=why)
    if not visit.partial:
        return RedirectResponse("/", status_code=303)
    return desk.page("overview.html", visit, **await _state(desk, problem))


async def _state(desk: Desk, problem: str = "") -> dict[str, object]:
    state = await handlers.state(desk)
    return {"state": state, "state_seen": _digest(state), "problem": problem}


async def _latest(visit: Visit, desk: Desk) -> dict[str, object]:
    app, outcome = visit.query.get("app") or None, visit.query.get("outcome") or None
    outcome = outcome if outcome in set(Outcome) else None
    listed = await handlers.found("postgresql", _LATEST.read(desk, app, outcome))
    seen = _digest((app, outcome, listed))
    chosen = {"app": app or "", "outcome": outcome or ""}
    again = urlencode({**{name: value for name, value in chosen.items() if value}, "seen": seen})
    return {"listed": listed, "chosen": chosen, "seen": seen, "again": again}


def _digest(shown: object) -> str:
    """Return what differs when what is shown does; a value's repr holds all that a page prints."""
    return sha256(repr(shown).encode()).hexdigest()[:16]


VIEWS = (
    View("GET", "/", Right.SEE_OPERATIONS, operations),
    View("GET", "/operations/overview", Right.SEE_OPERATIONS, overview),
    View("GET", "/operations/requests", Right.SEE_OPERATIONS, requests),
    View("POST", "/incidents/{incident_id}/ack", Right.ACT_ON_INCIDENTS, acknowledge),
)

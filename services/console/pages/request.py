"""One request: where its time went, why it went there, what it cost, and its masked text."""

from starlette.responses import Response

from services.console import domain, handlers, wording
from services.console.pages.base import Desk, View, Visit
from shared.contracts.access import Right
from shared.contracts.errors import ErrorCode


async def request(visit: Visit, desk: Desk) -> Response:
    """Return the page of one request; one that has not ended yet is looked for again."""
    request_id = visit.id_of("request_id")
    if request_id is None:
        response = desk.page("problem.html", visit, kind="not_found")
        response.status_code = 404
        return response
    story = await handlers.story(desk, visit.visitor, request_id)
    return desk.page("request.html", visit, request_id=request_id, story=story)


async def text(visit: Visit, desk: Desk) -> Response:
    """Return the masked text through audit, which checks the role and records the look."""
    request_id = visit.id_of("request_id")
    reason = domain.reason_of(visit.form.get("kind", ""), visit.form.get("reference", ""))
    if request_id is None or reason is None:
        return _form(visit, desk, request_id, wording.TEXT_BAD_REASON)
    asked = await handlers.found(
        "audit", handlers.masked_text(desk, visit.visitor, request_id, reason)
    )
    if asked.value is None:
        return _form(visit, desk, request_id, wording.AWAY["audit"])
    code = asked.value.code
    if code not in {None, ErrorCode.TOO_LARGE}:
        return _form(visit, desk, request_id, wording.TEXT_REFUSED.format(sentence=code.sentence()))
    if not asked.value.turns:
        return _form(visit, desk, request_id, wording.TEXT_NOTHING)
    shown = {"request_id": request_id, "text": asked.value, "problem": None}
    return desk.page("text.html" if visit.partial else "text_page.html", visit, **shown)


def _form(visit: Visit, desk: Desk, request_id: object, problem: str) -> Response:
    shown = {"request_id": request_id, "text": None, "problem": problem}
    return desk.page("text.html" if visit.partial else "text_page.html", visit, **shown)


VIEWS = (
    View("GET", "/requests/{request_id}", Right.SEE_OPERATIONS, request),
    View("POST", "/requests/{request_id}/text", Right.READ_AUDIT, text),
)

"""Signs people in and out, and lets each visit through to its page, or not: it fails closed."""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.console import wording
from services.console.domain import Visitor
from services.console.pages.base import Desk, Page, View, Visit
from services.console.sessions import Attempts, Denials, Gatekeeper, Seal, Session
from shared.errors import DependencyDown, Transient

COOKIE: Final = "sw_console"
FORM_BYTES_MAX: Final = 16 * 1024
FIELDS_MAX: Final = 32
_PLACE: Final = re.compile(r"/(?!/)[A-Za-z0-9/_.-]*")
_AWAY: Final = (DependencyDown, Transient)

VISITS: Final = Counter(
    "stellwerk_console_visits_total",
    "Visits by result: shown, signed_out, forbidden, foreign (a form from another page), away. "
    "`away` says that the gateway cannot be asked.",
    ["result"],
)
SIGN_INS: Final = Counter(
    "stellwerk_console_sign_ins_total",
    "Sign-ins by result: opened, malformed, refused, limited, away. Many refused: somebody tries.",
    ["result"],
)

Endpoint = Callable[[Request], Awaitable[Response]]


class FormError(ValueError):
    """A form that is too large or not one."""


class Entrance:
    """All routes of the console, each behind its right."""

    def __init__(
        self,
        desk: Desk,
        seal: Seal,
        gatekeeper: Gatekeeper,
        attempts: Attempts,
        denials: Denials,
    ) -> None:
        self._desk = desk
        self._seal = seal
        self._gatekeeper = gatekeeper
        self._attempts = attempts
        self._denials = denials

    def routes(self, pages: Sequence[Page]) -> list[BaseRoute]:
        """Return the routes of all pages, of signing in and out, and of what is not there."""
        views = [view for page in pages for view in page.VIEWS]
        return [
            Route("/sign-in", self._sign_in_page, methods=["GET"]),
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            *(Route(view.path, self._guarded(view), methods=[view.method]) for view in views),
        ]

    async def nothing_here(self, _request: Request, _error: Exception) -> Response:
        """Answer for an address that no page has."""
        return self._problem("not_found", 404)

    async def broken(self, _request: Request, _error: Exception) -> Response:
        """Answer for a fault of ours; the log has its place."""
        return self._problem("broken", 500)

    def _guarded(self, view: View) -> Endpoint:
        async def answer(request: Request) -> Response:
            session = self._seal.opened(request.cookies.get(COOKIE))
            if session is None:
                return self._without_session(request)
            try:
                visitor = await self._gatekeeper.visitor(session)
            except _AWAY:
                VISITS.labels("away").inc()
                return self._shut(request)
            if visitor is None:
                return self._out(request)
            if not visitor.may(view.right):
                self._denials.note(visitor, session.key_id, view.right)
                VISITS.labels("forbidden").inc()
                return self._problem("forbidden", 403, self._visit(request, visitor, session, {}))
            return await self._shown(view, request, visitor, session)

        return answer

    async def _shown(
        self, view: View, request: Request, visitor: Visitor, session: Session
    ) -> Response:
        form: Mapping[str, str] = {}
        if view.method != "GET":
            try:
                form = await form_of(request)
            except FormError:
                return self._problem("too_large", 413)
            token = form.get("token", "")
            if not is_own(request) or not compare_digest(token.encode(), session.token.encode()):
                VISITS.labels("foreign").inc()
                return self._problem("foreign", 403, self._visit(request, visitor, session, {}))
        VISITS.labels("shown").inc()
        return await view.handle(self._visit(request, visitor, session, form), self._desk)

    def _visit(
        self, request: Request, visitor: Visitor, session: Session, form: Mapping[str, str]
    ) -> Visit:
        return Visit(
            visitor=visitor,
            path=request.path_params,
            query=request.query_params,
            form=form,
            token=session.token,
            partial=is_partial(request),
        )

    # --- signing in -----------------------------------------------------------------------------

    async def _sign_in_page(self, request: Request) -> Response:
        problem = wording.SIGNED_OUT if "out" in request.query_params else None
        return self._form(request.query_params.get("next", "/"), problem, 200)

    async def _sign_in(self, request: Request) -> Response:
        if not is_own(request):
            return self._problem("foreign", 403)
        try:
            form = await form_of(request)
        except FormError:
            return self._problem("too_large", 413)
        place, address = form.get("next", "/"), request.client.host if request.client else ""
        wait_s = self._attempts.wait_s(address)
        if wait_s:
            later = wording.SIGN_IN_LATER.format(seconds=wait_s)
            return self._refused(place, "limited", later, 429)
        session = Session.of_key(form.get("key", ""))
        if session is None:
            self._attempts.failed(address)
            return self._refused(place, "malformed", wording.SIGN_IN_SHAPE, 401)
        return await self._opened(request, session, place, address)

    async def _opened(
        self, request: Request, session: Session, place: str, address: str
    ) -> Response:
        try:
            visitor = await self._gatekeeper.visitor(session)
        except _AWAY:
            return self._refused(place, "away", wording.SIGN_IN_AWAY, 503)
        if visitor is None:
            self._attempts.failed(address)
            return self._refused(place, "refused", wording.SIGN_IN_REFUSED, 401)
        SIGN_INS.labels("opened").inc()
        response = RedirectResponse(place_of(place), status_code=303)
        response.set_cookie(
            COOKIE,
            self._seal.sealed(session),
            max_age=self._seal.seconds_max,
            path="/",
            secure=not is_loopback(request),
            httponly=True,
            samesite="strict",
        )
        return response

    async def _sign_out(self, request: Request) -> Response:
        # Without a session there is nothing to sign out of, so the origin alone decides.
        return _forgotten("/sign-in") if is_own(request) else self._problem("foreign", 403)

    def _refused(self, place: str, result: str, problem: str, status: int) -> Response:
        SIGN_INS.labels(result).inc()
        return self._form(place, problem, status)

    def _form(self, place: str, problem: str | None, status: int) -> Response:
        response = self._desk.page("sign_in.html", None, place=place_of(place), problem=problem)
        response.status_code = status
        return response

    # --- who is not let through -----------------------------------------------------------------

    def _without_session(self, request: Request) -> Response:
        from_elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
        if from_elsewhere and request.method == "GET" and COOKIE not in request.cookies:
            # A strict cookie stays away when a link in a mail is followed. Our own page may ask
            # again, and then it comes.
            return self._desk.page("again.html", None)
        return self._out(request, query="" if COOKIE not in request.cookies else "out=1")

    def _out(self, request: Request, query: str = "out=1") -> Response:
        VISITS.labels("signed_out").inc()
        place = request.url.path if request.method == "GET" else "/"
        if is_partial(request):
            place = urlsplit(request.headers.get("hx-current-url", "")).path or "/"
        parts = [part for part in (query, f"next={quote(place)}" if place != "/" else "") if part]
        target = "/sign-in" + ("?" + "&".join(parts) if parts else "")
        if is_partial(request):
            response = Response(status_code=401, headers={"HX-Redirect": target})
            response.delete_cookie(COOKIE, path="/")
            return response
        return _forgotten(target)

    def _shut(self, request: Request) -> Response:
        if is_partial(request):
            return Response(status_code=503, headers={"HX-Refresh": "true"})
        return self._problem("shut", 503)

    def _problem(self, kind: str, status: int, visit: Visit | None = None) -> Response:
        response = self._desk.page("problem.html", visit, kind=kind)
        response.status_code = status
        return response


def _forgotten(target: str) -> Response:
    response = RedirectResponse(target, status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a posted form. Raises `FormError` for one that is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise FormError("the form is too large")
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=FIELDS_MAX))
    except ValueError:
        raise FormError("the form has too many fields") from None


def is_own(request: Request) -> bool:
    """Return whether a form was sent from one of our own pages: every browser says from where."""
    origin = urlsplit(request.headers.get("origin", ""))
    return bool(origin.netloc) and origin.netloc == request.headers.get("host")


def is_partial(request: Request) -> bool:
    """Return whether a running page asks for a part of itself."""
    return request.headers.get("hx-request") == "true"


def is_loopback(request: Request) -> bool:
    """Return whether the browser runs on this machine, where no one listens in between."""
    name = request.url.hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def place_of(text: str) -> str:
    """Return where to go after signing in: a page of ours, whatever the address said."""
    return text if _PLACE.fullmatch(text) else "/"

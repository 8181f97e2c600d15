"""The HTTP server that apps call: who may come in, how many at once, and how it closes."""

import asyncio
import collections
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from prometheus_client import Counter, Gauge
from uvicorn.server import ServerState

from services.gateway.asking import Asking
from services.gateway.calls import Call, Receive, Send
from services.gateway.connections import LimitedConnection, Limits, configuration
from services.gateway.dialects.base import Dialect, Operation, Route
from services.gateway.domain import KEY_TEXT, KnownKey
from services.gateway.errors import CallerLeft, Problem
from services.gateway.keyring import Keyring
from services.gateway.offer import Offer
from services.gateway.settings import Settings
from shared.contracts.access import Denial
from shared.contracts.errors import ErrorCode
from shared.contracts.values import new_id

BACKLOG: Final = 2_048
POLL_S: Final = 0.02
LAST_S_MAX: Final = 2.0
"""How long replies that are broken off by the end of a stop may take to be cancelled."""
_BEARER: Final = re.compile(rb"(?i:bearer)\s+(\S+)")
_KEY_HEADERS: Final = (b"api-key", b"x-api-key")
_KEY_IN_ADDRESS: Final = re.compile(
    rb"sw-[a-z0-9]{12}-|(?:^|&)(?:api[-_]?key|x-api-key|key|access_token|token)=", re.IGNORECASE
)
_JSON: Final = b"application/json"

IN_HAND: Final = Gauge(
    "stellwerk_gateway_requests_in_hand",
    "Requests that callers wait for. Near SW_GATEWAY_REQUESTS_MAX for long: add replicas.",
)
TURNED_AWAY: Final = Counter(
    "stellwerk_gateway_turned_away_total",
    "Requests refused because too many were in hand. Add replicas, or ask the app to slow down.",
    ["limit"],
)

Companion = Callable[[], Awaitable[None]]


class Door:
    """The part of the service that listens; uvicorn reads and writes HTTP for it."""

    name = "door"

    def __init__(
        self,
        settings: Settings,
        dialects: Sequence[Dialect],
        keyring: Keyring,
        offer: Offer,
        asking: Asking,
    ) -> None:
        self.port = settings.door_port
        self._settings = settings
        self._dialects = dialects
        self._keyring = keyring
        self._offer = offer
        self._asking = asking
        self._companions: list[Companion] = []
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._stopping = asyncio.Event()
        self._in_hand: collections.Counter[tuple[str, str]] = collections.Counter()
        self._total = 0

    @property
    def problem(self) -> str | None:
        return "not listening" if self._server is None else None

    def beside(self, companion: Companion) -> None:
        """Run something for as long as requests may be in hand, which is longer than the jobs."""
        self._companions.append(companion)

    async def stop(self) -> None:
        """Begin to close: what comes is still answered for a while, on connections that end."""
        self._stopping.set()

    async def run(self) -> None:
        """Listen until `stop`, then until balancers know, then until nothing is in hand."""
        server = await self._listen()
        companions = [asyncio.ensure_future(companion()) for companion in self._companions]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({stopping, *companions}, return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set():
                await asyncio.sleep(self._settings.lame_duck_s)
            server.close()
            for connection in list(self._state.connections):
                connection.shutdown()
            while self._state.connections or self._state.tasks:  # noqa: ASYNC110  They are uvicorn's.
                await asyncio.sleep(POLL_S)
        finally:
            await self._end(server)
            stopping.cancel()
            ended = [companion for companion in companions if companion.done()]
            for companion in companions:
                companion.cancel()
            for companion in ended:
                companion.result()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        call = Call(scope, receive, send, new_id(), self._stopping)
        dialect, route, name = self._find(call)
        try:
            if isinstance(route, Problem):
                raise route
            # Whoever has no key takes no place of those who have one.
            known = await self._admitted(call)
            with self._counted(), self._counted_for(known):
                await self._serve(call, dialect, route, name, known)
        except Problem as problem:
            await call.problem(problem, dialect)
        except CallerLeft:
            return
        finally:
            if not call.answered:
                # What is raised on from here is our own fault, or the end of a stop.
                ended = self._stopping.is_set()
                code = ErrorCode.BUS_UNAVAILABLE if ended else ErrorCode.INTERNAL
                await call.problem(Problem(code), dialect)

    async def _serve(
        self, call: Call, dialect: Dialect, route: Route, name: str, known: KnownKey
    ) -> None:
        if route.operation is Operation.ASK:
            _check_content_type(call)
            await self._asking.serve(call, dialect, known)
        elif route.operation is Operation.MODELS:
            await call.reply(200, [], dialect.models(self._offer.all()))
        else:
            offered = self._offer.named(name)
            if offered is None:
                raise Problem(ErrorCode.UNKNOWN_MODEL, param="model")
            await call.reply(200, [], dialect.model(offered))

    async def _admitted(self, call: Call) -> KnownKey:
        if KEY_TEXT.search(call.path) or _KEY_IN_ADDRESS.search(call.query):
            sentence = (
                "A key stands in the address, where every log on the way keeps it. Rotate it, and "
                "send the new one in the header `authorization`."
            )
            raise Problem(ErrorCode.UNAUTHENTICATED, sentence)
        found = await self._keyring.admit(_key_of(call))
        if isinstance(found, KnownKey):
            return found
        if found is None:
            raise _busy("keys")
        role = found is Denial.ROLE
        raise Problem(ErrorCode.FORBIDDEN if role else ErrorCode.UNAUTHENTICATED)

    def _find(self, call: Call) -> tuple[Dialect, Route | Problem, str]:
        """Return the dialect of an address, what it does, and the name at its end."""
        allowed: dict[str, Dialect] = {}
        for dialect in self._dialects:
            for route in dialect.ROUTES:
                named = route.path.endswith("/") and len(call.path) > len(route.path)
                if not (call.path.startswith(route.path) if named else call.path == route.path):
                    continue
                if route.path.endswith("/") and not named:
                    continue
                if route.method == call.method:
                    return dialect, route, call.path[len(route.path) :]
                allowed[route.method] = dialect
        if not allowed:
            return self._dialects[0], self._nothing(), ""
        methods = ", ".join(sorted(allowed))
        sentence = f"This address takes {methods} only."
        wrong = Problem(ErrorCode.INVALID_REQUEST, sentence, status=405, allow=methods)
        return next(iter(allowed.values())), wrong, ""

    def _nothing(self) -> Problem:
        """Return what somebody is told whose client asks for more than is offered."""
        there = ", ".join(
            f"{route.method} {route.path}" + ("<name>" if route.path.endswith("/") else "")
            for dialect in self._dialects
            for route in dialect.ROUTES
        )
        return Problem(
            ErrorCode.NOT_FOUND, f"Nothing answers at this address. Offered are {there}."
        )

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._total >= self._settings.requests_max:
            raise _busy("all")
        self._total += 1
        IN_HAND.inc()
        try:
            yield
        finally:
            self._total -= 1
            IN_HAND.dec()

    @contextmanager
    def _counted_for(self, known: KnownKey) -> Iterator[None]:
        name = (known.tenant, known.app)
        if self._in_hand[name] >= self._settings.requests_per_app_max:
            TURNED_AWAY.labels("app").inc()
            sentence = "This app has too many requests in hand here. Send more slowly."
            raise Problem(ErrorCode.QUEUE_FULL, sentence)
        self._in_hand[name] += 1
        try:
            yield
        finally:
            self._in_hand[name] -= 1

    async def _listen(self) -> asyncio.Server:
        settings = self._settings
        config = configuration(self, settings.keep_alive_s)
        limits = Limits(
            settings.head_bytes_max,
            settings.head_s_max,
            settings.connections_max,
            settings.write_s_max,
        )
        sentence = "The head of the request is too long, or no HTTP. Correct it."
        refusal = self._dialects[0].problem(Problem(ErrorCode.INVALID_REQUEST, sentence), new_id())
        server = await asyncio.get_running_loop().create_server(
            lambda: LimitedConnection(config, self._state, limits, refusal),
            settings.door_host,
            settings.door_port,
            backlog=BACKLOG,
        )
        self.port = server.sockets[0].getsockname()[1]
        self._server = server
        return server

    async def _end(self, server: asyncio.Server) -> None:
        """Break off what the time for a stop did not suffice for."""
        server.close()
        self._server = None
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_S_MAX)
        for connection in list(self._state.connections):
            connection.transport.close()


def _busy(limit: str) -> Problem:
    TURNED_AWAY.labels(limit).inc()
    sentence = "The gateway is busy. Try again in a moment."
    return Problem(ErrorCode.QUEUE_FULL, sentence, status=503)


def _key_of(call: Call) -> str:
    found = _BEARER.fullmatch(call.headers.get(b"authorization", b"").strip())
    if found:
        return found[1].decode("latin-1")
    for name in _KEY_HEADERS:
        if name in call.headers:
            return call.headers[name].strip().decode("latin-1")
    return ""


def _check_content_type(call: Call) -> None:
    kind = call.headers.get(b"content-type", _JSON)
    if kind.split(b";", 1)[0].strip().lower() != _JSON:
        sentence = "The body must be JSON: send it with `content-type: application/json`."
        raise Problem(ErrorCode.INVALID_REQUEST, sentence, status=415)

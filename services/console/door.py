"""The console's HTTP server, run beside the bus: addresses, headers on every answer, files."""

import contextlib
import gzip
import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.console.entrance import Entrance
from services.console.pages.base import Page
from services.console.settings import Settings

_log = logging.getLogger(__name__)

STATIC: Final = Path(__file__).parent / "pages" / "static"
KINDS: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
VISITS_MAX: Final = 200
DRAIN_S_MAX: Final = 10
KEEP_ALIVE_S: Final = 30

# No page loads anything from another host, runs a script or a style that stands in a page, or can
# be shown inside another page. `same-origin` and not `no-referrer`: else browsers send no Origin.
HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
FRESH: Final = "no-store"
FOR_EVER: Final = "public, max-age=31536000, immutable"


class Door:
    """One part of the service; `stop` finishes what is in hand."""

    name = "door"

    def __init__(
        self, settings: Settings, entrance: Entrance, pages: Sequence[Page], files: "Files"
    ) -> None:
        self._settings = settings
        app = Starlette(
            routes=[*entrance.routes(pages), *files.routes()],
            exception_handlers={
                404: entrance.nothing_here,
                405: entrance.nothing_here,
                500: entrance.broken,
            },
        )
        config = uvicorn.Config(
            with_headers(app),
            http="httptools",
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.proxies),
            forwarded_allow_ips=settings.proxies or None,
            limit_concurrency=VISITS_MAX,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S_MAX,
        )
        self._server = _Server(config)

    @property
    def problem(self) -> str | None:
        return None if self._server.started else "not listening"

    async def run(self) -> None:
        """Serve until `stop`. Raises `OSError` when the port is taken."""
        listening = _listen(self._settings.door_host, self._settings.door_port)
        _log.info("door opens", extra={"facts": {"port": listening.getsockname()[1]}})
        await self._server.serve(sockets=[listening])

    async def stop(self) -> None:
        """Take nothing new; `run` returns when all in hand is done."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service, which drains its other parts too."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.setblocking(False)  # noqa: FBT003  Python's own signature.
    return listening


def with_headers(app: ASGIApp) -> ASGIApp:
    """Return the app with the headers that no answer may lack, an error least of all."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                kept = {} if b"cache-control" in given else {"Cache-Control": FRESH}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in (HEADERS | kept).items()
                    ),
                ]
            await send(message)

        await app(scope, receive, send_with)

    return wrapped


@dataclass(frozen=True, slots=True)
class File:
    """One vendored or own file, small enough to be kept in memory."""

    content: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    kind: str
    digest: str


class Files:
    """The style, the scripts and the picture; their addresses change with their content."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._files = {path.name: _file(path) for path in folder.iterdir() if path.suffix in KINDS}

    @property
    def addresses(self) -> Mapping[str, str]:
        return {name: f"/static/{name}?v={file.digest}" for name, file in self._files.items()}

    def routes(self) -> list[BaseRoute]:
        return [Route("/static/{name}", self._answer, methods=["GET"])]

    async def _answer(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            return Response(status_code=404)
        headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(file.content, media_type=file.kind, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(file.packed, media_type=file.kind, headers=headers)


def _file(path: Path) -> File:
    content = path.read_bytes()
    digest = sha256(content).hexdigest()[:12]
    return File(content, gzip.compress(content, mtime=0), KINDS[path.suffix], digest)

"""/livez, /readyz and /metrics of one service."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

REQUEST_S_MAX: Final = 5.0

Problems = Callable[[], Mapping[str, str]]


class Health:
    """A small HTTP server. Ready means: it really consumes, not merely that the link stands."""

    def __init__(
        self, host: str, port: int, problems: Problems, remarks: Mapping[str, str]
    ) -> None:
        self.port = port
        self._host = host
        self._problems = problems
        self._remarks = remarks
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S_MAX):
                head = await reader.readuntil(b"\r\n\r\n")
                parts = head.split(b" ", 2)
                status, kind, body = self._answer(b"".join(parts[1:2]).decode("ascii", "replace"))
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    def _answer(self, path: str) -> tuple[str, str, bytes]:
        if path == "/livez":
            return "200 OK", "application/json", b'{"live": true}'
        if path == "/readyz":
            problems = dict(self._problems())
            status = "503 Service Unavailable" if problems else "200 OK"
            body = {"ready": not problems, "problems": problems, "remarks": dict(self._remarks)}
            return status, "application/json", json.dumps(body).encode()
        if path == "/metrics":
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest()
        return "404 Not Found", "application/json", b'{"error": "try /livez, /readyz, /metrics"}'

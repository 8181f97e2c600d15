"""A model provider with a script instead of a model: for tests, benches and first steps.

It speaks OpenAI's chat completions over real HTTP, streamed and not, writes every byte that it
receives to a file, and fails on purpose: a model's name (`scripted-503`) or `POST /script` say how.
"""

import argparse
import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import orjson

from deploy.local.scripted_answers import MODES, STATUSES, answer_text, body_of, events_of

LOOPBACK: Final = "127.0.0.1"
HEAD_BYTES_MAX: Final = 64 * 1024
BODY_BYTES_MAX: Final = 8 * 1024 * 1024
SLOW_S: Final = 1.0
CUT_AFTER_CHUNKS: Final = 5
SILENT_AFTER_CHUNKS: Final = 2
END: Final = b"0\r\n\r\n"
STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@dataclass
class Script:
    """What the server does next, and what it has been asked so far."""

    record: Path | None = None
    mode: str | None = None
    """Overrides what the model's name asks for, as long as `times` lasts."""
    times: int | None = None
    latency_ms: int = 0
    """Before the first byte of an answer."""
    chunk_delay_ms: int = 0
    """Between two chunks of a stream."""
    text: str | None = None
    calls: Counter[str] = field(default_factory=Counter)
    """Completions asked for, by X-Request-Id."""
    abandoned: dict[str, float] = field(default_factory=dict)
    """When the caller left before its answer was whole, in seconds since 1970, by X-Request-Id."""
    connections: set[asyncio.Transport] = field(default_factory=set)
    """Those that are open."""

    def change(self, wanted: dict[str, Any]) -> None:
        """Apply the body of `POST /script`; a key that is left out keeps its value."""
        for name in ("mode", "times", "latency_ms", "chunk_delay_ms", "text"):
            if name in wanted:
                setattr(self, name, wanted[name])

    def mode_for(self, model: str) -> str:
        """Return how to answer: by `POST /script` first, else by the model's name."""
        if self.mode is not None and self.times != 0:
            if self.times is not None:
                self.times -= 1
            return self.mode
        suffix = model.rpartition("-")[2]
        return suffix if suffix in MODES else "ok"

    def note(self, request_id: str, received: bytes) -> None:
        """Append what was received, as it was received, so that a test can search it."""
        if self.record is None:
            return
        head = f"--- {request_id} {len(received)}\n".encode()
        # One write a request: two routers may use the file at once, and O_APPEND keeps them apart.
        file = os.open(self.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, head + received + b"\n")
        finally:
            os.close(file)


class Connection(asyncio.Protocol):
    """One connection: requests come one after the other and are answered in order."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._received = b""
        self._later: asyncio.TimerHandle | None = None
        self._answering: str | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's, so there is nothing to assert.
        self._transport = cast("asyncio.Transport", transport)
        self._script.connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        self._script.connections.discard(self._transport)
        if self._later is not None:
            self._later.cancel()
        if self._answering is not None:
            self._script.abandoned[self._answering] = time.time()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            if len(self._received) > HEAD_BYTES_MAX:
                self._transport.abort()
            return
        head = self._received[:head_end]
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = int(headers.get("content-length", "0"))
        whole = head_end + 4 + length
        if length > BODY_BYTES_MAX or "transfer-encoding" in headers:
            self._respond(411, b'{"error":{"message":"send a Content-Length below 8 MiB"}}')
            self._transport.close()
        elif len(self._received) >= whole:
            received, self._received = self._received[:whole], self._received[whole:]
            method, _, rest = lines[0].partition(" ")
            path = rest.partition(" ")[0]
            self._answer(f"{method} {path}", headers, received, received[head_end + 4 :])

    def _answer(self, route: str, headers: dict[str, str], received: bytes, body: bytes) -> None:
        script = self._script
        if route.startswith("POST") and route.endswith("/chat/completions"):
            request_id = headers.get("x-request-id", "")
            script.calls[request_id] += 1
            script.note(request_id, received)
            try:
                request = orjson.loads(body)
            except orjson.JSONDecodeError:
                self._respond(*STATUSES["400"])
            else:
                self._answering = request_id
                self._complete(request)
        elif route == "POST /script":
            script.change(orjson.loads(body))
            self._respond(200, b"{}")
        elif route == "GET /calls":
            found = {
                "total": script.calls.total(),
                "calls": dict(script.calls),
                "abandoned": script.abandoned,
            }
            self._respond(200, orjson.dumps(found))
        elif route.startswith("GET") and route.endswith(("/models", "/health")):
            self._respond(200, b'{"object":"list","data":[{"id":"scripted","object":"model"}]}')
        else:
            script.note(headers.get("x-request-id", ""), received)
            self._respond(404, b'{"error":{"message":"no such path","code":"not_found"}}')

    def _complete(self, request: dict[str, Any]) -> None:
        mode = self._script.mode_for(str(request.get("model", "")))
        wait_s = self._script.latency_ms / 1000 + (SLOW_S if mode == "slow" else 0)
        answer = self._stream if request.get("stream") else self._whole
        text = self._script.text or answer_text(request)
        if mode == "mute":
            return
        if wait_s > 0:
            self._after(wait_s, lambda: answer(mode, request, text))
        else:
            answer(mode, request, text)

    def _whole(self, mode: str, request: dict[str, Any], text: str) -> None:
        if self._failed(mode):
            return
        body = body_of(mode, request, text)
        if mode in ("cut", "silent"):
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            )
            self._transport.write(head.encode() + b"\r\n\r\n" + body[: len(body) // 2])
            if mode == "cut":
                self._end(close=True)
            return
        self._respond(200, body, kind="text/html" if mode == "html" else "application/json")

    def _stream(self, mode: str, request: dict[str, Any], text: str) -> None:
        if self._failed(mode):
            return
        if mode == "html":
            self._respond(200, b"<html>Please sign in</html>", kind="text/html")
            return
        events = events_of(mode, request, text)
        frames = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
        keep = {"cut": CUT_AFTER_CHUNKS, "silent": SILENT_AFTER_CHUNKS}.get(mode)
        frames = [*frames, b"" if mode == "noend" else END] if keep is None else frames[:keep]
        close_after = mode == "cut"
        if self._script.chunk_delay_ms:
            self._transport.write(STREAM_HEAD)
            self._paced(frames, close_after=close_after)
            return
        self._transport.write(STREAM_HEAD + b"".join(frames))
        self._end(close=close_after)

    def _paced(self, frames: Sequence[bytes], *, close_after: bool) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(frames[0])
        if len(frames) > 1:
            delay_s = self._script.chunk_delay_ms / 1000
            self._after(delay_s, lambda: self._paced(frames[1:], close_after=close_after))
        else:
            self._end(close=close_after)

    def _end(self, *, close: bool) -> None:
        """Note that all was written that the script wants."""
        self._answering = None
        if close:
            self._transport.close()

    def _failed(self, mode: str) -> bool:
        """Answer with an error, if that is the script; return whether it is."""
        if mode == "reset":
            self._answering = None
            self._transport.abort()
        elif mode in STATUSES:
            self._respond(*STATUSES[mode])
        else:
            return False
        return True

    def _respond(
        self,
        status: int,
        body: bytes,
        extra: str = "",
        kind: str = "application/json",
        sent: int | None = None,
    ) -> None:
        head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(body)}"
        self._transport.write(head.encode() + b"\r\n\r\n" + body[:sent])
        self._answering = None

    def _after(self, delay_s: float, action: Callable[[], None]) -> None:
        self._later = asyncio.get_running_loop().call_later(delay_s, action)


async def start(script: Script, port: int = 0) -> asyncio.Server:
    """Listen on the loopback address; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(script), LOOPBACK, port)


async def serve(script: Script, port: int) -> None:
    """Answer until SIGTERM or SIGINT."""
    server = await start(script, port)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    print(f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/v1", flush=True)  # noqa: T201
    await stopped.wait()
    server.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.scripted", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--record", type=Path, help="file that every received byte goes to")
    parser.add_argument("--latency-ms", type=int, default=0, help="before each answer")
    parser.add_argument("--chunk-delay-ms", type=int, default=0, help="between two chunks")
    chosen = parser.parse_args(arguments)
    script = Script(
        record=chosen.record,
        latency_ms=chosen.latency_ms,
        chunk_delay_ms=chosen.chunk_delay_ms,
    )
    # uvloop halves what one request costs, and benches share the machine with this process.
    import uvloop  # noqa: PLC0415 -- not needed by those who only import `start`

    uvloop.run(serve(script, chosen.port))


if __name__ == "__main__":
    main()

"""Google's translations over a real socket: counted by the characters that were sent."""

import asyncio
import json

import pytest
from pydantic import SecretStr

from services.router.faults import ErrorClass
from services.router.providers import google_translate
from services.router.providers.base import Endpoint, ProviderError
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import Message, Operation, Role
from tests.fixtures.asking import answered
from tests.unit.router.world import request

TEXTS = ("Hej & farvel", " \n", "Smørrebrød 🥪")


class Google:
    """Answers each text with itself, in capitals."""

    def __init__(self, status: int = 200) -> None:
        self.heads: list[str] = []
        self._status = status

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            length = int(head.partition("Content-Length: ")[2].partition("\r\n")[0])
            asked = json.loads(await reader.readexactly(length) or "{}")
            texts = asked.get("q") or asked.get("contents") or []
            said = {"translations": [{"translatedText": text.upper()} for text in texts]}
            body = json.dumps({"data": said} if "q" in asked else said).encode()
            told = f"HTTP/1.1 {self._status} Invented\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{told}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"version": "v2"}, "/language/translate/v2"),
        ({"project": "stellwerk-demo"}, "/v3/projects/stellwerk-demo/locations/global"),
    ],
)
async def test_a_translation_is_counted_by_what_was_sent(
    options: dict[str, str], path: str
) -> None:
    google = Google()
    messages = tuple(Message(role=Role.USER, content=text) for text in TEXTS)
    ask = request(operation=Operation.TRANSLATE, target_language="da", messages=messages)
    server = await asyncio.start_server(google.serve, "127.0.0.1", 0)
    async with server:
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        key = SecretStr("hemmelig")
        provider = google_translate.connect(Endpoint("g", base_url, 1.0, key=key, options=options))

        answer = await answered(provider, ask, "nmt")
        await provider.probe()
        await provider.close()

    assert answer.whole.texts == tuple(text.upper() for text in TEXTS)
    assert answer.whole.reason is FinishReason.STOP
    assert answer.whole.usage == TokenUsage(
        input_tokens=0, output_tokens=0, characters=sum(map(len, TEXTS))
    )
    asked, probed = google.heads
    assert asked.startswith(f"POST {path}")
    assert probed.startswith(f"GET {path}")
    assert "hemmelig" in probed


async def test_what_fails_costs_nothing() -> None:
    google = Google(status=500)
    server = await asyncio.start_server(google.serve, "127.0.0.1", 0)
    async with server:
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        provider = google_translate.connect(Endpoint("g", base_url, 1.0, options={"version": "v2"}))
        ask = request(operation=Operation.TRANSLATE, target_language="da")
        with pytest.raises(ProviderError) as raised:
            await answered(provider, ask, "nmt")
        await provider.close()

    assert raised.value.error_class is ErrorClass.SERVER_ERROR

"""Bodies as callers of OpenAI's dialect send them, read, and answers to write."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from services.gateway.dialects import openai
from services.gateway.dialects.base import Incoming, Wanted
from services.gateway.errors import Problem
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import RequestSubmitted
from shared.contracts.values import Language, new_id
from stellwerk.answer import Answer

HELLO = [{"role": "user", "content": "Hej"}]


def incoming(body: object, headers: Mapping[bytes, bytes] | None = None) -> Incoming:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Incoming(text, headers or {}, "default", "crm", new_id(), bytes(32))


def read(headers: Mapping[bytes, bytes] | None = None, /, **body: Any) -> Wanted:
    return openai.read(incoming({"model": "auto", "messages": HELLO, **body}, headers))


def request_of(**body: Any) -> RequestSubmitted:
    return read(**body).request


def refusal_of(headers: Mapping[bytes, bytes] | None = None, /, **body: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        read(headers, **body)
    return caught.value


def answer(**changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "request_id": new_id(),
        "text": "Kære kunde",
        "model": "local-small",
        "provider": "local",
        "finish_reason": FinishReason.STOP,
        "usage": TokenUsage(input_tokens=3, output_tokens=4),
        "cost_nano": 0,
        "currency": "EUR",
        "language": Language.DANISH,
        "masked_count": 0,
        "unresolved_count": 0,
    }
    return Answer(**(fields | changes))


def chunks_of(text: bytes) -> list[Any]:
    assert text.endswith(b"\n\n")
    lines = [part.removeprefix(b"data: ") for part in text.split(b"\n\n")[:-1]]
    return [line if line == b"[DONE]" else json.loads(line) for line in lines]

"""OpenAI's embeddings: texts in, one vector for each of them out, as numbers or in base64."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from services.gateway.dialects import openai
from services.gateway.dialects.base import (
    Incoming,
    Operation,
    Route,
    Wanted,
    invalid,
    read_object,
    submitted,
    unsupported,
)
from services.gateway.errors import Problem
from shared.contracts import requests
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import MESSAGES_MAX, Role
from stellwerk.answer import Answer
from stellwerk.asking import too_much_for_one_answer

NAME: Final = "openai-embeddings"
REQUEST_ID_HEADER: Final = openai.REQUEST_ID_HEADER
ROUTES: Final = (Route("POST", "/v1/embeddings", Operation.ASK),)

BASE64: Final = "base64"
_FORMATS: Final = (None, "float", BASE64)
_TAKEN: Final = frozenset({"input", "model", "encoding_format", "dimensions", "user"})

# Errors look the same at all of OpenAI's addresses, and nothing here is streamed or listed.
problem = openai.problem
stream = openai.stream
models = openai.models
model = openai.model


@dataclass(frozen=True, slots=True)
class WantedVectors(Wanted):
    """Texts to embed, and how the vectors are written."""

    encoding_format: str | None = None


def read(incoming: Incoming) -> Wanted:
    body = read_object(incoming.body)
    for name, value in body.items():
        if name not in _TAKEN and value is not None:
            raise unsupported(name)
    if not isinstance(body.get("model"), str):
        raise invalid("model", "name a model, or `auto`")
    encoding_format = body.get("encoding_format")
    if encoding_format not in _FORMATS:
        raise invalid("encoding_format", "it is `float` or `base64`")
    fields = {name: body[name] for name in ("model", "user") if body.get(name) is not None}
    fields["operation"] = requests.Operation.EMBED
    fields["messages"] = [{"role": Role.USER, "content": text} for text in _texts(body)]
    if body.get("dimensions") is not None:
        fields["dimensions"] = body["dimensions"]
    request = submitted(incoming, fields, {"messages": "input"})
    if (sentence := too_much_for_one_answer(request)) is not None:
        raise Problem(ErrorCode.TOO_LARGE, sentence, param="input")
    return WantedVectors(request, encoding_format=encoding_format)


def answer(wanted: Wanted, answer: Answer, created: int) -> bytes:  # noqa: ARG001  OpenAI's has none.
    in_base64 = isinstance(wanted, WantedVectors) and wanted.encoding_format == BASE64
    vectors: Sequence[object] = answer.embeddings if in_base64 else answer.vectors
    tokens = answer.usage.input_tokens
    return orjson.dumps(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": vector}
                for index, vector in enumerate(vectors)
            ],
            "model": answer.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _texts(body: dict[str, object]) -> list[str]:
    said = body.get("input")
    texts = said if isinstance(said, list) else [said]
    if any(isinstance(one, int | list) for one in texts):
        raise invalid("input", "send texts: tokens cannot be read here, so they cannot be masked")
    if not texts or not all(isinstance(one, str) and one.strip() for one in texts):
        raise invalid("input", "it is a text or a list of texts, and none of them is empty")
    if len(texts) > MESSAGES_MAX:
        raise invalid("input", f"it holds at most {MESSAGES_MAX} texts")
    return [one for one in texts if isinstance(one, str)]

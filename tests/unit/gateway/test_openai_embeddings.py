"""OpenAI's embeddings: what is read, what is refused by name, and how vectors are written."""

import base64
import json
import struct
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from services.gateway.dialects import openai_embeddings
from services.gateway.dialects.base import Wanted
from services.gateway.errors import Problem
from shared.contracts.completions import TokenUsage
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import EmbeddingPurpose, Operation
from tests.unit.gateway.openai_bodies import answer, incoming

VECTORS = ([0.25, -1.0], [0.5, 2.0])
PACKED = tuple(base64.b64encode(struct.pack("<2f", *one)).decode() for one in VECTORS)


def read(headers: dict[bytes, bytes] | None = None, /, **body: Any) -> Wanted:
    return openai_embeddings.read(incoming({"model": "words", "input": "Hej", **body}, headers))


def refusal_of(**body: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        read(**body)
    return caught.value


def written(**body: Any) -> dict[str, Any]:
    usage = TokenUsage(input_tokens=7, output_tokens=0)
    answered = answer(text="", model="words-v1", embeddings=PACKED, usage=usage)
    wanted = read(input=["a", "b"], **body)
    told: dict[str, Any] = json.loads(openai_embeddings.answer(wanted, answered, 0))
    return told


def test_each_text_is_a_message_to_embed() -> None:
    request = read(input=["Hej", "Farvel"], dimensions=256, user="u-1").request
    assert [message.content for message in request.messages] == ["Hej", "Farvel"]
    assert (request.operation, request.model, request.dimensions) == (
        Operation.EMBED,
        "words",
        256,
    )
    assert request.stream is False
    assert request.user is not None


def test_one_text_is_a_list_of_one() -> None:
    assert [message.content for message in read().request.messages] == ["Hej"]


def test_what_vectors_are_for_is_said_in_a_header() -> None:
    request = read({b"x-stellwerk-embedding-purpose": b"query"}).request
    assert request.embedding_purpose is EmbeddingPurpose.QUERY


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]], 7])
def test_tokens_are_refused_because_nobody_could_mask_them(tokens: object) -> None:
    refused = refusal_of(input=tokens)
    assert (refused.code, refused.param) == (ErrorCode.INVALID_REQUEST, "input")
    assert "cannot be masked" in refused.sentence


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"input": None}, ErrorCode.INVALID_REQUEST, "input"),
        ({"input": []}, ErrorCode.INVALID_REQUEST, "input"),
        ({"input": ""}, ErrorCode.INVALID_REQUEST, "input"),
        ({"input": ["a", " "]}, ErrorCode.INVALID_REQUEST, "input"),
        ({"input": [{"text": "a"}]}, ErrorCode.INVALID_REQUEST, "input"),
        ({"input": ["a"] * 257}, ErrorCode.INVALID_REQUEST, "input"),
        ({"input": ["a"] * 41}, ErrorCode.TOO_LARGE, "input"),
        ({"input": ["a"] * 161, "dimensions": 1024}, ErrorCode.TOO_LARGE, "input"),
        ({"dimensions": 0}, ErrorCode.INVALID_REQUEST, "dimensions"),
        ({"dimensions": "many"}, ErrorCode.INVALID_REQUEST, "dimensions"),
        ({"model": None}, ErrorCode.INVALID_REQUEST, "model"),
        ({"encoding_format": "hex"}, ErrorCode.INVALID_REQUEST, "encoding_format"),
        ({"encoding_format": []}, ErrorCode.INVALID_REQUEST, "encoding_format"),
        ({"truncate": True}, ErrorCode.UNSUPPORTED, "truncate"),
    ],
)
def test_what_is_wrong_is_named(body: dict[str, Any], code: ErrorCode, param: str) -> None:
    refused = refusal_of(**body)
    assert (refused.code, refused.param) == (code, param)


def test_as_many_texts_as_have_room_are_taken() -> None:
    assert len(read(input=["a"] * 160, dimensions=1024).request.messages) == 160


def test_vectors_are_numbers_by_default_as_openai_writes_them() -> None:
    for body in (written(), written(encoding_format="float")):
        parsed = CreateEmbeddingResponse.model_validate(body, strict=True)
        assert [one.embedding for one in parsed.data] == list(VECTORS)
        assert [one.index for one in parsed.data] == [0, 1]
        assert (parsed.model, parsed.object) == ("words-v1", "list")
        assert (parsed.usage.prompt_tokens, parsed.usage.total_tokens) == (7, 7)


def test_base64_holds_little_endian_floats() -> None:
    body = written(encoding_format="base64")
    assert [one["embedding"] for one in body["data"]] == list(PACKED)

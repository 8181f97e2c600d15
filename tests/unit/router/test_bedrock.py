"""What Bedrock's Converse is asked, held against AWS's own description and AWS's own library."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.router.providers import bedrock
from services.router.providers.base import Endpoint, Outgoing
from services.router.wire.http import UNASKABLE, StatusError
from shared.contracts.requests import Message, Part, PartKind, Role, Tool, ToolCall
from tests.unit.router.converse import HOST, dialect, operation
from tests.unit.router.world import request

MODEL: Final = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN: Final = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0"
CALL: Final = ToolCall(id="call_1", name="find_order", arguments='{"af": "Klient_001"}')
TOOL: Final = Tool(name="find_order", description="Finder", parameters={"type": "object"})
TEXTS: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def asked(outgoing: Outgoing) -> dict[str, Any]:
    """Return a request's body, as AWS's own description has nothing against it."""
    body: dict[str, Any] = json.loads(outgoing.body)
    shape = operation("ConverseStream" if outgoing.stream else "Converse").input_shape
    report = ParamValidator().validate({**body, "modelId": MODEL}, shape)
    assert not report.has_errors(), report.generate_report()
    return body


def conversation(*messages: Message, **changes: Any) -> dict[str, Any]:
    return asked(dialect().request(request(messages=messages, **changes), MODEL, 100))


# --- what is asked -----------------------------------------------------------------------


def test_a_conversation_takes_turns() -> None:
    body = conversation(
        Message(role=Role.SYSTEM, content="Svar kort."),
        Message(role=Role.DEVELOPER, content="På dansk."),
        Message(role=Role.USER, content="Hej."),
        Message(role=Role.USER, content="Er du der?"),
        Message(role=Role.ASSISTANT, content=" ", tool_calls=(CALL,)),
        Message(role=Role.TOOL, content="4711-A", tool_call_id="call_1"),
        Message(role=Role.USER, content="Nå?"),
        temperature=0.5,
        top_p=0.9,
        seed=3,
        tools=(TOOL,),
    )

    assert body["system"] == [{"text": "Svar kort.\n\nPå dansk."}]
    assert body["inferenceConfig"] == {"maxTokens": 100, "temperature": 0.5, "topP": 0.9}
    use = {"toolUseId": "call_1", "name": "find_order", "input": {"af": "Klient_001"}}
    result = {"toolUseId": "call_1", "content": [{"text": "4711-A"}]}
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "Hej."}, {"text": "Er du der?"}]},
        {"role": "assistant", "content": [{"toolUse": use}]},
        {"role": "user", "content": [{"toolResult": result}, {"text": "Nå?"}]},
    ]


def test_images_sounds_and_files_are_blocks_of_bytes() -> None:
    parts = (
        Part(kind=PartKind.TEXT, text="Hvad er det?"),
        Part(kind=PartKind.IMAGE, data="QUJD", media_type="image/jpg"),
        Part(kind=PartKind.AUDIO, data="QUJD", media_type="audio/mpeg"),
        Part(kind=PartKind.FILE, data="QUJD", media_type="application/pdf", name="Sag 1.pdf"),
        Part(kind=PartKind.FILE, data="QUJD", media_type="text/plain", name="Sag 1.pdf"),
    )

    (turn,) = conversation(Message(role=Role.USER, content="", parts=parts))["messages"]

    source = {"bytes": "QUJD"}
    assert turn["content"] == [
        {"text": "Hvad er det?"},
        {"image": {"format": "jpeg", "source": source}},
        {"audio": {"format": "mp3", "source": source}},
        {"document": {"name": "Document 1", "format": "pdf", "source": source}},
        {"document": {"name": "Document 2", "format": "txt", "source": source}},
    ]


def test_an_image_behind_an_address_is_not_asked_for() -> None:
    parts = (Part(kind=PartKind.IMAGE, url="https://example.com/a.png"),)
    ask = request(messages=(Message(role=Role.USER, content="", parts=parts),))

    provider = bedrock.connect(Endpoint("aws", HOST, 1.0))

    assert provider.request(ask, MODEL, 100) is UNASKABLE


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, None),
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        ("find_order", {"tool": {"name": "find_order"}}),
    ],
)
def test_a_choice_of_function_is_passed_on(choice: str | None, written: object) -> None:
    hello = Message(role=Role.USER, content="Hej.")

    config = conversation(hello, tools=(TOOL, Tool(name="bare")), tool_choice=choice)["toolConfig"]

    assert config.get("toolChoice") == written
    assert [one["toolSpec"]["name"] for one in config["tools"]] == ["find_order", "bare"]


def test_no_function_is_on_offer_when_none_may_be_called() -> None:
    hello = Message(role=Role.USER, content="Hej.")

    assert "toolConfig" not in conversation(hello, tools=(TOOL,), tool_choice="none")


def test_functions_that_were_called_are_described_even_if_nobody_offers_them() -> None:
    body = conversation(
        Message(role=Role.USER, content="Hej."),
        Message(role=Role.ASSISTANT, content="", tool_calls=(CALL,)),
        Message(role=Role.TOOL, content="", tool_call_id="call_1"),
    )

    spec = {"name": "find_order", "inputSchema": {"json": {"type": "object"}}}
    assert body["toolConfig"] == {"tools": [{"toolSpec": spec}]}


@given(st.sampled_from([MODEL, ARN, "a/b:c d~æ"]), st.booleans())
def test_the_address_is_that_of_botocore(model: str, stream: bool) -> None:  # noqa: FBT001
    outgoing = dialect().request(request(stream=stream), model, 100)

    name = "ConverseStream" if stream else "Converse"
    theirs = create_serializer("rest-json").serialize_to_request(
        {"modelId": model}, operation(name)
    )
    assert outgoing.path == theirs["url_path"]


ROLES: Final = st.sampled_from([one for one in Role if one is not Role.TOOL])
TURNS: Final = st.lists(st.builds(Message, role=ROLES, content=TEXTS), min_size=1, max_size=8)


@given(TURNS, st.booleans())
def test_whatever_is_asked_fits_the_description_of_aws(
    turns: list[Message],
    stream: bool,  # noqa: FBT001
) -> None:
    ask = request(messages=tuple(turns), stream=stream, tools=(TOOL,))

    body = asked(dialect().request(ask, MODEL, 100))

    roles = [turn["role"] for turn in body["messages"]]
    assert all(one != after for one, after in itertools.pairwise(roles))
    said = "".join(one["text"] for turn in body["messages"] for one in turn["content"])
    assert sum(map(len, said.split())) <= sum(len(turn.content) for turn in turns)


# --- who asks ----------------------------------------------------------------------------


def test_an_api_key_is_a_bearer_token() -> None:
    assert list(dialect().headers(b"POST", "/x", b"{}")) == [(b"Authorization", b"Bearer hemmelig")]


@pytest.mark.parametrize(
    ("base_url", "options", "region"),
    [
        (HOST, {}, "eu-central-1"),
        (HOST, {"aws_region": "eu-north-1"}, "eu-north-1"),
        ("https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", {}, "eu-west-1"),
        ("https://bedrock-runtime-fips.us-east-1.amazonaws.com", {}, "us-east-1"),
        ("http://localhost:4566", {}, "eu-west-3"),
    ],
)
def test_the_region_is_the_one_stated_or_that_of_the_address(
    base_url: str, options: dict[str, str], region: str
) -> None:
    made = bedrock.Converse(
        Endpoint(
            "aws",
            base_url,
            1.0,
            key=SecretStr("hemmelig"),
            region="eu-west-3",
            options={"access_key_id": "AKIDEXAMPLE", **options},
        ),
        clock=lambda: datetime(2026, 11, 24, tzinfo=UTC),
    )

    (authorization,) = [
        value for name, value in made.headers(b"POST", "/x", b"{}") if name == b"Authorization"
    ]

    assert f"AKIDEXAMPLE/20261124/{region}/bedrock/aws4_request".encode() in authorization


@pytest.mark.parametrize(
    "endpoint",
    [
        Endpoint("aws", HOST, 1.0, options={"access_key_id": "AKIDEXAMPLE"}),
        Endpoint("aws", HOST, 1.0, options={"acess_key_id": "AKIDEXAMPLE"}),
        Endpoint("aws", "http://bedrock:port", 1.0),
        Endpoint("aws", "bedrock", 1.0),
    ],
)
def test_what_cannot_be_connected_is_said(endpoint: Endpoint) -> None:
    with pytest.raises(ValueError, match=r"key|option|base_url"):
        bedrock.connect(endpoint)


# --- what goes wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "message", "expected"),
    [
        (400, "ValidationException", "Input is too long for requested model.", "context_too_long"),
        (
            400,
            "ValidationException",
            "prompt is too long: 9 tokens > 8 maximum",
            "context_too_long",
        ),
        (400, "ValidationException", "messages must alternate", "rejected"),
        (400, "ServiceQuotaExceededException", "exceeds the service quota", "quota_spent"),
        (403, "AccessDeniedException", "no", "unauthorised"),
        (403, "UnrecognizedClientException", "no", "unauthorised"),
        (404, "ResourceNotFoundException", "no", "not_found"),
        (408, "ModelTimeoutException", "no", "timeout"),
        (424, "ModelErrorException", "no", "server_error"),
        (429, "ThrottlingException", "Too many requests", "rate_limited"),
        (429, "ThrottlingException", "Too many tokens per day, please wait", "quota_spent"),
        (429, "ModelNotReadyException", "no", "overloaded"),
        (500, "InternalServerException", "no", "server_error"),
        (503, "ServiceUnavailableException", "no", "overloaded"),
    ],
)
def test_errors_are_known_by_header_or_by_body(
    status: int, kind: str, message: str, expected: str
) -> None:
    header = f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/".encode()
    by_header = StatusError(
        status, json.dumps({"message": message}).encode(), ((b"x-amzn-ErrorType", header),)
    )
    by_body = StatusError(
        status, json.dumps({"__type": f"com.amazon.bedrock#{kind}", "message": message}).encode()
    )

    assert bedrock.classify(by_header) == expected
    assert bedrock.classify(by_body) == expected

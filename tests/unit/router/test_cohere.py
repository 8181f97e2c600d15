"""What Cohere is asked, as its documents want it, and what its errors mean."""

import json
from typing import Any, Final

import pytest
from pydantic import SecretStr

from services.router.providers import cohere
from services.router.providers.base import Endpoint
from services.router.wire.http import UNASKABLE, StatusError
from shared.contracts.requests import (
    EmbeddingPurpose,
    Message,
    Operation,
    Part,
    PartKind,
    Role,
    Tool,
    ToolCall,
)
from tests.unit.router.world import request

HOST: Final = "https://api.cohere.com"
TOOL: Final = Tool(name="find_order", description="Finder", parameters={"type": "object"})
CALL: Final = ToolCall(id="call_1", name="find_order", arguments='{"af": "Klient_001"}')
HELLO: Final = Message(role=Role.USER, content="Hej.")


def dialect() -> cohere.Cohere:
    return cohere.Cohere(Endpoint("cohere", HOST, 1.0, key=SecretStr("hemmelig")))


def chat(*messages: Message, **changes: Any) -> dict[str, Any]:
    ask = request(messages=messages or (HELLO,), **changes)
    body: dict[str, Any] = json.loads(dialect().request(ask, "command-a", 100).body)
    return body


def embedding(**changes: Any) -> dict[str, Any]:
    ask = request(operation=Operation.EMBED, **changes)
    body: dict[str, Any] = json.loads(dialect().request(ask, "embed-v4.0", 1).body)
    return body


# --- what is asked -----------------------------------------------------------------------


def test_a_conversation_is_written() -> None:
    body = chat(
        Message(role=Role.DEVELOPER, content="Svar kort."),
        Message(role=Role.USER, content="Hej.", name="Klient_001"),
        Message(role=Role.ASSISTANT, content="", tool_calls=(CALL,)),
        Message(role=Role.TOOL, content="4711-A", tool_call_id="call_1"),
        temperature=0.5,
        top_p=1.0,
        seed=3,
        presence_penalty=0.1,
    )

    function = {"name": "find_order", "arguments": '{"af": "Klient_001"}'}
    assert body == {
        "model": "command-a",
        "max_tokens": 100,
        "stream": False,
        "temperature": 0.5,
        "p": 0.99,
        "seed": 3,
        "presence_penalty": 0.1,
        "messages": [
            {"role": "system", "content": "Svar kort."},
            {"role": "user", "content": "Hej."},
            {
                "role": "assistant",
                "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
            },
            {"role": "tool", "content": "4711-A", "tool_call_id": "call_1"},
        ],
    }


@pytest.mark.parametrize(
    ("choice", "names", "written"),
    [
        (None, ["find_order", "bare"], None),
        ("auto", ["find_order", "bare"], None),
        ("none", ["find_order", "bare"], "NONE"),
        ("required", ["find_order", "bare"], "REQUIRED"),
        ("bare", ["bare"], "REQUIRED"),
    ],
)
def test_a_certain_function_is_the_only_one_on_offer(
    choice: str | None, names: list[str], written: str | None
) -> None:
    body = chat(tools=(TOOL, Tool(name="bare")), tool_choice=choice)

    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert all(tool["function"]["parameters"] for tool in body["tools"])
    assert body.get("tool_choice") == written


@pytest.mark.parametrize("strict", [True, False, None])
def test_functions_are_strict_if_all_are(strict: bool | None) -> None:  # noqa: FBT001
    tools = (TOOL.model_copy(update={"strict": True}), TOOL.model_copy(update={"strict": strict}))

    body = chat(tools=tools)

    assert body.get("strict_tools", False) is bool(strict)
    assert all("strict" not in tool["function"] for tool in body["tools"])


def test_images_are_written_and_files_are_not_asked_for() -> None:
    image = Part(kind=PartKind.IMAGE, data="QUJD", media_type="image/png")
    file = Part(kind=PartKind.FILE, data="QUJD", media_type="application/pdf")

    (turn,) = chat(Message(role=Role.USER, content="", parts=(image,)))["messages"]
    ask = request(messages=(Message(role=Role.USER, content="", parts=(file,)),))

    url = "data:image/png;base64,QUJD"
    assert turn["content"] == [{"type": "image_url", "image_url": {"url": url}}]
    assert cohere.connect(Endpoint("cohere", HOST, 1.0)).request(ask, "c", 1) is UNASKABLE


@pytest.mark.parametrize(
    ("purpose", "written"),
    [
        (EmbeddingPurpose.DOCUMENT, "search_document"),
        (EmbeddingPurpose.QUERY, "search_query"),
        (EmbeddingPurpose.CLASSIFICATION, "classification"),
        (EmbeddingPurpose.CLUSTERING, "clustering"),
    ],
)
def test_an_embedding_says_what_it_is_for(purpose: EmbeddingPurpose, written: str) -> None:
    body = embedding(messages=(HELLO, HELLO), embedding_purpose=purpose, dimensions=256)

    assert body == {
        "model": "embed-v4.0",
        "texts": ["Hej.", "Hej."],
        "input_type": written,
        "embedding_types": ["float"],
        "truncate": "NONE",
        "output_dimension": 256,
    }


def test_addresses_and_key_are_as_documented() -> None:
    embeds = request(operation=Operation.EMBED)

    assert dialect().request(request(stream=True), "c", 1).path == "/v2/chat"
    assert dialect().request(embeds, "c", 1).path == "/v2/embed"
    assert list(dialect().headers(b"POST", "/x", b"")) == [(b"Authorization", b"Bearer hemmelig")]


@pytest.mark.parametrize("options", [{"version": "v2"}, {"hemmelig": "x"}])
def test_an_unknown_option_is_an_error(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="option"):
        cohere.connect(Endpoint("cohere", HOST, 1.0, options=options))


# --- what goes wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 4081",
            "context_too_long",
        ),
        (400, "too many tokens: max tokens must be less than or equal to 4096", "rejected"),
        (400, "invalid request: message must not be empty", "rejected"),
        (401, "invalid api token", "unauthorised"),
        (402, "payment required", "quota_spent"),
        (404, "model not found", "not_found"),
        (429, "You are past the per minute request limit", "rate_limited"),
        (
            429,
            "You are using a Trial key, which is limited to 1000 API calls / month",
            "quota_spent",
        ),
        (500, "internal server error", "server_error"),
        (503, "", "overloaded"),
        (504, "", "timeout"),
    ],
)
def test_errors_are_known_by_status_and_message(status: int, message: str, expected: str) -> None:
    error = StatusError(status, json.dumps({"message": message}).encode())

    assert cohere.classify(error) == expected

"""Gemini's wire is asked in the SDK's own types: nothing is lost, and nothing added."""

import json
from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from pydantic import SecretStr

from services.router.providers import gemini
from services.router.providers.base import Endpoint
from services.router.wire.http import UnaskableError
from shared.contracts.requests import (
    EmbeddingPurpose,
    Message,
    Operation,
    Part,
    PartKind,
    RequestRedacted,
    Role,
    Tool,
    ToolCall,
)
from tests.unit.router.conversations import conversations, meant
from tests.unit.router.world import request

TOOL = Tool(name="find_order", description="Finder", parameters={"type": "object"}, strict=True)
CALL = ToolCall(id="call_1", name="find_order", arguments='{"af": "Klient_001"}')


def dialect(**options: str) -> gemini.Gemini:
    base_url = "http://elsewhere.example/v1beta"
    key = SecretStr("k")
    return gemini.Gemini(Endpoint("elsewhere", base_url, 1.0, key, options=options))


def known(kind: Any, stated: Any) -> None:  # noqa: ANN401 -- whatever the SDK has
    """Fail unless a type of the SDK knows every field; it says so itself."""
    kind.model_validate_json(json.dumps(stated))


def asked(ask: RequestRedacted) -> dict[str, Any]:
    """Return the body of a request, which the SDK's types must know to the last field."""
    body: dict[str, Any] = json.loads(dialect().request(ask, "gemini-flash", 100).body)
    for content in (*body["contents"], *filter(None, [body.get("systemInstruction")])):
        known(types.Content, content)
    for tool in body.get("tools", []):
        known(types.Tool, tool)
    known(types.ToolConfig, body.get("toolConfig", {}))
    known(types.GenerationConfig, body["generationConfig"])
    fields = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig"}
    assert body.keys() <= fields
    return body


PICTURE = Part(kind=PartKind.IMAGE, data="QUJD", media_type="image/webp")
SHOWN = {"inlineData": {"mimeType": "image/webp", "data": "QUJD"}}
SAID = Part(kind=PartKind.TEXT, text="Hvad er det?")


def test_what_was_said_is_written_in_parts() -> None:
    linked = Part(kind=PartKind.IMAGE, url="https://example.com/a.png", media_type="image/png")
    sound = Part(kind=PartKind.AUDIO, data="QUJD")
    letter = Part(kind=PartKind.FILE, data="QUJD", name="Brev.pdf")
    ask = request(
        messages=(
            Message(role=Role.SYSTEM, content="Svar kort."),
            Message(role=Role.DEVELOPER, content="Svar på dansk."),
            Message(role=Role.USER, content="", parts=(SAID, PICTURE, linked, sound, letter)),
            Message(role=Role.USER, content="Nå?"),
        ),
    )

    body = asked(ask)

    assert body["systemInstruction"] == {"parts": [{"text": "Svar kort.\n\nSvar på dansk."}]}
    assert body["contents"] == [
        {
            "role": "user",
            "parts": [
                {"text": "Hvad er det?"},
                SHOWN,
                {"fileData": {"fileUri": linked.url, "mimeType": "image/png"}},
                {"inlineData": {"mimeType": "audio/wav", "data": "QUJD"}},
                {"inlineData": {"mimeType": "application/pdf", "data": "QUJD"}},
                {"text": "Nå?"},
            ],
        }
    ]


def test_calls_and_results_are_written_in_turns() -> None:
    second = ToolCall(id="call_2", name="find_kunde", arguments="")
    ask = request(
        tools=(TOOL, Tool(name="find_kunde")),
        messages=(
            Message(role=Role.ASSISTANT, content="Jeg ser efter.", tool_calls=(CALL, second)),
            Message(role=Role.TOOL, content="4711-A", tool_call_id="call_1"),
            Message(role=Role.TOOL, content="", parts=(SAID, PICTURE), tool_call_id="call_2"),
        ),
    )
    order = {"id": "call_1", "name": "find_order"}
    customer = {"id": "call_2", "name": "find_kunde"}
    signed = {"thoughtSignature": "skip_thought_signature_validator"}

    body = asked(ask)

    assert body["contents"] == [
        {
            "role": "model",
            "parts": [
                {"text": "Jeg ser efter."},
                {"functionCall": order | {"args": {"af": "Klient_001"}}, **signed},
                {"functionCall": customer | {"args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": order | {"response": {"output": "4711-A"}}},
                {"functionResponse": customer | {"response": {"output": "Hvad er det?"}}},
                SHOWN,
            ],
        },
    ]
    declared = {"name": "find_order", "description": "Finder"}
    schema = {"parametersJsonSchema": {"type": "object"}}
    assert body["tools"] == [{"functionDeclarations": [declared | schema, {"name": "find_kunde"}]}]


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, None),
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("find_order", {"mode": "ANY", "allowedFunctionNames": ["find_order"]}),
    ],
)
def test_the_choice_of_tools_is_written(choice: str | None, written: object) -> None:
    config = asked(request(tools=(TOOL,), tool_choice=choice)).get("toolConfig")

    assert config == (written and {"functionCallingConfig": written})


def test_how_words_are_drawn_is_sent_only_where_it_is_said() -> None:
    stated: dict[str, Any] = {
        "temperature": 0.0,
        "top_p": 0.9,
        "presence_penalty": -1.0,
        "frequency_penalty": 0.5,
        "seed": 2**40 + 7,
    }

    assert asked(request())["generationConfig"] == {"maxOutputTokens": 100}
    assert asked(request(**stated))["generationConfig"] == {
        "maxOutputTokens": 100,
        "temperature": 0.0,
        "topP": 0.9,
        "presencePenalty": -1.0,
        "frequencyPenalty": 0.5,
        "seed": 7,
    }


def test_instructions_alone_are_asked_as_a_question() -> None:
    body = asked(request(messages=(Message(role=Role.SYSTEM, content="Skriv et vers."),)))

    assert body["contents"] == [{"role": "user", "parts": [{"text": "Skriv et vers."}]}]
    assert "systemInstruction" not in body


@pytest.mark.parametrize(
    ("stream", "verb"),
    [(True, "streamGenerateContent?alt=sse"), (False, "generateContent")],
)
def test_the_model_stands_in_the_address(verb: str, *, stream: bool) -> None:
    made = dialect().request(request(stream=stream), "gemini/flash", 100)

    assert (made.path, made.stream) == (f"/models/gemini%2Fflash:{verb}", stream)


@pytest.mark.parametrize("purpose", EmbeddingPurpose)
def test_vectors_are_asked_for_by_their_purpose(purpose: EmbeddingPurpose) -> None:
    messages = (
        Message(role=Role.USER, content="Klient_001"),
        Message(role=Role.USER, content="B"),
    )
    stated: dict[str, Any] = {"embedding_purpose": purpose, "dimensions": 256}
    ask = request(operation=Operation.EMBED, messages=messages, **stated)

    made = dialect().request(ask, "gemini-embedding", 1)
    first, second = json.loads(made.body)["requests"]

    assert made.path == "/models/gemini-embedding:batchEmbedContents"
    assert first["content"] == {"parts": [{"text": "Klient_001"}]}
    assert second["content"] == {"parts": [{"text": "B"}]}
    assert first["model"] == "models/gemini-embedding"
    assert first["outputDimensionality"] == 256
    assert first["taskType"].removeprefix("RETRIEVAL_") == purpose.name
    for one in (first, second):
        known(types.Content, one.pop("content"))
        del one["model"]
        known(types.EmbedContentConfig, one)


@pytest.mark.parametrize(
    "message",
    [
        Message(role=Role.USER, content="", parts=(Part(kind=PartKind.OTHER),)),
        Message(role=Role.TOOL, content="4711-A", tool_call_id="call_1"),
        Message(
            role=Role.SYSTEM,
            content="",
            parts=(Part(kind=PartKind.IMAGE, data="QUJD"),),
        ),
    ],
    ids=["other", "nobody's result", "pictured instructions"],
)
def test_what_the_wire_has_no_words_for_is_not_asked(message: Message) -> None:
    question = Message(role=Role.USER, content="Hvad er det?")

    with pytest.raises(UnaskableError):
        dialect().request(request(messages=(message, question)), "gemini", 100)


def test_no_translation_is_asked_for() -> None:
    ask = request(operation=Operation.TRANSLATE, target_language="da")

    with pytest.raises(UnaskableError):
        dialect().request(ask, "gemini", 100)


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, [(b"x-goog-api-key", b"k")]),
        ({"auth": "bearer"}, [(b"Authorization", b"Bearer k")]),
    ],
)
def test_the_key_goes_where_it_is_wanted(options: dict[str, str], headers: object) -> None:
    assert dialect(**options).headers(b"POST", "/models", b"") == headers


@pytest.mark.parametrize("options", [{"auht": "bearer"}, {"auth": "oauth"}])
def test_a_slip_in_an_option_is_an_error(options: dict[str, str]) -> None:
    endpoint = Endpoint("elsewhere", "http://elsewhere.example/v1", 1.0, options=options)

    with pytest.raises(ValueError, match="option"):
        gemini.connect(endpoint)


@given(conversations())
def test_a_conversation_survives_the_wire(ask: RequestRedacted) -> None:
    system, question, answer, *results, last = ask.messages

    body = asked(ask)
    raw = dialect().request(ask, "gemini", 100).body

    assert body["systemInstruction"] == {"parts": [{"text": system.content}]}
    first, calling, second = body["contents"]
    assert first["parts"] == [{"text": question.content}]
    said = [part["text"] for part in calling["parts"] if "text" in part]
    assert said == ([answer.content] if answer.content else [])
    calls = [part["functionCall"] for part in calling["parts"] if "functionCall" in part]
    assert [(call["id"], call["name"]) for call in calls] == [
        (call.id, call.name) for call in answer.tool_calls
    ]
    sent = meant(raw.decode())["contents"][1]["parts"]
    assert [part["functionCall"]["args"] for part in sent if "functionCall" in part] == [
        meant(call.arguments) for call in answer.tool_calls
    ]
    *returned, after = second["parts"]
    assert after == {"text": last.content}
    names = {call.id: call.name for call in answer.tool_calls}
    assert [part["functionResponse"] for part in returned] == [
        {
            "id": one.tool_call_id,
            "name": names[one.tool_call_id or ""],
            "response": {"output": one.content},
        }
        for one in results
    ]

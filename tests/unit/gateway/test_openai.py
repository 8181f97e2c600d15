"""OpenAI's dialect: what is read of a request, what is refused by name, and how answers look."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from services.gateway.dialects import load, openai
from services.gateway.dialects.base import Offered
from services.gateway.errors import Problem
from shared.contracts.completions import FinishReason
from shared.contracts.errors import ErrorCode
from shared.contracts.values import Sensitivity, new_id
from tests.unit.gateway.openai_bodies import (
    answer,
    chunks_of,
    incoming,
    read,
    refusal_of,
    request_of,
)


def test_the_folder_holds_the_dialects() -> None:
    assert [dialect.NAME for dialect in load()] == ["openai", "openai-embeddings"]


def test_a_whole_request_is_read() -> None:
    request = request_of(
        messages=[
            {"role": "system", "content": "Svar kort."},
            {"role": "developer", "content": "På dansk."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            },
            {"role": "assistant", "content": "c", "refusal": None, "annotations": []},
            {"role": "user", "content": "d", "name": "kunde"},
        ],
        model="local-small",
        max_tokens=7,
        temperature=0.5,
        top_p=0.9,
        presence_penalty=-1,
        frequency_penalty=1,
        seed=42,
        stream=False,
        user="u-1",
        metadata={"sag": "A-1"},
    )
    assert [(one.role.value, one.content) for one in request.messages] == [
        ("system", "Svar kort."),
        ("developer", "På dansk."),
        ("user", "a\nb"),
        ("assistant", "c"),
        ("user", "d"),
    ]
    assert request.messages[-1].name == "kunde"
    assert (request.model, request.max_tokens, request.user) == ("local-small", 7, "u-1")
    assert (request.temperature, request.top_p, request.seed) == (0.5, 0.9, 42)
    assert (request.presence_penalty, request.frequency_penalty) == (-1, 1)
    assert request.metadata == {"sag": "A-1"}
    assert request.id == request.request_id


def test_the_newer_limit_wins_over_the_older() -> None:
    assert request_of(max_tokens=5, max_completion_tokens=9).max_tokens == 9
    assert refusal_of(max_completion_tokens=0).param == "max_completion_tokens"
    assert refusal_of(max_tokens=0).param == "max_tokens"


def test_a_user_that_may_be_a_name_becomes_a_pseudonym() -> None:
    user = request_of(user="Anders Hansen").user
    assert user is not None
    assert user.startswith("u-")
    assert "anders" not in user.lower()


def test_what_our_headers_say_stands_in_the_request() -> None:
    request = read(
        {
            b"x-stellwerk-use-case": b"letters",
            b"x-stellwerk-task": b"summary",
            b"x-stellwerk-case-id": b"c-1",
            b"x-stellwerk-conversation-id": b"v-1",
            b"x-stellwerk-sensitivity": b"special",
            b"x-stellwerk-timeout-ms": b"5000",
        }
    ).request
    assert (request.use_case, request.task, request.case_id) == ("letters", "summary", "c-1")
    assert (request.conversation_id, request.timeout_ms) == ("v-1", 5000)
    assert request.sensitivity is Sensitivity.SPECIAL


@pytest.mark.parametrize(
    "header", ["use-case", "task", "case-id", "conversation-id", "sensitivity", "timeout-ms"]
)
def test_a_header_that_breaks_its_rule_is_named_without_its_value(header: str) -> None:
    name = f"x-stellwerk-{header}"
    refused = refusal_of({name.encode(): "Åse Ødegård".encode()})
    assert (refused.param, refused.status) == (name, 400)
    assert "degård" not in refused.sentence
    assert name in refused.sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("functions", [{"name": "f"}]),
        ("n", 2),
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "json_schema", "json_schema": {}}),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("audio", {"voice": "alloy"}),
        ("modalities", ["text", "audio"]),
        ("stop", "\n"),
        ("stop", ["END"]),
        ("logit_bias", {"50256": -100}),
        ("prediction", {"type": "content"}),
        ("reasoning_effort", "high"),
        ("verbosity", "low"),
        ("web_search_options", {}),
        ("top_k", 40),
        ("something_new", 1),
    ],
)
def test_what_would_change_the_answer_and_is_not_offered_is_refused_by_name(
    name: str, value: object
) -> None:
    refused = refusal_of(**{name: value})
    assert (refused.code, refused.param, refused.status) == (ErrorCode.UNSUPPORTED, name, 400)
    assert f"`{name}`" in refused.sentence


def test_a_parameter_whose_name_may_be_text_is_not_repeated() -> None:
    refused = refusal_of(**{"Anders Hansen, Vestergade 12": 1})
    assert refused.param is None
    assert "Anders" not in refused.sentence


def test_what_is_done_anyway_or_changes_no_answer_is_let_through() -> None:
    request_of(
        n=1,
        logprobs=False,
        tools=[],
        tool_choice="auto",
        response_format={"type": "text"},
        stop=None,
        logit_bias={},
        modalities=["text"],
        store=True,
        service_tier="auto",
        prompt_cache_key="k",
        safety_identifier="s",
        parallel_tool_calls=True,
        audio=None,
        top_k=None,
    )


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "content": "x", "tool_call_id": "1"}, "messages.0.tool_call_id"),
        ({"role": "function", "content": "x"}, "messages.0.role"),
        (
            {"role": "system", "content": [{"type": "image_url", "image_url": {}}]},
            "messages.0.content.0",
        ),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "video"}]},
            "messages.0.content.1",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
            "messages.0.content.0.file.file_id",
        ),
        (
            {"role": "user", "content": "x", "tool_calls": [{"id": "1"}]},
            "messages.0.tool_calls",
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]},
            "messages.0.tool_calls.0.type",
        ),
    ],
)
def test_parts_of_messages_that_are_not_offered_are_refused_by_place(
    message: dict[str, Any], param: str
) -> None:
    refused = refusal_of(messages=[message])
    assert (refused.code, refused.param) == (ErrorCode.UNSUPPORTED, param)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "Anders"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["Anders"]}, "messages.0"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages.0.role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]},
            "messages.0.content.0.text",
        ),
        ({"model": None}, "model"),
        ({"model": "Anders Hansen"}, "model"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"seed": "Anders"}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"metadata": {"Anders": 7}}, "metadata"),
        ({"user": 7}, "user"),
    ],
)
def test_a_broken_rule_is_named_without_the_value(body: dict[str, Any], param: str) -> None:
    refused = refusal_of(**body)
    assert (refused.code, refused.param) == (ErrorCode.INVALID_REQUEST, param)
    assert "Anders" not in refused.sentence


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"model": "\\ud800"}', b"NaN"]
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        openai.read(incoming(body))
    assert caught.value.status == 400


def test_a_whole_answer_has_every_field_that_strict_clients_want() -> None:
    wanted = read()
    body = json.loads(openai.answer(wanted, answer(), 1_795_500_000))
    ChatCompletion.model_validate(body, strict=True)
    assert body["id"] == f"chatcmpl-{wanted.request.request_id}"
    (choice,) = body["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "Kære kunde",
        "refusal": None,
        "annotations": [],
    }
    assert (choice["logprobs"], choice["finish_reason"]) == (None, "stop")
    assert body["usage"]["total_tokens"] == 7
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER, None])
def test_the_reason_to_stop_is_the_models_own(reason: FinishReason | None) -> None:
    body = json.loads(openai.answer(read(), answer(finish_reason=reason), 0))
    assert body["choices"][0]["finish_reason"] == (reason.value if reason else None)


@pytest.mark.parametrize("include_usage", [False, True])
def test_a_stream_is_role_text_reason_usage_and_done(*, include_usage: bool) -> None:
    wanted = read(stream=True, stream_options={"include_usage": include_usage})
    writer = openai.stream(wanted, 1_795_500_000)
    said = writer.text('Kære "kunde"\n') + writer.text("ø") + writer.end(answer())
    *chunks, done = chunks_of(said)
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    assert done == b"[DONE]"
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert deltas == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": 'Kære "kunde"\n'},
        {"content": "ø"},
        {},
    ]
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"]]
    assert reasons == [None, None, None, "stop"]
    if include_usage:
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["total_tokens"] == 7
        assert all(chunk["usage"] is None for chunk in chunks[:-1])
    else:
        assert all("usage" not in chunk for chunk in chunks)


def test_an_empty_answer_still_begins_with_a_role() -> None:
    *chunks, done = chunks_of(openai.stream(read(stream=True), 0).end(answer(text="")))
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, "stop"]
    assert done == b"[DONE]"


def test_a_stream_that_broke_ends_in_an_error_and_in_nothing_like_an_end() -> None:
    writer = openai.stream(read(stream=True), 0)
    said = writer.text("Kære") + writer.failed(Problem(ErrorCode.STREAM_BROKEN))
    *_, last = chunks_of(said)
    assert last["error"]["code"] == "stream_broken"
    assert last["error"]["type"] == "server_error"
    assert b"[DONE]" not in said
    assert b'"stop"' not in said


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_the_form_of_an_error(code: ErrorCode) -> None:
    error = json.loads(openai.problem(Problem(code), new_id()))["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code.value
    assert error["message"]


def test_an_exhausted_budget_is_told_from_a_full_queue() -> None:
    types = [
        json.loads(openai.problem(Problem(code), new_id()))["error"]["type"]
        for code in (ErrorCode.BUDGET_EXHAUSTED, ErrorCode.QUEUE_FULL, ErrorCode.UNAUTHENTICATED)
    ]
    assert types == ["insufficient_quota", "rate_limit_error", "authentication_error"]


def test_models_are_listed_and_shown() -> None:
    listed = json.loads(openai.models([Offered("auto", "stellwerk"), Offered("m", "local")]))
    assert [one["id"] for one in listed["data"]] == ["auto", "m"]
    assert json.loads(openai.model(Offered("m", "local"))) == {
        "id": "m",
        "object": "model",
        "created": 0,
        "owned_by": "local",
    }

"""OpenAI's dialect: chat completions, whole and streamed, and the list of models."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import orjson

from services.gateway import openai_turns
from services.gateway.dialects.base import (
    Incoming,
    Offered,
    Operation,
    Route,
    Wanted,
    invalid,
    read_object,
    submitted,
    unsupported,
)
from services.gateway.errors import Problem
from shared.contracts.completions import TokenUsage
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import SAMPLING
from stellwerk.answer import Answer

NAME: Final = "openai"
REQUEST_ID_HEADER: Final = b"x-request-id"
ROUTES: Final = (
    Route("POST", "/v1/chat/completions", Operation.ASK),
    Route("GET", "/v1/models", Operation.MODELS),
    Route("GET", "/v1/models/", Operation.MODEL),
)

_TAKEN: Final = frozenset(
    {"messages", "model", "max_tokens", "max_completion_tokens", "stream", "stream_options"}
    | {"user", "metadata", *SAMPLING, "tools", "tool_choice", "parallel_tool_calls"}
)
_PASSED_ON: Final = ("model", "stream", "user", "metadata", *SAMPLING, "parallel_tool_calls")
# They change how OpenAI works inside, not what is answered.
_HARMLESS: Final = frozenset(
    {"store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"}
)
# What these ask for is what is done anyway; any other value would change the answer.
_NEUTRAL: Final[Mapping[str, tuple[object, ...]]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "stop": ([],),
    "logit_bias": ({},),
    "modalities": (["text"],),
}
_STREAM_OPTIONS: Final = frozenset({"include_usage", "include_obfuscation"})
_LIMIT: Final = "max_completion_tokens"
_MODELS_CREATED: Final = 0
"""When a model came into being; clients want a number, and nobody wrote one down."""

_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_SERVER_ERROR_FROM: Final = 500
_DONE: Final = b"data: [DONE]\n\n"


def read(incoming: Incoming) -> Wanted:
    body = read_object(incoming.body)
    for name, value in body.items():
        if name not in _TAKEN and name not in _HARMLESS and not _is_neutral(name, value):
            raise unsupported(name)
    fields = {name: body[name] for name in _PASSED_ON if body.get(name) is not None}
    if not isinstance(body.get("model"), str):
        raise invalid("model", "name a model, or `auto`")
    if not isinstance(fields.get("stream", False), bool):
        raise invalid("stream", "it is true or false")
    fields["messages"] = openai_turns.messages(body.get("messages"))
    offered = openai_turns.tools(body.get("tools") or [])
    fields["tools"] = offered
    if body.get("tool_choice") is not None:
        fields["tool_choice"] = openai_turns.choice(body["tool_choice"], offered)
    limit = _LIMIT if body.get(_LIMIT) is not None else "max_tokens"
    if body.get(limit) is not None:
        fields["max_tokens"] = body[limit]
    include_usage = _include_usage(body.get("stream_options"), stream=bool(fields.get("stream")))
    return Wanted(submitted(incoming, fields, {"max_tokens": limit}), include_usage)


def problem(problem: Problem, request_id: UUID) -> bytes:  # noqa: ARG001  It is in the header.
    return orjson.dumps({"error": _error(problem)})


def answer(wanted: Wanted, answer: Answer, created: int) -> bytes:
    return orjson.dumps(
        {
            "id": _id(wanted),
            "object": "chat.completion",
            "created": created,
            "model": answer.model,
            "choices": [
                {
                    "index": 0,
                    "message": _message(answer),
                    "logprobs": None,
                    "finish_reason": _reason(answer),
                }
            ],
            "usage": _usage(answer.usage),
            "system_fingerprint": None,
        }
    )


def stream(wanted: Wanted, created: int) -> "Chunks":
    return Chunks(wanted, created)


def models(offered: Sequence[Offered]) -> bytes:
    return orjson.dumps({"object": "list", "data": [_model(one) for one in offered]})


def model(offered: Offered) -> bytes:
    return orjson.dumps(_model(offered))


class Chunks:
    """The chunks of one streamed answer."""

    def __init__(self, wanted: Wanted, created: int) -> None:
        self._head = {
            "id": _id(wanted),
            "object": "chat.completion.chunk",
            "created": created,
            "model": wanted.request.model,
            "system_fingerprint": None,
        }
        self._include_usage = wanted.include_usage
        self._begun = False
        # A chunk of text differs from the next one in its text alone.
        self._before, self._after = self._chunk({"content": "\0"}).split(b'"\\u0000"')

    def text(self, piece: str) -> bytes:
        return self._role() + self._before + orjson.dumps(piece) + self._after

    def end(self, answer: Answer) -> bytes:
        last = self._role(None if answer.tool_calls else "")
        self._head["model"] = answer.model
        if answer.tool_calls:
            # Whole, in one piece: half a call would be of no use to anybody.
            calls = [{"index": index, **call} for index, call in enumerate(_calls(answer))]
            last += self._chunk({"tool_calls": calls})
        last += self._chunk({}, _reason(answer))
        if self._include_usage:
            counted = {**self._head, "choices": [], "usage": _usage(answer.usage)}
            last += _event(counted)
        return last + _DONE

    def failed(self, problem: Problem) -> bytes:
        return _event({"error": _error(problem)})

    def _role(self, content: str | None = "") -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._chunk({"role": "assistant", "content": content, "refusal": None})

    def _chunk(self, delta: Mapping[str, object], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        chunk: dict[str, object] = {**self._head, "choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return _event(chunk)


def _is_neutral(name: str, value: object) -> bool:
    return value is None or value in _NEUTRAL.get(name, ())


def _include_usage(options: object, *, stream: bool) -> bool:
    if options is None:
        return False
    if not stream:
        raise invalid("stream_options", "it goes with `stream` only")
    if not isinstance(options, dict):
        raise invalid("stream_options", "it is an object")
    for name in options:
        if name not in _STREAM_OPTIONS:
            raise unsupported(f"stream_options.{name}")
    return bool(options.get("include_usage"))


def _message(answer: Answer) -> dict[str, object]:
    message: dict[str, object] = {
        "role": "assistant",
        "content": answer.text,
        "refusal": None,
        "annotations": [],
    }
    if answer.tool_calls:
        message |= {"content": answer.text or None, "tool_calls": _calls(answer)}
    return message


def _calls(answer: Answer) -> list[dict[str, object]]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in answer.tool_calls
    ]


def _id(wanted: Wanted) -> str:
    return f"chatcmpl-{wanted.request.request_id}"


def _reason(answer: Answer) -> str | None:
    return answer.finish_reason.value if answer.finish_reason else None


def _usage(usage: TokenUsage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _error(problem: Problem) -> dict[str, str | None]:
    return {
        "message": problem.sentence,
        "type": _type(problem),
        "param": problem.param,
        "code": problem.code.value,
    }


def _type(problem: Problem) -> str:
    if problem.code is ErrorCode.BUDGET_EXHAUSTED:
        return "insufficient_quota"
    if problem.status >= _SERVER_ERROR_FROM:
        return "server_error"
    return _TYPES.get(problem.status, "invalid_request_error")


def _model(one: Offered) -> dict[str, object]:
    return {
        "id": one.name,
        "object": "model",
        "created": _MODELS_CREATED,
        "owned_by": one.owner,
    }


def _event(content: Mapping[str, object]) -> bytes:
    return b"data: " + orjson.dumps(content) + b"\n\n"

"""What the scripted provider says: the echo of placeholders, its wire form, and every fault."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

PLACEHOLDER: Final = re.compile(r"[^\W\d_][\w-]*?_\d{3,}")
PLACEHOLDERS_MAX: Final = 20
ARGUMENT_CHARS: Final = 7
"""How much of a call's arguments a chunk holds: placeholders are cut in the middle."""
CREATED: Final = 1_790_000_000
BYTES_A_TOKEN: Final = 4
SLOW_DOWN: Final = "Retry-After: 1\r\n"


def _error(code: str, sentence: str) -> bytes:
    return orjson.dumps({"error": {"message": sentence, "type": code, "param": None, "code": code}})


STATUSES: Final = {
    "400": (400, _error("invalid_request_error", "the request is not valid"), ""),
    "401": (401, _error("invalid_api_key", "the key is not valid"), ""),
    "404": (404, _error("model_not_found", "no such model"), ""),
    "413": (400, _error("exceed_context_size_error", "the prompt is too long"), ""),
    "429": (429, _error("rate_limit_exceeded", "slow down"), SLOW_DOWN),
    "500": (500, _error("server_error", "it broke"), ""),
    "503": (503, _error("overloaded", "try again later"), ""),
}
"""Modes that are answered with an error: status, body, further headers."""

MODES: Final = frozenset(
    {
        *STATUSES,
        "ok",
        "slow",  # a second before the first byte
        "mute",  # no answer at all
        "reset",  # the connection is closed before an answer
        "cut",  # the connection is closed in the middle of the answer
        "silent",  # the answer stops and the connection stays open
        "malformed",  # a chunk that is not JSON
        "error",  # an error object in the middle of the stream
        "html",  # 200, but a sign-in page instead of an answer
        "nofinish",  # [DONE] without a reason why the model stopped
        "nodone",  # a reason, but the stream ends without [DONE]
        "noend",  # a whole answer, but the response is not ended
        "nousage",  # nobody counted the tokens
        "contradictory",  # two reasons to stop
    }
)


def answer_text(request: dict[str, Any]) -> str:
    """Return a Danish sentence with every placeholder of the request, so restoring can be seen."""
    said = "\n".join(str(message.get("content", "")) for message in request.get("messages", ()))
    found = list(dict.fromkeys(PLACEHOLDER.findall(said)))[:PLACEHOLDERS_MAX]
    if not found:
        return "Tak for din henvendelse. Vi vender tilbage inden for to hverdage."
    return (
        f"Kære {found[0]}. Tak for din henvendelse. Vi har noteret følgende: "
        f"{', '.join(found)}. Vi vender tilbage inden for to hverdage."
    )


def calls_of(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the one call that is made where functions are offered and none has answered yet."""
    tools, choice = request.get("tools"), request.get("tool_choice")
    turns = request.get("messages") or [{}]
    if not tools or choice == "none" or turns[-1].get("role") == "tool":
        return []
    named = choice["function"]["name"] if isinstance(choice, dict) else None
    functions = [tool["function"] for tool in tools]
    function = next((one for one in functions if one["name"] == named), functions[0])
    found = list(dict.fromkeys(PLACEHOLDER.findall(orjson.dumps([turns, tools]).decode())))
    properties = (function.get("parameters") or {}).get("properties") or {"af": {}}
    said = ", ".join(one for one in found if one not in properties) or "4711-A"
    arguments = orjson.dumps(dict.fromkeys(properties, said)).decode()
    called = {"name": function["name"], "arguments": arguments}
    return [{"id": f"call_{len(turns)}", "type": "function", "function": called}]


def usage_of(request: dict[str, Any], text: str) -> dict[str, int]:
    """Return token counts that a test can compute itself: four bytes are one token."""
    said = sum(len(str(message.get("content", ""))) for message in request.get("messages", ()))
    prompt, completion = 1 + said // BYTES_A_TOKEN, 1 + len(text) // BYTES_A_TOKEN
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def body_of(mode: str, request: dict[str, Any], text: str) -> bytes:
    """Return an answer that is not streamed."""
    if mode == "html":
        return b"<html>Please sign in</html>"
    if mode == "malformed":
        return b'{"id": "chatcmpl-scripted", "choices": [{"mess'
    if mode == "error":
        return _error("server_error", "it broke")
    calls = calls_of(request)
    said = {"content": None, "tool_calls": calls} if calls else {"content": text}
    reason = "tool_calls" if calls else "stop"
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", **said, "refusal": None},
        "logprobs": None,
        "finish_reason": None if mode == "nofinish" else reason,
    }
    answer = _frame("chat.completion", request) | {"choices": [choice]}
    if mode != "nousage":
        answer["usage"] = usage_of(request, text)
    return orjson.dumps(answer)


def events_of(mode: str, request: dict[str, Any], text: str) -> list[bytes]:
    """Return an answer as server-sent events, word by word."""
    frame = _frame("chat.completion.chunk", request) | {"usage": None}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    calls = calls_of(request)
    if calls:
        deltas += _fragments(calls)
    else:
        deltas += [{"content": word} for word in re.findall(r"\S+\s*", text)]
    events = [_event(frame | {"choices": [_choice(delta)]}) for delta in deltas]
    middle = len(events) // 2
    if mode == "malformed":
        events.insert(middle, b'data: {"choices": [{"del\n\n')
    elif mode == "error":
        events.insert(middle, b"data: " + _error("server_error", "it broke") + b"\n\n")
    reasons = _reasons(mode, "tool_calls" if calls else "stop")
    events += [_event(frame | {"choices": [_choice({}, reason)]}) for reason in reasons]
    options = request.get("stream_options") or {}
    if options.get("include_usage") and mode != "nousage":
        events.append(_event(frame | {"choices": [], "usage": usage_of(request, text)}))
    if mode != "nodone":
        events.append(b"data: [DONE]\n\n")
    return events


def _reasons(mode: str, reason: str) -> Iterable[str]:
    return {"nofinish": (), "contradictory": ("stop", "length")}.get(mode, (reason,))


def _fragments(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield calls as OpenAI streams them: id and name first, then the arguments in pieces."""
    for index, call in enumerate(calls):
        function = call["function"]
        begun = call | {"function": {"name": function["name"], "arguments": ""}}
        yield {"tool_calls": [{"index": index, **begun}]}
        for piece in re.findall(rf"(?s).{{1,{ARGUMENT_CHARS}}}", function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _frame(kind: str, request: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": kind,
        "created": CREATED,
        "model": str(request.get("model", "")),
    }


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"

"""A conversation in the form of OpenAI's chat completions: turns, parts, tools and calls."""

import json
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from shared.contracts.requests import (
    TOOLS_MAX,
    Message,
    Part,
    PartKind,
    RequestRedacted,
    Role,
    Tool,
    ToolCall,
)
from shared.contracts.values import new_id

CHOICES: Final = frozenset({"auto", "none", "required"})
_IMAGE: Final = "image/png"
_FILE: Final = "application/pdf"
_AUDIO_FORMATS: Final = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}


class BadCallError(ValueError):
    """A tool call that is none: cut, contradictory, or without what makes it one."""


# --- what is asked -----------------------------------------------------------------------


def messages_of(ask: RequestRedacted) -> list[dict[str, Any]]:
    """Return all turns."""
    return [_message(message) for message in ask.messages]


def tools_of(ask: RequestRedacted) -> dict[str, Any]:
    """Return the fields that offer functions; none where there are no functions."""
    if not ask.tools:
        return {}
    fields: dict[str, Any] = {"tools": [_tool(tool) for tool in ask.tools]}
    choice = ask.tool_choice
    if choice in CHOICES:
        fields["tool_choice"] = choice
    elif choice is not None:
        fields["tool_choice"] = {"type": "function", "function": {"name": choice}}
    if ask.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = ask.parallel_tool_calls
    return fields


def _message(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {
        # Some templates know no developer; all know what it replaced.
        "role": "system" if message.role is Role.DEVELOPER else message.role.value,
        "content": [_part(one) for one in message.parts] if message.parts else message.content,
    }
    if message.name is not None:
        said["name"] = message.name
    if message.tool_calls:
        said["content"] = said["content"] or None
        said["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    return said


def _part(part: Part) -> dict[str, Any]:
    match part.kind:
        case PartKind.IMAGE:
            return {"type": "image_url", "image_url": {"url": part.url or _data_url(part, _IMAGE)}}
        case PartKind.AUDIO:
            subtype = (part.media_type or "audio/wav").rpartition("/")[2]
            form = _AUDIO_FORMATS.get(subtype, subtype)
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": form}}
        case PartKind.FILE:
            named = {"filename": part.name} if part.name is not None else {}
            return {"type": "file", "file": {"file_data": _data_url(part, _FILE), **named}}
        case _:
            return {"type": "text", "text": part.text or ""}


def _data_url(part: Part, otherwise: str) -> str:
    return f"data:{part.media_type or otherwise};base64,{part.data or ''}"


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _tool(tool: Tool) -> dict[str, Any]:
    return {"type": "function", "function": tool.model_dump(exclude_none=True)}


# --- what is answered --------------------------------------------------------------------


class Calls:
    """The tool calls of one answer, put together from pieces that each name their call."""

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, str]] = {}

    def add(self, pieces: object) -> str:
        """Take the `tool_calls` of a delta and return what they say; raise `BadCallError`."""
        if pieces is None:
            return ""
        if not isinstance(pieces, list):
            raise BadCallError("tool calls are no list")
        return "".join(self._piece(piece) for piece in pieces)

    def whole(self) -> tuple[ToolCall, ...]:
        """Return all calls; raise `BadCallError` for one that is not whole."""
        return tuple(
            _whole(call["id"], call["name"], call["arguments"])
            for _, call in sorted(self._calls.items())
        )

    def _piece(self, piece: object) -> str:
        index = piece.get("index") if isinstance(piece, dict) else None
        if not isinstance(piece, dict) or not isinstance(index, int):
            raise BadCallError("a piece of a call that says not of which")
        if not 0 <= index < TOOLS_MAX:
            raise BadCallError("more calls than any answer has")
        call = self._calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        function = _function(piece)
        for key, said in (("id", piece.get("id")), ("name", function.get("name"))):
            if not said:
                continue
            if not isinstance(said, str) or call[key] not in ("", said):
                raise BadCallError("one call with two names")
            call[key] = said
        arguments = function.get("arguments")
        if not isinstance(arguments, str | None):
            raise BadCallError("arguments that are no text")
        call["arguments"] += arguments or ""
        return arguments or ""


def calls_of(said: object) -> tuple[ToolCall, ...]:
    """Return the `tool_calls` of a message that came whole; raise `BadCallError`."""
    if said is None:
        return ()
    if not isinstance(said, list) or len(said) > TOOLS_MAX:
        raise BadCallError("tool calls are no list")
    return tuple(_call_of(one) for one in said)


def _call_of(said: object) -> ToolCall:
    if not isinstance(said, dict):
        raise BadCallError("a call that is no object")
    function = _function(said)
    return _whole(said.get("id"), function.get("name"), function.get("arguments"))


def _function(said: dict[str, Any]) -> dict[str, Any]:
    function = said.get("function")
    if said.get("type") not in (None, "function") or not isinstance(function, dict | None):
        raise BadCallError("a call of something that is no function")
    return function or {}


def _whole(call_id: object, name: object, arguments: object) -> ToolCall:
    """Return a call. Some servers give it no id, and a function without arguments an empty text."""
    source = "{}" if arguments in (None, "") else arguments
    try:
        if not isinstance(source, str) or not isinstance(json.loads(source), dict):
            raise BadCallError("arguments that are no object")
        made = {"id": call_id or f"call_{new_id().hex}", "name": name, "arguments": source}
        return ToolCall.model_validate(made)
    except (ValidationError, ValueError, RecursionError):
        raise BadCallError("a call that is not whole") from None


def sources(calls: Iterable[ToolCall]) -> str:
    """Return what calls say, for counting it."""
    return "".join(f"{call.name}{call.arguments}" for call in calls)

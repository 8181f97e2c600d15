"""A conversation in the form of OpenAI's chat completions: turns, parts, tools and calls."""

from collections.abc import Iterator
from typing import Any, Final

from services.router.providers.base import CallPart
from services.router.wire.fields import text_in
from services.router.wire.http import BadAnswerError
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

CHOICES: Final = frozenset({"auto", "none", "required"})
_IMAGE: Final = "image/png"
_FILE: Final = "application/pdf"
_AUDIO_FORMATS: Final = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}


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


def call_parts_of(said: object) -> Iterator[CallPart]:
    """Yield what the `tool_calls` of a delta say."""
    for piece in _list(said):
        index = piece.get("index") if isinstance(piece, dict) else None
        if not isinstance(piece, dict) or not isinstance(index, int):
            raise BadAnswerError("a piece of a call that says not of which")
        yield _part_of(piece, index)


def calls_of(said: object) -> Iterator[CallPart]:
    """Yield the `tool_calls` of a message that came whole."""
    for index, one in enumerate(_list(said)):
        if not isinstance(one, dict):
            raise BadAnswerError("a call that is no object")
        yield _part_of(one, index)


def _list(said: object) -> list[object]:
    if said is None:
        return []
    if not isinstance(said, list) or len(said) > TOOLS_MAX:
        raise BadAnswerError("tool calls are no list")
    return said


def _part_of(said: dict[str, Any], index: int) -> CallPart:
    function = said.get("function") or {}
    if said.get("type") not in (None, "function") or not isinstance(function, dict):
        raise BadAnswerError("a call of something that is no function")
    return CallPart(
        index, text_in(said, "id"), text_in(function, "name"), text_in(function, "arguments")
    )

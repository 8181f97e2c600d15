"""A request in the form of Anthropic's messages: system, turns of blocks, tools and choice."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

from services.router.wire.http import UnaskableError
from services.router.wire.turns import (
    Turn,
    arguments_of,
    instructions_of,
    parts_of,
    spoken,
    together,
)
from shared.contracts.requests import Message, Part, PartKind, RequestRedacted, Role, Tool, ToolCall

_CALL_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_CHOICES: Final = {"auto": "auto", "none": "none", "required": "any"}
_ANYTHING: Final = {"type": "object"}


def said_of(ask: RequestRedacted) -> dict[str, Any]:
    """Return the fields that hold what was said so far."""
    instructions = instructions_of(ask)
    turns = together(_turn(message) for message in spoken(ask))
    fields: dict[str, Any] = {"messages": [{"role": who, "content": said} for who, said in turns]}
    return {"system": instructions, **fields} if instructions else fields


def tools_of(ask: RequestRedacted) -> dict[str, Any]:
    """Return the fields that offer functions."""
    if not ask.tools:
        return _called_before(ask)
    fields: dict[str, Any] = {"tools": [_tool(tool) for tool in ask.tools]}
    said = ask.tool_choice
    choice: dict[str, Any] | None = None
    if said in _CHOICES:
        choice = {"type": _CHOICES[said]}
    elif said is not None:
        choice = {"type": "tool", "name": said}
    if ask.parallel_tool_calls is False and said != "none":
        choice = (choice or {"type": "auto"}) | {"disable_parallel_tool_use": True}
    return fields | ({"tool_choice": choice} if choice else {})


def _called_before(ask: RequestRedacted) -> dict[str, Any]:
    """Return the functions that earlier turns called, none of which may be called now.

    Without them the API refuses turns that hold calls.
    """
    names = {call.name: None for message in ask.messages for call in message.tool_calls}
    if not names:
        return {}
    tools = [{"name": name, "input_schema": _ANYTHING} for name in names]
    return {"tools": tools, "tool_choice": {"type": "none"}}


def _turn(message: Message) -> Turn:
    blocks = [_block(part) for part in parts_of(message)]
    match message.role:
        case Role.ASSISTANT:
            return "assistant", blocks + [_call(call) for call in message.tool_calls]
        case Role.TOOL:
            return "user", list(_result(message, blocks))
        case _:
            return "user", blocks


def _result(message: Message, blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    if message.tool_call_id is None:
        raise UnaskableError("a result that says not of which call")
    said: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id)}
    if not message.parts:
        said["content"] = message.content
    elif blocks:
        said["content"] = blocks
    yield said


def _block(part: Part) -> dict[str, Any]:
    match part.kind:
        case PartKind.TEXT:
            return {"type": "text", "text": part.text or ""}
        case PartKind.IMAGE:
            return {"type": "image", "source": _source(part, "image/png")}
        case PartKind.FILE if part.media_type in (None, "application/pdf"):
            titled = {"title": part.name} if part.name else {}
            return {"type": "document", "source": _source(part, "application/pdf"), **titled}
        case _:
            raise UnaskableError(f"no {part.kind} of that kind")


def _source(part: Part, otherwise: str) -> dict[str, str]:
    if part.url is not None:
        return {"type": "url", "url": part.url}
    media_type = part.media_type or otherwise
    return {"type": "base64", "media_type": media_type, "data": part.data or ""}


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": _id(call.id),
        "name": call.name,
        "input": arguments_of(call),
    }


def _id(call_id: str) -> str:
    """Return an id as it may be written here; another one of another's, the same each time."""
    if _CALL_ID.fullmatch(call_id):
        return call_id
    return f"call_{sha256(call_id.encode()).hexdigest()}"


def _tool(tool: Tool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": tool.name,
        "input_schema": _ANYTHING | (tool.parameters or {}),
    }
    if tool.description:
        fields["description"] = tool.description
    if tool.strict:
        fields["strict"] = True
    return fields

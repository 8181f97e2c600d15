"""A conversation in the form of Bedrock's Converse: turns, blocks, tools and calls."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from services.router.wire.http import UnaskableError
from services.router.wire.turns import (
    arguments_of,
    instructions_of,
    parts_of,
    spoken,
    together,
)
from shared.contracts.requests import Message, Part, PartKind, RequestRedacted, Role, Tool, ToolCall

_FORMATS: Final = {
    "jpg": "jpeg",
    "mpeg": "mp3",
    "x-wav": "wav",
    "wave": "wav",
    "plain": "txt",
    "markdown": "md",
    "msword": "doc",
    "vnd.ms-excel": "xls",
    "vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
"""What Converse calls a subtype, where it is another name; one that it does not know is refused."""

Block = dict[str, Any]


def conversation_of(ask: RequestRedacted, output_tokens_max: int) -> dict[str, Any]:
    """Return a request's body."""
    inference: dict[str, Any] = {"maxTokens": output_tokens_max}
    wanted: dict[str, Any] = {"messages": list(_turns(ask)), "inferenceConfig": inference}
    if instructions := instructions_of(ask):
        wanted["system"] = [{"text": instructions}]
    if ask.temperature is not None:
        inference["temperature"] = ask.temperature
    if ask.top_p is not None:
        inference["topP"] = ask.top_p
    if tools := _tools(ask):
        wanted["toolConfig"] = tools
    return wanted


def _turns(ask: RequestRedacted) -> Iterator[dict[str, Any]]:
    numbers = count(1)
    turns = ((_who(message), _blocks(message, numbers)) for message in spoken(ask))
    for who, blocks in together(turns):
        yield {"role": who, "content": blocks}


def _who(message: Message) -> str:
    return "assistant" if message.role is Role.ASSISTANT else "user"


def _blocks(message: Message, numbers: Iterator[int]) -> list[Block]:
    blocks = [_block(part, numbers) for part in parts_of(message)]
    if message.role is Role.TOOL:
        return [{"toolResult": {"toolUseId": message.tool_call_id or "", "content": blocks}}]
    return [*blocks, *map(_call, message.tool_calls)]


def _block(part: Part, numbers: Iterator[int]) -> Block:
    match part.kind:
        case PartKind.IMAGE:
            return {"image": _media(part, "png")}
        case PartKind.AUDIO:
            return {"audio": _media(part, "wav")}
        case PartKind.FILE:
            # The model reads the name too, and no two may be the same: so it says nothing.
            return {"document": {"name": f"Document {next(numbers)}", **_media(part, "pdf")}}
        case _:
            return {"text": part.text or ""}


def _media(part: Part, otherwise: str) -> dict[str, Any]:
    if part.data is None:
        raise UnaskableError("an address, which Converse does not fetch")
    subtype = (part.media_type or otherwise).rpartition("/")[2]
    return {"format": _FORMATS.get(subtype, subtype), "source": {"bytes": part.data}}


def _call(call: ToolCall) -> Block:
    return {"toolUse": {"toolUseId": call.id, "name": call.name, "input": arguments_of(call)}}


def _tools(ask: RequestRedacted) -> dict[str, Any]:
    """Return the functions on offer, and those that were called before: Converse wants both."""
    on_offer = () if ask.tool_choice == "none" else ask.tools
    specs = {tool.name: _spec(tool) for tool in on_offer}
    for call in (call for message in ask.messages for call in message.tool_calls):
        known = next((tool for tool in ask.tools if tool.name == call.name), Tool(name=call.name))
        specs.setdefault(call.name, _spec(known))
    if not specs:
        return {}
    config: dict[str, Any] = {"tools": list(specs.values())}
    match ask.tool_choice if on_offer else None:
        case None:
            pass  # Converse has no word for "none" once there were calls.
        case "auto":
            config["toolChoice"] = {"auto": {}}
        case "required":
            config["toolChoice"] = {"any": {}}
        case name:
            config["toolChoice"] = {"tool": {"name": name}}
    return config


def _spec(tool: Tool) -> Block:
    schema = tool.parameters or {"type": "object"}
    spec: dict[str, Any] = {"name": tool.name, "inputSchema": {"json": schema}}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return {"toolSpec": spec}

"""A request in the form of Gemini's contents: instruction, turns of parts, functions, settings."""

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
from shared.contracts.requests import (
    EmbeddingPurpose,
    Message,
    Part,
    PartKind,
    RequestRedacted,
    Role,
    Tool,
    ToolCall,
)

_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_MEDIA_TYPES: Final = {
    PartKind.IMAGE: "image/png",
    PartKind.AUDIO: "audio/wav",
    PartKind.FILE: "application/pdf",
}
_SAMPLING: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_SEED_BITS: Final = 31
"""A seed has 32 bits there, one of them for the sign."""
_TASKS: Final = {
    EmbeddingPurpose.DOCUMENT: "RETRIEVAL_DOCUMENT",
    EmbeddingPurpose.QUERY: "RETRIEVAL_QUERY",
    EmbeddingPurpose.CLASSIFICATION: "CLASSIFICATION",
    EmbeddingPurpose.CLUSTERING: "CLUSTERING",
}
_UNSIGNED: Final = "skip_thought_signature_validator"
"""Gemini 3 refuses calls of earlier turns that it has not signed. Signatures have no place in the
contract, and another model may have made the call; for that the API has this word."""


def said_of(ask: RequestRedacted) -> dict[str, Any]:
    """Return the fields that hold what was said so far."""
    instructions = instructions_of(ask)
    names = {call.id: call.name for message in ask.messages for call in message.tool_calls}
    turns = together(_turn(message, names) for message in spoken(ask))
    fields: dict[str, Any] = {"contents": [{"role": who, "parts": said} for who, said in turns]}
    if instructions:
        fields["systemInstruction"] = {"parts": [{"text": instructions}]}
    return fields


def tools_of(ask: RequestRedacted) -> dict[str, Any]:
    """Return the fields that offer functions. How many are called at once cannot be said here."""
    if not ask.tools:
        return {}
    fields: dict[str, Any] = {
        "tools": [{"functionDeclarations": [_declaration(tool) for tool in ask.tools]}]
    }
    choice = ask.tool_choice
    if choice is not None:
        calling: dict[str, Any] = {"mode": _MODES.get(choice, "ANY")}
        if choice not in _MODES:
            calling["allowedFunctionNames"] = [choice]
        fields["toolConfig"] = {"functionCallingConfig": calling}
    return fields


def settings_of(ask: RequestRedacted, output_tokens_max: int) -> dict[str, Any]:
    """Return the field that says how much is written, and how words are drawn."""
    said: dict[str, Any] = {"maxOutputTokens": output_tokens_max}
    for name, theirs in _SAMPLING.items():
        if (stated := getattr(ask, name)) is not None:
            said[theirs] = stated
    if ask.seed is not None:
        said["seed"] = ask.seed % 2**_SEED_BITS
    return {"generationConfig": said}


def embeddings_of(ask: RequestRedacted, model: str) -> dict[str, Any]:
    """Return what asks for one vector a message."""
    shape: dict[str, Any] = {"model": f"models/{model}", "taskType": _TASKS[ask.embedding_purpose]}
    if ask.dimensions is not None:
        shape["outputDimensionality"] = ask.dimensions
    texts = [message.content for message in ask.messages]
    return {"requests": [shape | {"content": {"parts": [{"text": text}]}} for text in texts]}


def _turn(message: Message, names: dict[str, str]) -> Turn:
    parts = [_part(part) for part in parts_of(message)]
    match message.role:
        case Role.ASSISTANT:
            calls = [_call(call) for call in message.tool_calls]
            if calls:
                calls[0]["thoughtSignature"] = _UNSIGNED
            return "model", parts + calls
        case Role.TOOL:
            media = [part for part in parts if "text" not in part]
            return "user", [_result(message, names), *media]
        case _:
            return "user", parts


def _part(part: Part) -> dict[str, Any]:
    if part.kind is PartKind.TEXT:
        return {"text": part.text or ""}
    if part.kind not in _MEDIA_TYPES:
        raise UnaskableError("a part of an unknown kind")
    if part.url is not None:
        typed = {"mimeType": part.media_type} if part.media_type else {}
        return {"fileData": {"fileUri": part.url, **typed}}
    media_type = part.media_type or _MEDIA_TYPES[part.kind]
    return {"inlineData": {"mimeType": media_type, "data": part.data or ""}}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"functionCall": {"id": call.id, "name": call.name, "args": arguments_of(call)}}


def _result(message: Message, names: dict[str, str]) -> dict[str, Any]:
    """Return the result of a call, which this wire knows by the name of its function."""
    name = names.get(message.tool_call_id or "") or message.name
    if name is None:
        raise UnaskableError("a result of a call that nobody made")
    texts = [part.text or "" for part in message.parts if part.kind is PartKind.TEXT]
    output = "\n".join(texts) if message.parts else message.content
    said: dict[str, Any] = {"name": name, "response": {"output": output}}
    if message.tool_call_id is not None:
        said["id"] = message.tool_call_id
    return {"functionResponse": said}


def _declaration(tool: Tool) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    if tool.parameters is not None:
        fields["parametersJsonSchema"] = tool.parameters
    return fields

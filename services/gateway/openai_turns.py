"""Reads turns, parts, tools and calls as OpenAI's bodies have them into fields of a request.

Raises `Problem` that names the place and the rule, and never a value.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from services.gateway.dialects.base import invalid, unsupported
from shared.contracts.requests import PartKind, Role

CHOICES: Final = frozenset({"auto", "none", "required"})
_AUDIO: Final = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,", re.IGNORECASE)
_MESSAGE_FIELDS: Final = frozenset({"role", "content", "name"})
_OWN_FIELDS: Final = {
    Role.ASSISTANT: frozenset({"tool_calls"}),
    Role.TOOL: frozenset({"tool_call_id"}),
}
_FUNCTION_FIELDS: Final = frozenset({"name", "description", "parameters", "strict"})
_EMPTY: Final[tuple[object, ...]] = (None, [], "")
"""An answer that is sent back as a turn holds such fields."""


def messages(said: object) -> list[dict[str, Any]]:
    """Return all turns."""
    if not isinstance(said, list) or not said:
        raise invalid("messages", "it is a list with at least one message")
    return [_message(one, f"messages.{index}") for index, one in enumerate(said)]


def tools(said: object) -> list[dict[str, Any]]:
    """Return the functions that are offered."""
    if not isinstance(said, list):
        raise invalid("tools", "it is a list of functions")
    return [_tool(one, f"tools.{index}") for index, one in enumerate(said)]


def choice(said: object, offered: list[dict[str, Any]]) -> str:
    """Return which function to call: a word, or the name of one that is offered."""
    if isinstance(said, str):
        if said not in CHOICES:
            raise invalid("tool_choice", "it is auto, none, required or a function")
        if said == "required" and not offered:
            raise invalid("tool_choice", "it goes with `tools` only")
        return said
    if not isinstance(said, dict) or said.get("type") != "function":
        raise unsupported("tool_choice")
    name = _object(said.get("function"), "tool_choice.function").get("name")
    if not isinstance(name, str) or name not in {one.get("name") for one in offered} - CHOICES:
        raise invalid("tool_choice.function.name", "it is the name of one of `tools`")
    return name


def _message(said: object, place: str) -> dict[str, Any]:
    found = _object(said, place)
    stated = found.get("role")
    if not isinstance(stated, str):
        raise invalid(f"{place}.role", "it is a text")
    if stated not in set(Role):
        raise unsupported(f"{place}.role")
    role = Role(stated)
    for name, value in found.items():
        known = _MESSAGE_FIELDS | _OWN_FIELDS.get(role, frozenset())
        if name not in known and value not in _EMPTY:
            raise unsupported(f"{place}.{name}")
    message: dict[str, Any] = {"role": stated}
    if role is Role.ASSISTANT and found.get("tool_calls"):
        message["tool_calls"] = _calls(found["tool_calls"], f"{place}.tool_calls")
    if role is Role.TOOL:
        message["tool_call_id"] = _text(found.get("tool_call_id"), f"{place}.tool_call_id")
    content = found.get("content")
    if content is None and "tool_calls" in message:
        content = ""
    message |= _content(content, f"{place}.content", role)
    if found.get("name") is not None:
        message["name"] = found["name"]
    return message


def _content(said: object, place: str, role: Role) -> dict[str, Any]:
    if isinstance(said, str):
        return {"content": said}
    if not isinstance(said, list):
        raise invalid(place, "it is a text or a list of parts")
    parts = [_part(one, f"{place}.{index}", role) for index, one in enumerate(said)]
    if all(part["kind"] is PartKind.TEXT for part in parts):
        return {"content": "\n".join(part["text"] for part in parts)}
    return {"content": "", "parts": parts}


def _part(said: object, place: str, role: Role) -> dict[str, Any]:
    kind = said.get("type") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(kind, str):
        raise unsupported(place)
    if kind == "text":
        return {"kind": PartKind.TEXT, "text": _text(said.get("text"), f"{place}.text")}
    reader = _MEDIA.get(kind)
    if reader is None or role is not Role.USER:
        raise unsupported(place)
    return reader(_object(said.get(kind), f"{place}.{kind}"), f"{place}.{kind}")


def _image(said: Mapping[str, Any], place: str) -> dict[str, Any]:
    url = _text(said.get("url"), f"{place}.url")
    if url[:5].lower() == "data:":
        return {"kind": PartKind.IMAGE, **_from_data_url(url, f"{place}.url")}
    if not url.startswith(("https://", "http://")):
        raise invalid(f"{place}.url", "it is a web address or a data URL")
    return {"kind": PartKind.IMAGE, "url": url}


def _audio(said: Mapping[str, Any], place: str) -> dict[str, Any]:
    form = said.get("format")
    if not isinstance(form, str) or form not in _AUDIO:
        raise invalid(f"{place}.format", f"it is one of {', '.join(_AUDIO)}")
    data = _encoded(_text(said.get("data"), f"{place}.data"), f"{place}.data")
    return {"kind": PartKind.AUDIO, "data": data, "media_type": _AUDIO[form]}


def _file(said: Mapping[str, Any], place: str) -> dict[str, Any]:
    if said.get("file_id") is not None:
        raise unsupported(f"{place}.file_id")
    data = _text(said.get("file_data"), f"{place}.file_data")
    named = {} if said.get("filename") is None else {"name": said["filename"]}
    return {"kind": PartKind.FILE, **_from_data_url(data, f"{place}.file_data"), **named}


_MEDIA: Final = {"image_url": _image, "input_audio": _audio, "file": _file}


def _from_data_url(url: str, place: str) -> dict[str, str]:
    head = _DATA_URL.match(url)
    if head is None:
        raise invalid(place, "a data URL names its media type and is in base64")
    return {"data": _encoded(url[head.end() :], place), "media_type": head[1].lower()}


def _encoded(said: str, place: str) -> str:
    try:
        base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(place, "it is not in base64") from None
    return said


def _calls(said: object, place: str) -> list[dict[str, Any]]:
    if not isinstance(said, list):
        raise invalid(place, "it is a list of calls")
    return [_call(one, f"{place}.{index}") for index, one in enumerate(said)]


def _call(said: object, place: str) -> dict[str, Any]:
    call = _object(said, place)
    if call.get("type", "function") != "function":
        raise unsupported(f"{place}.type")
    function = _object(call.get("function"), f"{place}.function")
    return {
        "id": _text(call.get("id"), f"{place}.id"),
        "name": _text(function.get("name"), f"{place}.function.name"),
        "arguments": _text(function.get("arguments"), f"{place}.function.arguments"),
    }


def _tool(said: object, place: str) -> dict[str, Any]:
    tool = _object(said, place)
    if tool.get("type") != "function":
        raise unsupported(place)
    function = _object(tool.get("function"), f"{place}.function")
    for name, value in function.items():
        if name not in _FUNCTION_FIELDS and value is not None:
            raise unsupported(f"{place}.function.{name}")
    _text(function.get("name"), f"{place}.function.name")
    return {name: value for name, value in function.items() if value is not None}


def _object(said: object, place: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise invalid(place, "it is an object")
    return said


def _text(said: object, place: str) -> str:
    if not isinstance(said, str):
        raise invalid(place, "it is a text")
    return said

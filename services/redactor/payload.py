"""Every text of a request that a person may have written: out of it, and changed back into it."""

import re
from collections.abc import Callable
from typing import Any, Final

from services.redactor import leaves
from services.redactor.domain import Masked
from services.redactor.kinds import LITERAL
from services.redactor.leaves import Pen
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import (
    SAMPLING,
    Message,
    Part,
    PartKind,
    RequestSubmitted,
    Tool,
    ToolCall,
    answer_fits,
)

KEPT: Final = (
    *("model", "task", "max_tokens", *SAMPLING, "stream", "parallel_tool_calls"),
    *("user", "use_case", "case_id", "conversation_id"),
    *("operation", "target_language", "embedding_purpose", "dimensions"),
)
"""Fields without text from people; they go on as they came."""
CHOICES: Final = frozenset({"auto", "none", "required"})
"""What a choice of tools may be beside the name of one."""

_SCRIPTS: Final = "arab|beng|cyrl|deva|ethi|grek|guru|hans|hant|hebr|jpan|kore|latn|mtei|thai"
_LANGUAGE: Final = re.compile(
    rf"[a-z]{{2,3}}(-({_SCRIPTS}))?(-([a-z]{{2}}|[0-9]{{3}}))?", re.IGNORECASE
)
"""A language, a script, a region. The parts that BCP 47 allows beside them have room for a name."""
_DATA_URL: Final = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,", re.IGNORECASE)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")


def unfit(event: RequestSubmitted) -> ErrorCode | None:
    """Return why a request is refused unread: a field with room for a name, or no room to answer.

    Nothing has been spent by then; an answer that fits no message would be paid for all the same.
    """
    language = event.target_language
    if language is not None and not _LANGUAGE.fullmatch(language):
        return ErrorCode.INVALID_REQUEST
    return None if answer_fits(event) else ErrorCode.TOO_LARGE


def texts_of(event: RequestSubmitted) -> list[str]:
    """Return every text of a request, in a fixed order."""
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    _walked(event, Pen(note, str))
    return texts


def rewritten(event: RequestSubmitted, masked: Masked) -> dict[str, Any]:
    """Return the fields of the masked request: `masked` is what became of `texts_of`.

    Its mapping gets the names that were replaced as a whole.
    """
    new = iter(masked.texts)

    def stand_in(name: str) -> str:
        return masked.mapping.add(LITERAL, name)

    kept = {name: getattr(event, name) for name in KEPT}
    return kept | _walked(event, Pen(lambda _: next(new), stand_in))


def _walked(event: RequestSubmitted, pen: Pen) -> dict[str, Any]:
    choice = event.tool_choice
    return {
        "messages": [_message(message, pen) for message in event.messages],
        "metadata": leaves.data(event.metadata, pen),
        "tools": [_tool(tool, pen) for tool in event.tools],
        "tool_choice": choice if choice is None or choice in CHOICES else pen.name(choice),
    }


def _message(message: Message, pen: Pen) -> dict[str, Any]:
    return {
        "role": message.role,
        "content": pen.text(message.content),
        "name": _said(message.name, pen.speaker),
        "parts": [_part(part, pen) for part in message.parts],
        "tool_calls": [_tool_call(call, pen) for call in message.tool_calls],
        "tool_call_id": _said(message.tool_call_id, pen.name),
    }


def _part(part: Part, pen: Pen) -> dict[str, Any]:
    """Return a part. What is in an image nobody reads here: it makes a request special.

    A text is all that a part of text has: whatever else it brings would be seen by nobody.
    """
    opaque = part.kind is not PartKind.TEXT
    return {
        "kind": part.kind,
        "text": _said(part.text, pen.text),
        "url": _said(part.url, lambda url: _url(url, pen)) if opaque else None,
        "data": _said(part.data, lambda data: _encoded(data, pen)) if opaque else None,
        "media_type": _said(part.media_type, pen.name),
        "name": _said(part.name, pen.text),
    }


def _url(url: str, pen: Pen) -> str:
    head = _DATA_URL.match(url)
    return url if head and _BASE64.fullmatch(url, head.end()) else pen.change(url)


def _encoded(data: str, pen: Pen) -> str:
    return data if _BASE64.fullmatch(data) else pen.change(data)


def _tool_call(call: ToolCall, pen: Pen) -> dict[str, Any]:
    return {
        "id": pen.name(call.id),
        "name": pen.name(call.name),
        "arguments": leaves.source(call.arguments, pen),
    }


def _tool(tool: Tool, pen: Pen) -> dict[str, Any]:
    return {
        "name": pen.name(tool.name),
        "description": _said(tool.description, pen.text),
        "parameters": None if tool.parameters is None else leaves.schema(tool.parameters, pen),
        "strict": tool.strict,
    }


def _said(text: str | None, change: Callable[[str], str]) -> str | None:
    return None if text is None else change(text)

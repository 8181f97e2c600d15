"""How much a model has to read and may write: likely numbers for choosing, worst ones for holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.contracts.requests import Operation, PartKind, RequestRedacted

OUTPUT_TOKENS_DEFAULT: Final = 1024
BYTES_A_TOKEN_LIKELY: Final = 4
BYTES_A_TOKEN_MIN: Final = 2
"""Danish and German measure 2.6 to 3.4 bytes a token, placeholders 2; digits are counted apart."""
MESSAGE_TOKENS_LIKELY: Final = 8
MESSAGE_TOKENS_MAX: Final = 16
TEMPLATE_TOKENS_MAX: Final = 64
"""What a chat template adds by itself, such as a system message when there is none."""
IMAGE_TOKENS_LIKELY: Final = 1024
IMAGE_TOKENS_MAX: Final = 4096
"""An image that fills the largest grid of today's models; what it shows cannot be counted here."""
_DIGITS: Final = b"0123456789"
_LONG: Final = 4000
_MANY: Final = 12


@dataclass(frozen=True, slots=True)
class Size:
    """Input tokens, likely and at worst, and the characters that a translation is paid by."""

    likely: int
    worst: int
    characters: int


def size_of(ask: RequestRedacted) -> Size:
    """Return how much there is to read."""
    texts = [text.encode() for text in _texts(ask)]
    turns = len(ask.messages) + len(ask.tools)
    images = sum(part.kind is PartKind.IMAGE for one in ask.messages for part in one.parts)
    count = sum(map(len, texts))
    # Some tokenizers give each digit a token of its own.
    digits = count - sum(len(text.translate(None, _DIGITS)) for text in texts)
    return Size(
        likely=count // BYTES_A_TOKEN_LIKELY
        + MESSAGE_TOKENS_LIKELY * turns
        + IMAGE_TOKENS_LIKELY * images,
        worst=digits
        + -(-(count - digits) // BYTES_A_TOKEN_MIN)
        + MESSAGE_TOKENS_MAX * turns
        + IMAGE_TOKENS_MAX * images
        + TEMPLATE_TOKENS_MAX,
        characters=sum(len(message.content) for message in ask.messages),
    )


def output_tokens_of(ask: RequestRedacted, size: Size) -> int:
    """Return how many tokens an answer may have; a translation needs as many as its text, or more.

    Twice the worst count of the text holds it also where a tokenizer knows the language less well.
    """
    if ask.max_tokens is not None:
        return ask.max_tokens
    if ask.operation is Operation.TRANSLATE:
        return max(OUTPUT_TOKENS_DEFAULT, 2 * size.worst)
    return OUTPUT_TOKENS_DEFAULT


def complexity_of(ask: RequestRedacted, size: Size) -> float:
    """Return from 0 to 1 how much a request asks of a model, by its length and its shape alone.

    A rule of thumb until grades of our own say which requests small models fail at.
    """
    if ask.operation is not Operation.CHAT:
        return 0.0
    length = min(size.likely / _LONG, 1.0)
    turns = min(len(ask.messages) / _MANY, 1.0)
    shape = 1.0 if ask.tools or any(message.parts for message in ask.messages) else 0.0
    return round(0.5 * length + 0.2 * turns + 0.3 * shape, 3)


def estimated_tokens(text: str) -> int:
    """Return how many tokens an answer probably has, when nobody counted them."""
    return -(-len(text.encode()) // BYTES_A_TOKEN_LIKELY)


def _texts(ask: RequestRedacted) -> Iterator[str]:
    """Yield all that a model reads; sounds and files count as the text that they may become."""
    for message in ask.messages:
        if not message.parts:
            yield message.content
        for part in message.parts:
            yield part.text or ""
            if part.kind is not PartKind.IMAGE:
                yield part.data or ""
        for call in message.tool_calls:
            yield call.name
            yield call.arguments
    for tool in ask.tools:
        yield tool.model_dump_json(exclude_none=True)

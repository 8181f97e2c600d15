"""Every text of a request that a person may have written: out of it, and changed back into it."""

from collections.abc import Sequence
from typing import Any, Final

from services.redactor import leaves
from shared.contracts.requests import SAMPLING, RequestSubmitted

KEPT: Final = (
    *("model", "task", "max_tokens", *SAMPLING, "stream"),
    *("user", "use_case", "case_id", "conversation_id"),
)
"""Fields without text from people; they go on as they came."""


def texts_of(event: RequestSubmitted) -> list[str]:
    """Return every text of a request, in a fixed order."""
    return list(leaves.texts(_payload(event)))


def rewritten(event: RequestSubmitted, texts: Sequence[str]) -> dict[str, Any]:
    """Return the fields of the masked request, with `texts` in place of what `texts_of` gave."""
    kept = {name: getattr(event, name) for name in KEPT}
    return kept | leaves.rewritten(_payload(event), texts)


def _payload(event: RequestSubmitted) -> dict[str, leaves.Json]:
    messages: list[leaves.Json] = [
        {"role": message.role.value, "content": message.content}
        | ({"name": message.name} if message.name is not None else {})
        for message in event.messages
    ]
    return {"messages": messages, "metadata": dict(event.metadata)}

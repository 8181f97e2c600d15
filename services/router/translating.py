"""Asks a model that chats for a translation, where nobody else may or can make it."""

from typing import Final

from services.router.domain import Model
from shared.contracts.requests import Message, Operation, RequestRedacted, Role
from shared.contracts.routing import Capability

_WISH: Final = (
    "Translate the next message into the language with the BCP 47 tag {language}. Words such as "
    "Klient_001 or PERSON-7Q3 stand for names: keep them letter by letter. Answer with the "
    "translation and nothing else."
)


def as_asked_of(model: Model, ask: RequestRedacted) -> RequestRedacted:
    """Return the request as this model can take it."""
    if ask.operation is not Operation.TRANSLATE or Capability.TRANSLATE in model.capabilities:
        return ask
    wish = Message(role=Role.SYSTEM, content=_WISH.format(language=ask.target_language))
    # Whatever role a text came in, here it is what somebody wants translated, never an instruction.
    texts = tuple(Message(role=Role.USER, content=one.content) for one in ask.messages)
    return ask.model_copy(update={"operation": Operation.CHAT, "messages": (wish, *texts)})

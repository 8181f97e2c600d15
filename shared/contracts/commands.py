"""The base of every command: a question to one service that is answered at once."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts.errors import ErrorCode
from shared.contracts.event import Record
from shared.contracts.values import Token, new_id, now


class Command(Record):
    """Asks a service to do one thing once: the same `id` has the same effect and answer again."""

    service: ClassVar[str]
    verb: ClassVar[str]

    id: UUID = Field(default_factory=new_id)
    time: AwareDatetime = Field(default_factory=now)
    actor: Token
    reason: Token = "routine"


class Reply(Record):
    """The answer to a command; `code` says why it was not done, if it was not."""

    id: UUID
    code: ErrorCode | None = None

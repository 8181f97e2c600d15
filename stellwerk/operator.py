"""Sends commands to services as the person at the command line."""

from typing import Final, Self, TypeVar

from pydantic import ValidationError

from shared.contracts.access import AppList, AppListReply, AppRecord
from shared.contracts.catalog import OPERATOR, command_row_of
from shared.contracts.commands import Command, Reply
from shared.contracts.errors import ErrorCode
from stellwerk.connection import Connection, Identity, NoReply
from stellwerk.errors import CommandError
from stellwerk.platform import Platform

REPLY_WAIT_S: Final = 10.0
_ERROR: Final = "Sw-Error"
ReplyT = TypeVar("ReplyT", bound=Reply)


class Operator:
    """The operator's connection; use it with `async with`."""

    def __init__(self, platform: Platform) -> None:
        self._connection = Connection(
            Identity(
                address=platform.nats_url,
                seed_file=platform.seed_file(OPERATOR),
                inbox=f"_INBOX.{OPERATOR}",
            ),
            on_reconnect=lambda: None,
        )

    async def __aenter__(self) -> Self:
        await self._connection.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def ask(self, command: Command, reply: type[ReplyT]) -> ReplyT:
        """Return the answer to a command; raise `CommandError` naming the service if none comes."""
        row = command_row_of(type(command))
        payload = command.model_dump_json(exclude_none=True).encode()
        try:
            message = await self._connection.ask(row.subject, payload, REPLY_WAIT_S)
        except NoReply:
            raise CommandError(
                f"The service {row.command.service} does not answer. "
                "`stellwerk status` shows whether it runs, `stellwerk doctor` why it may not."
            ) from None
        refused = (message.headers or {}).get(_ERROR)
        if refused is not None:
            raise CommandError(f"The service {row.command.service} {_reason(refused)}")
        try:
            return reply.model_validate_json(message.data)
        except ValidationError:
            raise CommandError(
                f"The service {row.command.service} answers in a form that this command line does "
                "not know. Update it."
            ) from None

    async def apps(self) -> tuple[AppRecord, ...]:
        """Return every app, page by page."""
        found: tuple[AppRecord, ...] = ()
        command = AppList(actor=OPERATOR)
        while True:
            reply = await self.ask(command, AppListReply)
            if reply.code is not None:
                raise CommandError("An app has more keys than the bus takes in one message.")
            found += reply.apps
            if not reply.more:
                return found
            last = found[-1]
            command = AppList(actor=OPERATOR, after_tenant=last.tenant, after_app=last.app)


def _reason(refused: str) -> str:
    if refused in set(ErrorCode):
        return f"could not answer: {ErrorCode(refused).sentence()}"
    return "waits for something it needs. `stellwerk status` shows for what; then try again."

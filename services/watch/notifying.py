"""Tells people of incidents: once for each and kind, again only through channels that failed."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Final

from prometheus_client import Counter

from services.watch import store
from services.watch.channels import Channels
from services.watch.messages import TEST, message
from services.watch.rules.base import Rule
from services.watch.store import Due, Told
from shared.bus import Answered
from shared.configuration import ConfigError
from shared.contracts.event import Event
from shared.contracts.incidents import NotificationReply, NotificationTest
from shared.db import Database, Transaction

LEASE_S: Final = 60.0
"""How long a notification belongs to the replica that sends it; longer than any sending takes."""
PASS_MAX: Final = 20
BACKOFF_S_MAX: Final = 300.0
REMARK: Final = "notifications"
FILE_REMARK: Final = "channels"

SENT: Final = Counter(
    "stellwerk_watch_notifications_total",
    "Attempts to tell people of an incident. failed or given_up rising: run `stellwerk incident"
    " test` and mend the channel whose line the log names.",
    ["result"],
)


class Notifying:
    """Sends what waits. Never in a batch's way: it is a job of its own, and sends from threads."""

    def __init__(
        self,
        database: Database,
        channels: Channels,
        rules: Sequence[Rule],
        remarks: MutableMapping[str, str],
        give_up_s: float,
    ) -> None:
        self._database = database
        self._channels = channels
        self._rules: Mapping[str, Rule] = {rule.NAME: rule for rule in rules}
        self._remarks = remarks
        self._give_up_s = give_up_s

    async def send_waiting(self) -> Sequence[Event]:
        """Send every notification that is due, and say on /readyz if some could not be sent."""
        await self._check_file()
        for _ in range(PASS_MAX):
            async with self._database.transaction() as tx:
                due = await store.claim(tx, LEASE_S)
            if due is None:
                break
            await self._send(due)
        async with self._database.transaction() as tx:
            failing = await store.failing(tx)
        if failing:
            self._remarks[REMARK] = (
                f"{failing} could not be sent yet: `stellwerk incident test` shows whether the "
                "channels work"
            )
        else:
            self._remarks.pop(REMARK, None)
        return ()

    async def _check_file(self) -> None:
        """Say that the file is wrong before the night in which it is needed."""
        try:
            await self._channels.read()
        except ConfigError as error:
            self._remarks[FILE_REMARK] = str(error)
        else:
            self._remarks.pop(FILE_REMARK, None)

    async def _send(self, due: Due) -> None:
        taken_by = set(due.taken_by)
        try:
            channels = await self._channels.read()
        except ConfigError:
            state = Told.WAITING
        else:
            left = [channel for channel in channels if channel.mark not in taken_by]
            what = message(due.incident, due.kind, self._rules)
            taken_by |= {channel.mark for channel in await self._channels.send(what, left)}
            whole = all(channel.mark in taken_by for channel in channels)
            state = Told.WAITING if not whole else Told.DELIVERED if channels else Told.UNSENT
        if state is Told.WAITING and due.age_s > self._give_up_s:
            state = Told.GIVEN_UP
        SENT.labels("failed" if state is Told.WAITING else state.value).inc()
        async with self._database.transaction() as tx:
            await store.told(tx, due, state, taken_by, min(2.0**due.attempts, BACKOFF_S_MAX))

    async def notification_test(
        self, commands: Sequence[NotificationTest], tx: Transaction
    ) -> Answered:
        """Send a test through every channel; the same command is answered again, not sent again."""
        ids = [command.id for command in commands]
        replies = {
            id_: NotificationReply.model_validate_json(text)
            for id_, text in (await store.answers(tx, ids)).items()
        }
        new = [id_ for id_ in dict.fromkeys(ids) if id_ not in replies]
        if new:
            try:
                channels = await self._channels.read()
            except ConfigError:
                delivered, failed = 0, 1
            else:
                # One message answers all that wait: whoever looks at a channel sees that it works.
                delivered = len(await self._channels.send(TEST, channels))
                failed = len(channels) - delivered
            for id_ in new:
                replies[id_] = NotificationReply(id=id_, delivered=delivered, failed=failed)
            await store.answered(tx, [replies[id_] for id_ in new])
        return Answered(replies=[replies[id_] for id_ in ids])

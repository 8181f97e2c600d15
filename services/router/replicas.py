"""What the replicas of the router tell each other of providers, in one bucket, each under its name.

The bucket is a help, never a need: while it is away, each replica goes by what it knows itself and
what it last heard, and no request waits for it. Nobody watches it; it is read once a second.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import nats.errors
from nats.aio.msg import Msg
from pydantic import ValidationError

from shared.bus.connection import Connection
from shared.contracts.providers import ModelHealth, ReplicaHealth
from shared.contracts.stores import HEALTH
from shared.contracts.values import now

LOOK_EVERY_S: Final = 1.0
GONE_AFTER_S: Final = 15.0
FORGOTTEN_AFTER_S: Final = 3600.0
WRITTEN_EVERY_S: Final = 5.0
ANSWER_S_MAX: Final = 0.5
REPLICAS_MAX: Final = 256
_STATUS: Final = "Status"
_SUBJECT: Final = "Nats-Subject"
_PLACE: Final = f"$JS.API.DIRECT.GET.{HEALTH.stream}"
_ALL: Final = json.dumps({"multi_last": [HEALTH.subject("*")], "batch": REPLICAS_MAX}).encode()


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a replica said last, and when we heard it, on our own clock."""

    health: ReplicaHealth
    at: float


class Replicas:
    """This replica among the others."""

    def __init__(
        self, connection: Connection, replica: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connection = connection
        self._replica = replica
        self._clock = clock
        self._heard: dict[str, _Heard] = {}
        self._written: tuple[ModelHealth, ...] | None = None
        self._written_at = -WRITTEN_EVERY_S

    async def exchange(self, models: tuple[ModelHealth, ...]) -> Collection[ReplicaHealth]:
        """Write what this replica knows, if that is news, and return what the living others do."""
        with suppress(nats.errors.Error, TimeoutError):
            await self._write(models)
            self._read(await self._all())
        at = self._clock()
        return [one.health for one in self._heard.values() if at - one.at < GONE_AFTER_S]

    async def leave(self) -> None:
        """Leave the others this replica's part of the limits at once."""
        with suppress(nats.errors.Error, TimeoutError):
            await self._put(self._replica, b"")

    async def _write(self, models: tuple[ModelHealth, ...]) -> None:
        due = self._clock() - self._written_at >= WRITTEN_EVERY_S
        if models == self._written and not due:
            return
        health = ReplicaHealth(replica=self._replica, at=now(), models=models)
        payload = health.model_dump_json(exclude_defaults=True).encode()
        if len(payload) > HEALTH.value_bytes_max:
            # Whatever is left out is only shared less well; being heard of at all counts more.
            payload = health.model_copy(update={"models": ()}).model_dump_json().encode()
        await self._put(self._replica, payload)
        self._written, self._written_at = models, self._clock()

    async def _put(self, replica: str, payload: bytes) -> None:
        # No answer is waited for: what is lost is written again in five seconds.
        await self._connection.client.publish(HEALTH.subject(replica), payload)

    async def _all(self) -> Mapping[str, bytes]:
        """Return what stands in the bucket, by replica."""
        client = self._connection.client
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        found: dict[str, bytes] = {}
        try:
            await client.publish(_PLACE, _ALL, reply=inbox)
            while len(found) < REPLICAS_MAX:
                message: Msg = await answers.next_msg(timeout=ANSWER_S_MAX)
                headers = message.headers or {}
                if _STATUS in headers:
                    break  # That was all, or there is nothing.
                found[headers.get(_SUBJECT, "").rpartition(".")[2]] = message.data
        finally:
            await answers.unsubscribe()
        return found

    def _read(self, found: Mapping[str, bytes]) -> None:
        for replica in self._heard.keys() - found.keys():
            del self._heard[replica]
        for replica, payload in found.items():
            if replica == self._replica:
                continue
            health = _health_in(payload)
            if health is None:
                self._heard.pop(replica, None)
                continue
            before = self._heard.get(replica)
            if before is None or before.health.at != health.at:
                # One that we never heard before may have written its last word days ago.
                self._heard[replica] = _Heard(health, self._clock() - _age_s(health.at, before))

    async def forget(self) -> None:
        """Empty what replicas have left behind that went without a word long ago."""
        at = self._clock()
        for replica, one in list(self._heard.items()):
            if at - one.at > FORGOTTEN_AFTER_S:
                del self._heard[replica]
                with suppress(nats.errors.Error):
                    await self._put(replica, b"")


def _health_in(payload: bytes) -> ReplicaHealth | None:
    try:
        return ReplicaHealth.model_validate_json(payload) if payload else None
    except ValidationError:
        return None


def _age_s(at: datetime, before: _Heard | None) -> float:
    """Return how old a first word is; a clock that is ahead of ours counts as now."""
    return 0.0 if before is not None else max(0.0, (now() - at).total_seconds())

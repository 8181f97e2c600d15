"""Gets a request onto the bus for certain, and looks its result up."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, Final, Protocol

from nats.aio.msg import Msg

from shared.contracts.catalog import APP, known_types, row_of, subject_of
from shared.contracts.completions import CompletionRestored
from shared.contracts.event import ContractError, decode
from shared.contracts.requests import RequestSubmitted
from shared.contracts.stores import ANSWERS
from stellwerk.asking import payload_of
from stellwerk.connection import NoReply, status_of
from stellwerk.errors import BusUnavailable, NoAnswer, QueueFull, TooLarge

ACK_WAIT_S: Final = 5.0
LOOK_UP_WAIT_S: Final = 2.0
_KNOWN: Final = known_types(CompletionRestored)
_NOT_FOUND: Final = "404"
_STREAM_HAS_NO_LEADER: Final = 503


class Asks(Protocol):
    """A connection to the bus that asks; an app has one, and the gateway has one for all apps."""

    async def linked(self, wait_s: float) -> bool:
        """Return True as soon as the link is up, and False if it is not after `wait_s`."""

    async def ask(
        self, subject: str, payload: bytes, wait_s: float, headers: dict[str, str] | None = None
    ) -> Msg:
        """Return the reply to a message; raise `NoReply` if none came."""


def pauses(first_s: float, longest_s: float) -> Iterator[float]:
    """Yield waits that double from `first_s` up to `longest_s`, without end."""
    pause_s = first_s
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, longest_s)


async def publish(
    connection: Asks,
    request: RequestSubmitted,
    traceparent: str,
    *,
    source: str = APP,
    wait_s_max: float | None = None,
) -> bool:
    """Publish until the bus has it; return whether it had it already.

    The id makes a repetition harmless, so no answer is a reason to send again, until the request's
    own time is up, or `wait_s_max`. Raises `BusUnavailable` then, and at once `TooLarge`,
    `QueueFull`, `NotAllowed`.

    While the link is down nothing is sent: what a client keeps for later would be stored and paid
    after its caller was told that it was not.
    """
    payload = payload_of(request, source)
    headers = {"Nats-Msg-Id": str(request.request_id), "traceparent": traceparent}
    own_time_s = request.timeout_ms / 1000
    give_up_at = time.monotonic() + min(own_time_s, wait_s_max or own_time_s)
    unsure = False
    for pause_s in pauses(0.1, 2.0):
        if not await connection.linked(give_up_at - time.monotonic()):
            raise BusUnavailable(request_id=request.request_id, unsure=unsure)
        try:
            reply = await connection.ask(subject_of(request), payload, ACK_WAIT_S, headers)
        except NoReply:
            unsure = True
        else:
            acknowledged = _acknowledged(json.loads(reply.data), request)
            if acknowledged is not None:
                return acknowledged
        if time.monotonic() + pause_s > give_up_at:
            raise BusUnavailable(request_id=request.request_id, unsure=unsure)
        await asyncio.sleep(pause_s)
    raise AssertionError("the pauses never end")


async def look_up(
    connection: Asks, tenant: str, app: str, request_id: object
) -> CompletionRestored | None:
    """Return the durable result of a request; None while there is none, or no bus to ask."""
    kept_as = f"{row_of(CompletionRestored).prefix}.{tenant}.{app}.{request_id}"
    subject = f"$JS.API.DIRECT.GET.{ANSWERS.name}.{kept_as}"
    try:
        if not await connection.linked(LOOK_UP_WAIT_S):
            return None
        reply = await connection.ask(subject, b"", LOOK_UP_WAIT_S)
    except NoReply:
        return None
    if status_of(reply) is not None:
        return None
    try:
        result = decode(reply.data, _KNOWN)
    except ContractError:
        raise NoAnswer(
            "The result has a form that this client does not know. Update the client."
        ) from None
    assert isinstance(result, CompletionRestored)
    return result


def _acknowledged(reply: dict[str, Any], request: RequestSubmitted) -> bool | None:
    """Return whether it was a duplicate; None if it makes sense to send it again."""
    error = reply.get("error")
    if error is None:
        return bool(reply.get("duplicate", False))
    description = str(error.get("description", ""))
    if "per subject" in description:
        raise QueueFull(request_id=request.request_id)
    if "message size" in description:
        raise TooLarge(request_id=request.request_id)
    if error.get("code") == _STREAM_HAS_NO_LEADER:
        return None
    raise BusUnavailable(
        f"The bus refused the request: {description}. `stellwerk doctor` shows what is wrong.",
        request_id=request.request_id,
    )

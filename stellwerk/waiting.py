"""Waits for the result of a request: live if it comes, looked up if it may have been missed."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from shared.contracts.completions import CompletionRestored
from stellwerk.answer import Ticket
from stellwerk.delivery import Mailbox
from stellwerk.errors import StillWaiting
from stellwerk.exchange import pauses

LookUp = Callable[[], Awaitable[CompletionRestored | None]]

LOOK_UP_AFTER_S: Final = 1.0
LOOK_UP_PAUSE_S_MIN: Final = 0.5
LOOK_UP_PAUSE_S_MAX: Final = 5.0


async def result_of(mailbox: Mailbox, look_up: LookUp, ticket: Ticket) -> CompletionRestored:
    """Return the one result of a request; raise `StillWaiting` when the time is up."""
    give_up_at = time.monotonic() + ticket.wait_s
    wait_s = LOOK_UP_AFTER_S
    for pause_s in pauses(LOOK_UP_PAUSE_S_MIN, LOOK_UP_PAUSE_S_MAX):
        item = await mailbox.next(min(wait_s, max(0.0, give_up_at - time.monotonic())))
        while item is not None:
            if isinstance(item, CompletionRestored):
                return item
            item = await mailbox.next(wait_s)
        found = await look_up()
        if found is not None:
            return found
        if time.monotonic() >= give_up_at:
            break
        wait_s = pause_s
    raise still_waiting(ticket)


def still_waiting(ticket: Ticket) -> StillWaiting:
    """Return the error for a request whose result is not there yet."""
    return StillWaiting(
        "The request was accepted and has no result yet. "
        f"Collect it later with its id, {ticket.request_id}.",
        request_id=ticket.request_id,
    )

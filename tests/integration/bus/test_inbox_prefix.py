"""Everything a service is answered on lies under its own inbox, which is all it may listen to."""

import pytest
from nats.aio.msg import Msg

from shared.bus import DependencyDown
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.integration.bus.work import hold, mask_all


# Trap 13: stock pull subscribers ignore the broker's prefix, and permissions deny their inbox.
async def test_pulls_confirmations_and_replies_come_to_the_services_own_inbox(bus: Bus) -> None:
    asked: dict[str, str] = {}

    async def note(message: Msg) -> None:
        asked[message.subject] = message.reply

    pull = "$JS.API.CONSUMER.MSG.NEXT.SW_INBOX.redactor-requests"
    command = "sw.meta.cmd.billing.hold-request"
    for subject in (pull, "sw.masked.request.redacted.>", command):
        await bus.client.subscribe(subject, cb=note)
    await bus.client.flush()
    service = bus.service("redactor")
    service.batch("redactor-requests", mask_all)
    async with running(service):
        await bus.send(submitted())
        with pytest.raises(DependencyDown):
            await service.ask(hold(), timeout_s=0.2)
        await eventually(lambda: len(asked) == 3)
    assert {reply.split(".")[1] for reply in asked.values()} == {"redactor"}
    assert all(reply.startswith("_INBOX.redactor.") for reply in asked.values())

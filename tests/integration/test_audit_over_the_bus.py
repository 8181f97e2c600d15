"""Audit and evals as processes on a real bus: killed, doubled, and still one leaf an event."""

import asyncio

from shared.bus.commands import ask
from shared.contracts.access import Role
from shared.contracts.records import RecordRead, RecordReply
from shared.contracts.values import Language
from shared.errors import DependencyDown
from stellwerk import verify
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.unit.evals.requests import completion_of, request_for

PROMPT = "Skriv et svar til Klient_001 i højst to sætninger."
ANSWER = "Kære Klient_001, vi har set på din sag og sender dig en ny faktura. Tak for dit brev."


async def count_of(schema: ProvisionedSchema, table: str) -> int:
    return int(await schema.admin.fetchval(f"SELECT count(*) FROM {table}"))


async def test_every_interaction_is_recorded_once_though_audit_is_killed(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("audit")
    requests = [request_for(PROMPT, Language.DANISH) for _ in range(200)]
    events = [*requests, *(completion_of(request, ANSWER) for request in requests)]

    async def some_are_recorded() -> bool:
        return await count_of(schema, "audit.entry") > 0

    async def all_are_recorded() -> bool:
        return await count_of(schema, "audit.entry") >= len(events)

    async with running("audit", provisioned_bus, schema) as victim:
        writing = asyncio.create_task(provisioned_bus.publish(events))
        await until(some_are_recorded)
        victim.kill()
        await writing
    async with running("audit", provisioned_bus, schema), running("audit", provisioned_bus, schema):
        await until(all_are_recorded)

    verdict = await verify.verify(schema.url)
    assert (verdict.leaves, verdict.intact) == (len(events), True)


async def test_a_record_is_asked_for_over_the_bus(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("audit")
    request = request_for(PROMPT, Language.DANISH)
    look = RecordRead(actor="anna", role=Role.SUPER_ADMIN, request_id=request.request_id)
    replies: list[RecordReply] = []

    async def it_is_there() -> bool:
        try:
            reply = await ask(provisioned_bus.client, look, timeout_s=1.0)
        except DependencyDown:
            return False
        assert isinstance(reply, RecordReply)
        replies.append(reply)
        return bool(reply.entries)

    async with running("audit", provisioned_bus, schema):
        await provisioned_bus.publish([request])
        await until(it_is_there)

    (entry,) = replies[-1].entries
    assert entry.event_id == request.id
    assert entry.envelope["source"] == "/stellwerk/router"
    # Asked again and again with one id, it was one look.
    assert await count_of(schema, "audit.entry") == 2


async def test_completions_are_graded_over_the_bus(
    provisioned_bus: ProvisionedBus, provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("evals")
    requests = [request_for(PROMPT, Language.DANISH) for _ in range(20)]

    async def all_are_scored() -> bool:
        stored = await provisioned_bus.client.jetstream().stream_info("SW_META")
        return stored.state.messages >= len(requests)

    async with running("evals", provisioned_bus, schema):
        await provisioned_bus.publish(
            [*requests, *(completion_of(one, ANSWER) for one in requests)]
        )
        await until(all_are_scored)

    assert await count_of(schema, "evals.score") == 2 * len(requests)
    assert await count_of(schema, "evals.waiting") == 0

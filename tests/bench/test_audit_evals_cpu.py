"""What one request costs audit and evals: its events over the bus, each process on its own.

Run it with `pytest -s tests/bench/test_audit_evals_cpu.py`. Timings are printed, none is asserted.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import psutil
import pytest

from shared.contracts.billing import HoldGranted, UsagePriced
from shared.contracts.catalog import CONSUMERS
from shared.contracts.completions import Outcome, TokenUsage
from shared.contracts.event import Event
from shared.contracts.usage import Attempt, AttemptOutcome, Candidate, Decision, UsageRecorded
from shared.contracts.values import Language, Sensitivity, new_id
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionSchema
from tests.fixtures.servers import PostgresServer
from tests.unit.evals.requests import completion_of, request_for

pytestmark = [pytest.mark.bench, pytest.mark.timeout(180)]

PROMPT = (
    "Skriv et kort svar på dansk til kunden i højst fire sætninger. Kære kundeservice. Jeg "
    "bestilte en kaffemaskine den 3. november, men den er stadig ikke kommet frem. Jeg har skrevet "
    "til jer to gange uden at få svar, og nu vil jeg gerne vide, hvornår jeg kan forvente den, "
    "eller om jeg kan få mine penge tilbage. Ring til mig på Telefon_001. Hilsen Klient_001"
)
ANSWER = (
    "Kære Klient_001, tak for din henvendelse. Vi beklager meget, at din kaffemaskine ikke er "
    "kommet frem endnu. Pakken bliver leveret senest på fredag. Vil du hellere have pengene "
    "tilbage, kan du blot svare på denne mail. Med venlig hilsen, kundeservice"
)
PLACE = UUID("00000000-0000-5000-8000-000000000000")
REQUESTS = 3_000
PACES = (50, 200, None)
"""Requests a second; None writes all at once, so that every batch is full."""


def events_of_a_request() -> list[Event]:
    request = request_for(PROMPT, Language.DANISH)
    completion = completion_of(request, ANSWER)
    attempt = Attempt(
        id=new_id(), model="local-default", provider="local", outcome=AttemptOutcome.ANSWERED
    )
    usage = TokenUsage(input_tokens=140, output_tokens=90)
    named = {"model": "local-default", "provider": "local"}
    recorded = UsageRecorded.following(
        request,
        outcome=Outcome.COMPLETION,
        decision=Decision(
            candidates=(Candidate(model="local-default", provider="local", rank=0),), rule="default"
        ),
        attempts=(attempt,),
        usage=usage,
        sensitivity=Sensitivity.PERSONAL,
        **named,
    )
    money = {"hold_id": new_id(), "budget": "default", "held_nano": 900, "currency": "EUR"}
    granted = HoldGranted.following(request, price_id=PLACE, **money)
    return [
        request,
        granted,
        completion,
        recorded,
        UsagePriced.following(recorded, cost_nano=7, **money),
    ]


@pytest.mark.parametrize("service", ["audit", "evals"])
async def test_print_cpu_per_request(
    service: str,
    provisioned_bus: ProvisionedBus,
    postgres_server: PostgresServer,
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema(service)
    print(f"\n{service}: requests/s written  µs of CPU a request: service  PostgreSQL")
    async with running(service, provisioned_bus, schema) as process:
        await write(provisioned_bus, 100, None)
        await drained(provisioned_bus, service)
        for pace in PACES:
            count = REQUESTS if pace is None else 10 * pace
            own, postgres = cpu_of(process.pid), cpu_of(postgres_server.running.pid)
            before = own(), postgres()
            await write(provisioned_bus, count, pace)
            await drained(provisioned_bus, service)
            spent = (own() - before[0]) / count * 1e6, (postgres() - before[1]) / count * 1e6
            print(f"{pace or 'all at once':>24} {spent[0]:24.0f} {spent[1]:11.0f}")


async def write(bus: ProvisionedBus, requests: int, pace: int | None) -> None:
    """Write in chunks of 20 ms, as concurrent callers would."""
    chunk = requests if pace is None else max(1, pace // 50)
    for start in range(0, requests, chunk):
        begun = time.monotonic()
        events: Sequence[Event] = [
            event for _ in range(min(chunk, requests - start)) for event in events_of_a_request()
        ]
        await bus.publish(events)
        if pace is not None:
            await asyncio.sleep(max(0.0, chunk / pace - (time.monotonic() - begun)))


async def drained(bus: ProvisionedBus, service: str) -> None:
    js = bus.client.jetstream()

    async def nothing_is_left() -> bool:
        found = [
            await js.consumer_info(one.stream.name, one.name)
            for one in CONSUMERS
            if one.service == service
        ]
        return not any(info.num_pending or info.num_ack_pending for info in found)

    await until(nothing_is_left, wait_s_max=60.0)


def cpu_of(pid: int) -> Callable[[], float]:
    """Return a meter of the seconds a process and its children have used."""
    process = psutil.Process(pid)

    def seconds() -> float:
        members = [process, *process.children(recursive=True)]
        return sum(sum(member.cpu_times()[:2]) for member in members)

    return seconds

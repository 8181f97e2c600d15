"""What 256 facts cost watch in one transaction, inbox included: in time and in CPU.

Run it with `pytest -s tests/bench/test_watch_cpu.py`. Timings are printed, none is asserted.
"""

import time
from collections.abc import Callable

import pytest

from services.watch.handlers import Incidents
from services.watch.rules import load
from shared.contracts.usage import Attempt
from shared.contracts.values import now
from shared.db import unseen
from tests.fixtures.schemas import ProvisionSchema
from tests.integration.test_watch_incidents import PATIENCE
from tests.unit.watch.usages import answered, failed, usage

pytestmark = [pytest.mark.bench, pytest.mark.timeout(60)]

FACTS = 256
MODELS = 8
ROUNDS = 60


@pytest.mark.parametrize("call", [answered, failed])
async def test_print_what_a_batch_costs(
    call: Callable[[str], Attempt], provision_schema: ProvisionSchema
) -> None:
    schema = await provision_schema("watch")
    incidents = Incidents(schema.database, load(), PATIENCE)
    took: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        batch = [usage(call(f"model-{number % MODELS}"), at=now()) for number in range(FACTS)]
        begun = time.perf_counter(), time.process_time()
        async with schema.database.transaction() as tx:
            await unseen(tx, [one.id for one in batch])
            await incidents.usage_recorded(batch, tx)
        took.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    elapsed, cpu = (sorted(1_000 * each for each in part) for part in zip(*took, strict=True))
    print(
        f"\n{FACTS} facts, all {call.__name__}: {elapsed[ROUNDS // 2]:.1f} ms"
        f" (best {elapsed[0]:.1f}), of which {cpu[ROUNDS // 2]:.1f} ms are watch's own CPU"
    )

"""What the router tells of providers becomes incidents, and people hear of each once."""

from pathlib import Path
from typing import Any

import pytest

from shared.contracts.completions import Outcome
from shared.contracts.errors import ErrorCode
from shared.contracts.providers import ProviderChange
from shared.contracts.values import now
from tests.fixtures.bells import Bell
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionSchema
from tests.unit.watch.usages import changed, usage


async def test_circuits_agreements_and_work_for_people_are_told_once_each(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    bell: Bell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "channels").write_text(bell.address)
    monkeypatch.setenv("SW_WATCH_CHANNELS_FILE", str(tmp_path / "channels"))
    monkeypatch.setenv("SW_WATCH_SETTLED_S", "0.5")
    monkeypatch.setenv("SW_WATCH_END_EVERY_S", "0.3")
    watch = await provision_schema("watch")

    async def states() -> dict[str, str]:
        rows: list[Any] = await watch.admin.fetch("SELECT rule, state FROM watch.incidents_v1")
        return {row["rule"]: row["state"] for row in rows}

    opened = changed(
        ProviderChange.CIRCUIT_OPENED, at=now(), model="large", error_class="unauthorised"
    )
    ends = changed(ProviderChange.AGREEMENT_EXPIRING, at=now(), days_left=30)
    refused = usage(at=now(), code=ErrorCode.SENSITIVITY_LOCAL_ONLY, outcome=Outcome.REFUSED)

    async def all_open() -> bool:
        return await states() == {
            "circuit_open": "open",
            "agreement_expiring": "open",
            "needs_a_person": "open",
        }

    async def circuit_is_over() -> bool:
        return (await states())["circuit_open"] == "resolved"

    async def all_told() -> bool:
        return len(bell.messages) == 4

    async with running("watch", provisioned_bus, watch):
        # Each replica of the router says it, with the same id.
        await provisioned_bus.publish([opened, ends, refused, opened, ends], "router")
        await until(all_open)
        closed = changed(ProviderChange.CIRCUIT_CLOSED, at=now(), model="large")
        await provisioned_bus.publish([closed], "router")
        await until(circuit_is_over)
        await until(all_told)

    titles = sorted(one["title"] for one in bell.messages)
    assert titles == [
        "Stellwerk resolved: circuit_open about large",
        "Stellwerk warning: agreement_expiring about hosted",
        "Stellwerk warning: circuit_open about large",
        "Stellwerk warning: needs_a_person about default/letters",
    ]

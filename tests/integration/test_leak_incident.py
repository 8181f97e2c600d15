"""A leak that the redactor stops is one critical incident, and people are told what to do."""

from pathlib import Path
from typing import Any

import pytest

from services.watch.rules import leak_stopped
from shared.contracts.requests import RequestSubmitted
from tests.fixtures.bells import Bell
from tests.fixtures.bus import submitted
from tests.fixtures.processes import ProvisionedBus, running, until
from tests.fixtures.schemas import ProvisionSchema

NUMBER = "12345678"


def leaking() -> RequestSubmitted:
    """Return a request whose user is a number that its text has masked: a user is no text."""
    return submitted(content=f"Ring til Mette Skovlund på tlf. {NUMBER}", user=NUMBER)


async def test_a_leak_that_was_stopped_is_one_critical_incident_that_names_no_value(
    provisioned_bus: ProvisionedBus,
    provision_schema: ProvisionSchema,
    bell: Bell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "master").write_text("ab" * 32)
    (tmp_path / "channels").write_text(bell.address)
    monkeypatch.setenv("SW_REDACTOR_MASTER_KEY_FILE", str(tmp_path / "master"))
    monkeypatch.setenv("SW_WATCH_CHANNELS_FILE", str(tmp_path / "channels"))
    vault, watch = await provision_schema("redactor"), await provision_schema("watch")

    async def incidents() -> list[dict[str, Any]]:
        rows = await watch.admin.fetch("SELECT * FROM watch.incidents_v1")
        return [dict(row) for row in rows]

    async def counted() -> bool:
        return [one["sightings"] for one in await incidents()] == [3]

    async def told() -> bool:
        return bool(bell.messages)

    async with (
        running("watch", provisioned_bus, watch),
        running("redactor", provisioned_bus, vault),
    ):
        await provisioned_bus.publish([leaking()], "gateway")
        await until(told)
        await provisioned_bus.publish([leaking(), leaking()], "gateway")
        await until(counted)

    (incident,) = await incidents()
    assert (incident["rule"], incident["severity"]) == ("leak_stopped", "critical")
    assert incident["about"] == "default/crm"
    (message,) = bell.messages
    assert "types phone" in message["message"]
    assert leak_stopped.ADVICE in message["message"]
    for value in (NUMBER, "Mette", "Skovlund"):
        assert value not in str(message)
        assert value not in str(incident)

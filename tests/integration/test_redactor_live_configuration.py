"""What is put in force, and what is written into the company's lists, counts without a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.redactor.__main__ import wired
from services.redactor.settings import Settings
from shared.bus import Service
from shared.bus.buckets import IN_FORCE, REMARK, Entry, read, replace
from shared.contracts.catalog import known_types, row_of
from shared.contracts.configuration import ConfigurationVersion, Document
from shared.contracts.event import decode
from shared.contracts.requests import RequestRedacted
from shared.contracts.stores import CONFIG
from shared.contracts.values import Sensitivity, now
from tests.fixtures.bus import Bus, eventually, running, submitted
from tests.fixtures.configuration import changed, shipped
from tests.fixtures.configured import Desk
from tests.fixtures.schemas import ProvisionSchema

TEXT = "Kære Mette Skovlund, hvordan går det med Nordlys?"
IN_FORCE_S_MAX = 2.0
LISTED_S_MAX = 5.0
NO_OVERRIDES = "  overrides: []"


def policy(override: str) -> dict[Document, str]:
    return changed(Document.POLICY, NO_OVERRIDES, f"  overrides: [{override}]")


def lowered(until: str) -> str:
    return f"{{ app: crm, to: internal, reason: invented-people, until: {until} }}"


@pytest.fixture
async def replicas(
    bus: Bus, provision_schema: ProvisionSchema, tmp_path: Path
) -> AsyncIterator[list[Service]]:
    """Return two redactors that read their lists from `tmp_path / "lists"`."""
    vault = await provision_schema("redactor")
    (tmp_path / "master").write_text("ab" * 32)
    (tmp_path / "lists").mkdir()
    services = [
        wired(
            Settings(
                nats_url=bus.server.url,
                database_url=SecretStr(vault.url),
                master_key_file=tmp_path / "master",
                dictionaries_folder=tmp_path / "lists",
                replica=f"r{number}",
                http_port=0,
            )
        )
        for number in range(2)
    ]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(*services))
        yield services


async def masked(bus: Bus) -> RequestRedacted:
    """Have a request masked by whichever replica takes it."""
    request = submitted(content=TEXT)
    row = row_of(RequestRedacted)
    subject = f"{row.prefix}.{request.tenant}.{request.app}.{request.request_id}"
    arrived = await bus.client.subscribe(subject, max_msgs=1)
    await bus.client.flush()
    await bus.send(request)
    event = decode((await arrived.next_msg(10)).data, known_types(RequestRedacted))
    assert isinstance(event, RequestRedacted)
    return event


async def masked_by_both(bus: Bus) -> list[RequestRedacted]:
    """Return requests that both replicas have masked; they are sent at once, so that both must."""
    found: list[RequestRedacted] = []
    while {one.redactor for one in found} != {"r0", "r1"}:
        found += await asyncio.gather(*(masked(bus) for _ in range(40)))
    return found


async def test_an_override_is_in_force_in_all_replicas_within_two_seconds_until_its_day(
    bus: Bus, desk: Desk, replicas: list[Service]
) -> None:
    (before, *_) = await masked_by_both(bus)
    assert (before.config_version, before.sensitivity) == ("0", Sensitivity.PERSONAL)

    async with desk.running():
        await eventually(lambda: _is_shown(desk))
        today = now().date()
        reply = await desk.apply(policy(lowered(f"{today}")))
        await asyncio.sleep(IN_FORCE_S_MAX)
        after = await masked_by_both(bus)
        expired = await desk.apply(policy(lowered(f"{today - timedelta(days=1)}")))
        await asyncio.sleep(IN_FORCE_S_MAX)
        (last, *_) = await masked_by_both(bus)

    assert reply.problems == expired.problems == ()
    assert {one.config_version for one in after} == {reply.version}
    assert {one.sensitivity for one in after} == {Sensitivity.INTERNAL}
    for one in after:
        assert one.classification is not None
        assert one.classification.detected is Sensitivity.PERSONAL
        assert one.classification.override == "invented-people"
        assert "Mette" not in one.messages[0].content, "lower is not unmasked"
    assert (last.config_version, last.sensitivity) == (expired.version, Sensitivity.PERSONAL)
    assert last.classification is not None
    assert last.classification.override is None


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("  style: numbered", "  style: nonsense", "masking.style"),
        ("  media: special", "  media: publik", "masking.media"),
        ("  scope_days: 90", "  scope_days: 0", "masking.scope_days"),
        ("  bias: balanced", "  enabled: false", "masking.enabled"),
        (NO_OVERRIDES, "  overrides: [{ app: crm, to: public }]", "masking.overrides"),
        (NO_OVERRIDES, "  overrides: [" + lowered("2026-12-32") + "]", ""),
        (
            NO_OVERRIDES,
            "  overrides: [" + lowered("2026-12-31").replace("to: i", "to: x") + "]",
            "",
        ),
    ],
)
async def test_what_masking_cannot_follow_is_never_put_in_force(
    desk: Desk, old: str, new: str, place: str
) -> None:
    async with desk.running():
        await eventually(lambda: _is_shown(desk))
        reply = await desk.apply(changed(Document.POLICY, old, new))

    assert reply.code is not None
    assert reply.problems
    assert place in reply.problems[0]


async def test_a_version_that_cannot_be_read_leaves_the_one_before_and_is_remarked(
    bus: Bus, replicas: list[Service]
) -> None:
    await _put(bus, shipped() | policy(lowered("2099-01-01")), number=1)
    await eventually(lambda: _are_all_at(bus, Sensitivity.INTERNAL))

    await _put(bus, shipped() | {Document.POLICY: "masking: {style: nonsense}"}, number=2)
    await eventually(lambda: all(REMARK in service.remarks for service in replicas))

    found = await masked(bus)
    assert (found.sensitivity, found.config_version) == (Sensitivity.INTERNAL, f"{1:012x}")
    assert not any(service.problems() for service in replicas)
    assert "nonsense" not in str([service.remarks for service in replicas])


async def test_a_list_counts_in_all_replicas_within_five_seconds(
    bus: Bus, replicas: list[Service], tmp_path: Path
) -> None:
    (before, *_) = await masked_by_both(bus)
    assert "Nordlys" in before.messages[0].content

    tenant = tmp_path / "lists" / "default"
    tenant.mkdir()
    (tenant / "projects.txt").write_text("Nordlys\n")
    await asyncio.sleep(LISTED_S_MAX)
    after = await masked_by_both(bus)

    for one in after:
        assert "Nordlys" not in one.messages[0].content
        assert one.classification is not None
        assert set(one.classification.reasons) == {"person", "project"}

    (tenant / "projects.txt").write_bytes(b"Nordlys\nS\xf8lv\n")
    await eventually(lambda: all("dictionaries" in service.remarks for service in replicas))
    assert "line 2" in replicas[0].remarks["dictionaries"]
    assert "Nordlys" not in (await masked(bus)).messages[0].content


async def _is_shown(desk: Desk) -> bool:
    return await desk.shown() is not None


async def _are_all_at(bus: Bus, level: Sensitivity) -> bool:
    """Return whether both replicas judge so: one that is late would keep another version."""
    return {one.sensitivity for one in await masked_by_both(bus)} == {level}


async def _put(bus: Bus, documents: dict[Document, str], number: int) -> None:
    """Write a version into the bucket past all checks, as an older gateway might."""
    version = ConfigurationVersion(version=f"{number:012x}", number=number, documents=documents)
    entry: Any = await read(bus.client, CONFIG, IN_FORCE)
    value = version.model_dump_json().encode()
    assert await replace(bus.client, CONFIG, IN_FORCE, Entry(value, entry.revision if entry else 0))

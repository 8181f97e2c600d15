"""The configuration is put in force once, by one replica, and the bucket always follows."""

import asyncio
import shutil
from functools import partial
from pathlib import Path

import pytest

from shared.bus.buckets import IN_FORCE
from shared.contracts.catalog import row_of
from shared.contracts.configuration import (
    ConfigApply,
    ConfigPublished,
    ConfigurationVersion,
    Document,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import decode
from shared.contracts.stated import version_of
from shared.contracts.stores import CONFIG
from shared.contracts.values import new_id
from tests.fixtures.bus import Bus, eventually
from tests.fixtures.configuration import SHIPPED, changed, shipped
from tests.fixtures.configured import Desk
from tests.integration.bus.test_buckets import Idle

LIVE_S_MAX = 2.0
READERS = ("router", "billing")
LIMIT = changed(Document.BUDGETS, '"100.00"', '"200.00"')


async def published(bus: Bus) -> list[ConfigPublished]:
    """Return the events that tell of a new version."""
    reading = await bus.js.subscribe(row_of(ConfigPublished).filter, ordered_consumer=True)
    found: list[ConfigPublished] = []
    while (await bus.js.stream_info("SW_META")).state.messages > len(found):
        message = await reading.next_msg(timeout=5)
        found.append(decode(message.data, {ConfigPublished.type_name(): ConfigPublished}))
    await reading.unsubscribe()
    return found


async def shows(desk: Desk, number: int) -> bool:
    shown = await desk.shown()
    return shown is not None and shown.number == number


async def test_two_gateways_that_start_together_seed_once(desk: Desk) -> None:
    async with desk.running(desk.gateway(), desk.gateway()):
        await eventually(lambda: shows(desk, 1), within_s=LIVE_S_MAX)

        assert await desk.rows() == [(1, "seed", "first-start")]
        shown = await desk.shown()
        assert shown is not None
        assert shown.documents == shipped()
        assert shown.version == version_of(shipped())


async def test_the_folder_only_seeds(desk: Desk, tmp_path: Path) -> None:
    async with desk.running():
        await desk.apply(LIMIT)
    for one in Document:
        shutil.copy(SHIPPED / one, tmp_path / one)

    async with desk.running(desk.gateway(tmp_path)):
        found = await desk.read()

    assert found.found is not None
    assert found.found.number == 2


async def test_a_change_is_kept_shown_and_told(desk: Desk) -> None:
    async with desk.running():
        before = (await desk.read()).found
        assert before is not None
        reply = await desk.apply(LIMIT, reason="more-letters")

        await eventually(lambda: shows(desk, 2), within_s=LIVE_S_MAX)
        found, old = await desk.read(), await desk.read(before.version)
        told = [event for event in await published(desk.bus) if event.number == 2]

    assert (reply.code, reply.number) == (None, 2)
    assert found.found is not None
    assert found.found.version == reply.version
    assert found.found.documents == shipped() | LIMIT
    assert (found.actor, found.applied_for) == ("operator", "more-letters")
    assert old.found == before
    (event,) = told
    assert (event.replaces, event.changed) == (before.version, (Document.BUDGETS,))


async def test_gateways_that_apply_at_once_number_every_version(desk: Desk) -> None:
    limits = [changed(Document.BUDGETS, '"100.00"', f'"{100 + each}.00"') for each in range(1, 9)]
    async with desk.running(desk.gateway(), desk.gateway()):
        replies = await asyncio.gather(*(desk.apply(documents) for documents in limits))
        await eventually(lambda: shows(desk, 9), within_s=LIVE_S_MAX)

    assert sorted(reply.number for reply in replies) == list(range(2, 10))
    assert [number for number, _, _ in await desk.rows()] == list(range(1, 10))


async def test_of_two_changes_that_expect_the_same_version_one_is_a_conflict(desk: Desk) -> None:
    async with desk.running(desk.gateway(), desk.gateway()):
        found = (await desk.read()).found
        assert found is not None
        other = changed(Document.BUDGETS, '"100.00"', '"50.00"')
        replies = await asyncio.gather(
            desk.apply(LIMIT, expected=found.version), desk.apply(other, expected=found.version)
        )

    assert {reply.code for reply in replies} == {None, ErrorCode.CONFLICT}
    assert {reply.number for reply in replies} == {2}


async def test_the_same_documents_again_are_the_same_version(desk: Desk) -> None:
    async with desk.running():
        first = await desk.apply(LIMIT)
        again = await desk.apply(LIMIT)

    assert (again.version, again.number) == (first.version, first.number)
    assert len(await desk.rows()) == 2


async def test_a_command_that_comes_again_later_changes_nothing(desk: Desk) -> None:
    command = ConfigApply(id=new_id(), documents=LIMIT, actor="operator")
    async with desk.running():
        first = await desk.apply({}, command)
        await desk.apply(shipped())
        again = await desk.apply({}, command)

    assert again == first
    assert len(await desk.rows()) == 3


async def test_invalid_documents_change_nothing_and_every_problem_is_told(desk: Desk) -> None:
    broken = {
        Document.MODELS: shipped()[Document.MODELS].replace('"0.05"', '"0.0000005"'),
        Document.POLICY: shipped()[Document.POLICY].replace("quality-first", "Quality First"),
    }
    async with desk.running():
        mixed = await desk.apply(broken)
        unknown = await desk.apply(
            changed(Document.POLICY, "[local-default, local-small]", "[local-default, gone]")
        )
        found = await desk.read()

    assert mixed.code is unknown.code is ErrorCode.INVALID_REQUEST
    assert mixed.version == unknown.version == version_of(shipped())
    assert [problem.split()[0] for problem in mixed.problems] == ["policy.yaml"]
    assert "default.reason" in mixed.problems[0]
    assert "Quality" not in mixed.problems[0]
    assert any("names model gone" in problem for problem in unknown.problems)
    assert found.found is not None
    assert found.found.number == 1


async def test_a_bucket_that_was_restored_empty_is_filled_again(desk: Desk) -> None:
    async with desk.running(desk.gateway(), desk.gateway()):
        await desk.apply(LIMIT)
        await eventually(lambda: shows(desk, 2))
        await desk.bus.js.purge_stream(CONFIG.stream)
        assert await desk.shown() is None
        await eventually(lambda: shows(desk, 2), within_s=5)


async def test_whatever_else_stands_in_the_bucket_gives_way_to_the_database(desk: Desk) -> None:
    async with desk.running():
        await eventually(lambda: shows(desk, 1))
        await desk.bus.js.publish(CONFIG.subject(IN_FORCE), b"no configuration")
        await asyncio.sleep(0)

        async def is_back() -> bool:
            try:
                return await shows(desk, 1)
            except ValueError:
                return False

        await eventually(is_back, within_s=5)


# Trap 14: a key-value watch is stale for ten to twenty seconds after a restart of the server.
async def test_a_change_right_after_a_restart_of_the_bus_is_seen_by_every_replica(
    desk: Desk,
) -> None:
    seen: list[list[int]] = [[], []]
    readers = [desk.bus.service(name, replica=f"r{each}") for each, name in enumerate(READERS)]
    for numbers, reader in zip(seen, readers, strict=True):
        reader.configured(partial(_note, numbers))
        reader.part(Idle())
    services = [desk.gateway(), desk.gateway(), *readers]
    async with desk.running(*services):
        await eventually(lambda: seen == [[1], [1]], within_s=5)
        await asyncio.to_thread(desk.bus.server.kill)
        desk.bus.server.start()
        await eventually(lambda: all(service.connection.is_up for service in services))
        await eventually(lambda: desk.bus.client.is_connected)
        reply = await desk.apply(LIMIT)
        await eventually(lambda: seen == [[1, 2], [1, 2]], within_s=LIVE_S_MAX)

    assert reply.number == 2


async def _note(numbers: list[int], version: ConfigurationVersion) -> None:
    numbers.append(version.number)


async def test_a_crash_between_the_two_writes_is_made_good_at_the_next_start(desk: Desk) -> None:
    async with desk.running():
        await eventually(lambda: shows(desk, 1))
    documents = shipped() | LIMIT
    await desk.schema.admin.execute(
        "INSERT INTO gateway.config_version (number, version, documents, actor, reason)"
        " SELECT 2, $1, documents || jsonb_build_object('budgets.yaml', $2::text), 'x', 'y'"
        " FROM gateway.config_version",
        version_of(documents),
        documents[Document.BUDGETS],
    )
    async with desk.running():
        assert await shows(desk, 2)


@pytest.mark.parametrize("folder_is_broken", [True, False])
async def test_without_a_version_it_is_not_ready_and_says_why(
    desk: Desk, tmp_path: Path, *, folder_is_broken: bool
) -> None:
    if folder_is_broken:
        for one in Document:
            shutil.copy(SHIPPED / one, tmp_path / one)
        (tmp_path / "policy.yaml").write_text("residency: {}", encoding="utf-8")
    gateway = desk.gateway(tmp_path)
    serving = asyncio.create_task(gateway.serve())
    await eventually(lambda: "configuration" in gateway.problems())
    said = gateway.problems()["configuration"]

    reply = await desk.apply(LIMIT)
    whole = await desk.apply(shipped())
    await eventually(lambda: not gateway.problems(), within_s=5)
    gateway.stop()
    await serving

    assert ("policy.yaml" if folder_is_broken else "cannot be read") in said
    assert "send it too" in reply.problems[0]
    assert whole.number == 1

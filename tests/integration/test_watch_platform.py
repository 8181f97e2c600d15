"""A provider dies under the whole platform: one incident, one message; it is back: resolved."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import LOOPBACK, free_port
from stellwerk.client import Client
from stellwerk.errors import Failed
from tests.fixtures.bells import Bell
from tests.fixtures.bus import eventually
from tests.fixtures.platform import Platform, Process, start_platform

pytestmark = pytest.mark.timeout(90)

TEXT = "Skriv til kunden, at varmepumpen kommer på fredag."
REPOSITORY = Path(__file__).parents[2]
RESOLVED_S_MAX = 30.0


@dataclass
class House:
    """A platform with two local model servers and a channel; `run` is the command line."""

    platform: Platform
    large: Process
    bell: Bell

    def client(self) -> Client:
        return self.platform.client()

    async def ask(self, client: Client, model: str, times: int) -> int:
        """Return how many of the requests failed."""
        failed = 0
        for _ in range(times):
            try:
                await client.complete(TEXT, model=model)
            except Failed:
                failed += 1
        return failed

    async def incidents(self) -> list[Any]:
        return await self.platform.query("SELECT * FROM watch.incidents_v1 ORDER BY opened_at")

    async def until_resolved(self, client: Client, model: str) -> None:
        async def is_over() -> bool:
            await self.ask(client, model, times=1)
            return all(one["state"] == "resolved" for one in await self.incidents())

        await eventually(is_over, RESOLVED_S_MAX)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        state = {
            "supervisor": os.getpid(),
            "nats": {"url": self.platform.nats.address},
            "postgres": {"url": f"postgresql://{LOOPBACK}:{self.platform.postgres.port}/stellwerk"},
        }
        (self.platform.folder / "state.json").write_text(json.dumps(state))
        return subprocess.run(
            [sys.executable, "-m", "stellwerk", "incident", *arguments],
            cwd=REPOSITORY,
            env={"STELLWERK_DATA": str(self.platform.folder), "PATH": "", "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            timeout=25,
            check=False,
        )


@pytest.fixture(scope="module")
def house(module_bell: Bell) -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="stellwerk-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        channels = folder / "channels"
        channels.write_text(f"# the night shift\n{module_bell.address}\n")
        large, small = model_server(folder, "large"), model_server(folder, "small")
        platform = start_platform(
            folder,
            SW_WATCH_CHANNELS_FILE=str(channels),
            SW_WATCH_SETTLED_S="1",
            SW_WATCH_END_EVERY_S="0.5",
            SW_WATCH_NOTIFY_EVERY_S="0.2",
            SW_ROUTER_REST_S="0.1",
            SW_ROUTER_LOCAL_URL=address_of(large),
            SW_ROUTER_LOCAL_SMALL_URL=address_of(small),
        )
        yield House(platform, large, module_bell)
        platform.stop()
        for server in (large, small):
            server.kill()


def model_server(folder: Path, name: str) -> Process:
    port = free_port()
    command = ["deploy.local.scripted", "--port", str(port), "--record", str(folder / name)]
    server = Process(
        name,
        [sys.executable, "-m", *command],
        {},
        f"http://{LOOPBACK}:{port}/calls",
        folder / f"{name}.log",
    )
    server.start()
    server.wait_ready()
    return server


def address_of(server: Process) -> str:
    return server.ready_url.replace("/calls", "/v1")


async def test_a_killed_provider_without_a_fallback_is_one_incident_and_one_message(
    house: House,
) -> None:
    provider = house.platform.processes["scripted"]
    incident = await a_death_and_a_return(house, provider, "scripted", 40)
    # Every request failed, which is critical; that is the same incident all the same.
    assert (incident["about"], incident["severity"]) == ("scripted", "critical")
    assert incident["cause"] == "unreachable"


async def test_a_killed_provider_with_a_fallback_is_one_incident_and_one_message(
    house: House,
) -> None:
    incident = await a_death_and_a_return(house, house.large, "auto", 0)
    assert (incident["about"], incident["severity"]) == ("local", "warning")


async def a_death_and_a_return(
    house: House, provider: Process, model: str, failed: int
) -> dict[str, Any]:
    """Kill a provider and start it again; return the one incident that this makes."""
    before, told_before = len(await house.incidents()), len(house.bell.messages)
    async with house.client() as client:
        assert await house.ask(client, model, times=3) == 0
        # Some requests are being answered when it dies, and must not be another incident.
        async with asyncio.TaskGroup() as group:
            for _ in range(30):
                group.create_task(house.ask(client, model, times=2))
            await asyncio.sleep(0.1)
            provider.kill()
        assert await house.ask(client, model, times=40) == failed

        await eventually(opened(house, before + 1))
        await eventually(lambda: len(house.bell.messages) > told_before)
        provider.start()
        provider.wait_ready()
        await house.until_resolved(client, model)

    await eventually(lambda: len(house.bell.messages) > told_before + 1)
    # Whether it was critical by the time it was told depends on how many had failed by then.
    opening, end = (title.split()[1] for title in titles(house, told_before))
    assert (opening in {"warning:", "critical:"}, end) == (True, "resolved:")
    [incident] = (await house.incidents())[before:]
    await eventually(recorded(house, incident["incident_id"]))
    return dict(incident)


def opened(house: House, count: int) -> Callable[[], Any]:
    async def is_so() -> bool:
        return len(await house.incidents()) >= count

    return is_so


def titles(house: House, since: int) -> list[str]:
    return [str(message["title"]) for message in house.bell.messages[since:]]


def recorded(house: House, incident_id: object) -> Callable[[], Any]:
    async def is_so() -> bool:
        kinds = await house.platform.query(
            "SELECT type FROM audit.entry WHERE encode(payload, 'escape') LIKE $1",
            f"%{incident_id}%",
        )
        return {kind["type"].split(".")[-2] for kind in kinds} == {"opened", "resolved"}

    return is_so


async def test_the_command_line_lists_acknowledges_resolves_and_tests(house: House) -> None:
    told_before = len(house.bell.messages)
    async with house.client() as client:
        house.platform.script(mode="503")
        await house.ask(client, "scripted", times=1)
        house.platform.script(mode=None)

    async def is_listed() -> bool:
        return bool(json.loads(house.run("list", "--json").stdout)["incidents"])

    await eventually(is_listed)
    [incident] = json.loads(house.run("list", "--json").stdout)["incidents"]
    short = incident["incident_id"][:8]
    assert short in house.run("list").stdout
    assert "taken care of by operator" in house.run("ack", short, "--reason", "on-call").stdout
    assert "is over since" in house.run("resolve", incident["incident_id"]).stdout
    assert house.run("list").stdout == "No incident is open.\n"
    assert short in house.run("list", "--all").stdout
    await eventually(lambda: len(house.bell.messages) == told_before + 2)
    assert house.run("test").stdout == "1 of 1 channels took the test message.\n"

    assert len(house.bell.messages) == told_before + 3
    house.bell.status = 500
    ran = house.run("test", "--json")
    house.bell.status = 200
    assert (ran.returncode, json.loads(ran.stdout)) == (1, {"delivered": 0, "failed": 1})


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("ack", "Mette"), 2, "no incident id"),
        (("ack", "ffffffffffff"), 1, "begins with ffffffffffff"),
        (("resolve", "01977c0e-0000-7000-8000-000000000000"), 1, "incident list --all"),
        (("resolve", "ffff", "--reason", "Mette ringede"), 2, "one word in small letters"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    house: House, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    ran = house.run(*arguments)
    assert ran.returncode == code, ran.stderr
    assert sentence in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "Mette" not in ran.stderr

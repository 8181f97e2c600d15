"""The shipped configuration with every provider's address led to a server that speaks its wire.

The local models are the scripted provider's. All else, names, routes and rules, is what ships.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from deploy.local.ports import LOOPBACK
from shared.contracts.configuration import Document
from stellwerk.client import Client
from stellwerk.errors import NoAnswer
from tests.fixtures.configuration import shipped
from tests.fixtures.platform import Platform
from tests.fixtures.wires.base import wire_of
from tests.fixtures.wires.server import WireServer, wire_server

REPOSITORY = Path(__file__).parents[2]
LIVE_S_MAX = 5.0
AGREED = {"reference": "DPA 2026-17", "signed": "2026-01-01", "expires": None}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def wires() -> Iterator[WireServer]:
    """Run a server for all wires in a thread, for all tests of a module."""
    ready, started, over = threading.Event(), [], asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with wire_server() as server:
            started.append(server)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(5)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(5)
        loop.close()


def shipped_at(server: WireServer, platform: Platform, folder: Path) -> dict[Document, str]:
    """Return the shipped documents with their addresses led to servers that exist."""
    documents = shipped()
    models = yaml.safe_load(documents[Document.MODELS])
    house = f"http://{LOOPBACK}:{platform.scripted_port}/v1"
    for provider in models["providers"].values():
        provider.pop("key", None)
        provider.pop("key_file", None)
        if provider.get("local"):
            provider["base_url"] = house
            continue
        wire = wire_of(provider["wire"])
        key = folder / f"{wire.name}.key"
        key.write_text(wire.key, encoding="utf-8")
        provider |= {"base_url": server.base_url(wire), "key_file": str(key)}
        provider["options"] = dict(wire.options)
    models["models"]["local-small"]["base_url"] = house
    models["providers"]["bedrock-eu"]["dpa"] = AGREED
    return documents | {Document.MODELS: yaml.safe_dump(models, sort_keys=False)}


def runner(platform: Platform) -> Run:
    """Return a function that runs `stellwerk` beside the platform."""
    state = {
        "supervisor": os.getpid(),
        "nats": {"url": platform.nats.address},
        "postgres": {"url": f"postgresql://{LOOPBACK}:{platform.postgres.port}/stellwerk"},
    }
    (platform.folder / "state.json").write_text(json.dumps(state))
    environment = {"STELLWERK_DATA": str(platform.folder), "PATH": "", "PYTHONPATH": "."}

    def stellwerk(*arguments: str, columns: int = 80) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "stellwerk", *arguments],
            cwd=REPOSITORY,
            env=environment | {"COLUMNS": str(columns)},
            capture_output=True,
            text=True,
            timeout=25,
            check=False,
        )

    return stellwerk


def applied(run: Run, folder: Path, documents: Mapping[Document, str], reason: str) -> str:
    """Put documents in force and return the version's name."""
    for document, text in documents.items():
        (folder / document).write_text(text, encoding="utf-8")
    ran = run("policy", "apply", str(folder), "--reason", reason, "--json")
    assert ran.returncode == 0, ran.stderr
    version: str = json.loads(ran.stdout)["version"]
    return version


async def until_it_counts(client: Client, version: str) -> None:
    """Return once requests are decided under a version."""
    async with asyncio.timeout(LIVE_S_MAX):
        while True:
            try:
                answer = await client.complete("Hej.", model="cheap-summary")
            except NoAnswer:
                continue
            if answer.config_version == version:
                return


def with_route(documents: Mapping[Document, str], *path: str, **route: Any) -> dict[Document, str]:
    """Return documents where one route of the policy says something else."""
    policy = yaml.safe_load(documents[Document.POLICY])
    place = policy
    for name in path:
        place = place[name]
    place |= route
    return {**documents, Document.POLICY: yaml.safe_dump(policy, sort_keys=False)}

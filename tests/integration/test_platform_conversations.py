"""Conversations on the whole platform: two redactors as processes, one placeholder a person."""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.contracts.catalog import OPERATOR
from shared.contracts.values import derived_id
from shared.contracts.vault import (
    EraseReply,
    RotateReply,
    SubjectErase,
    SubjectErased,
    VaultRotate,
)
from stellwerk import verify
from stellwerk.answer import Answer
from stellwerk.client import Client
from stellwerk.errors import Failed
from stellwerk.operator import Operator
from tests.fixtures.bus import eventually
from tests.fixtures.platform import Platform

pytestmark = pytest.mark.timeout(120)

CONVERSATIONS, TURNS = 50, 10
PEOPLE = ("Anders Hansen", "Karen Hansen", "Hansen, Anders", "KAREN HANSEN", "Xenia Brixholm")
WHO = (0, 1, 0, 1, 2)
SEEN = re.compile(r"varmepumpe (\d+), notat (\d): (Klient_\d+) ringede")


@pytest.fixture(scope="module", autouse=True)
def two_redactors(platform: Platform) -> None:
    platform.add_replica("redactor", 2)


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[Client]:
    platform.script(text=None)
    async with platform.client() as opened:
        yield opened


def received(platform: Platform) -> str:
    """Return what has reached the provider; before the first call there is no file."""
    return platform.record.read_text(encoding="utf-8") if platform.record.exists() else ""


def cpu_s(platform: Platform) -> float:
    """Return the CPU time that both redactors have used."""
    ticks = 0
    for name in ("redactor", "redactor-2"):
        fields = Path(f"/proc/{platform.processes[name].pid}/stat").read_text().rsplit(")")[1]
        ticks += sum(map(int, fields.split()[11:13]))
    return ticks / 100


async def test_500_turns_at_once_in_50_conversations_share_nothing(
    platform: Platform, client: Client
) -> None:
    async def speak(conversation: int, at: int) -> Answer:
        which = at % len(PEOPLE)
        text = f"Vedr. varmepumpe {conversation}, notat {which}: {PEOPLE[which]} ringede i går."
        name = f"many-{conversation}"
        return await client.complete(text, model="scripted", conversation_id=name, timeout_s=90)

    began, used = time.monotonic(), cpu_s(platform)
    turns = [speak(one, at) for at in range(TURNS) for one in range(CONVERSATIONS)]
    answers = await asyncio.gather(*turns)

    took, used = time.monotonic() - began, cpu_s(platform) - used
    line = (
        f"{len(answers) / took:.0f} turns/s, redactors {used / len(answers) * 1000:.2f} ms a turn"
    )
    print(line)  # noqa: T201  Timings are printed, not asserted.
    assert all(answer.unresolved_count == 0 for answer in answers)
    placeholders: dict[tuple[str, int], set[str]] = {}
    for conversation, which, code in SEEN.findall(received(platform)):
        placeholders.setdefault((conversation, WHO[int(which)]), set()).add(code)
    assert len(placeholders) == CONVERSATIONS * 3
    assert all(len(codes) == 1 for codes in placeholders.values()), "a person has two"
    for conversation in range(CONVERSATIONS):
        codes = [placeholders[str(conversation), who] for who in range(3)]
        assert set.union(*codes) == {"Klient_001", "Klient_002", "Klient_003"}, "two share one"


async def test_twelve_turns_with_two_of_one_surname_over_a_restart_and_a_stream(
    platform: Platform, client: Client
) -> None:
    said = (
        ("Anders Hansen har klaget.", "Klient_001 har klaget."),
        ("Karen Hansen har også klaget.", "Klient_002 har også klaget."),
        ("Hvad skrev Hansen?", "Hvad skrev Klient_002?"),
        ("Og hvad svarede Anders?", "Og hvad svarede Klient_001?"),
        ("Hansens svar kom for sent.", "Klient_001s svar kom for sent."),
        ("Skriv til Hansen, Karen.", "Skriv til Klient_002."),
        ("Hr. A. Hansen ringede.", "Hr. Klient_001 ringede."),
        ("Mette Skovlund ringede.", "Klient_003 ringede."),
        ("Hvad sagde hun til Hansen?", "Hvad sagde hun til Klient_001?"),
        ("KAREN HANSEN skal have besked.", "Klient_002 skal have besked."),
        ("Fru Skovlund og fru Hansen mødes.", "Fru Klient_003 og fru Klient_002 mødes."),
        ("Tak, Karen.", "Tak, Klient_002."),
    )
    names = {"001": "Anders Hansen", "002": "Karen Hansen", "003": "Mette Skovlund"}
    for number, (text, seen) in enumerate(said):
        if number == len(said) // 2:
            for name in ("redactor", "redactor-2"):
                process = platform.processes[name]
                process.stop()
                process.start()
                await asyncio.to_thread(process.wait_ready)
        platform.script(text=f"Svar: {seen}", chunk_delay_ms=2)
        stream = client.stream(text, model="scripted", conversation_id="twelve")
        pieces = [piece async for piece in stream]
        answer = await stream.answer()

        expected = re.sub(r"Klient_(\d+)", lambda match: names[match[1]], f"Svar: {seen}")
        assert "".join(pieces) == answer.text == expected
        assert json.dumps(seen, ensure_ascii=False)[1:-1] in received(platform)


async def test_an_erased_person_is_restored_no_more_and_the_record_verifies(
    platform: Platform, client: Client
) -> None:
    before = received(platform).count("Klient_001 ringede om")
    platform.script(text="Kære Klient_001.", latency_ms=1500)
    waiting = [
        asyncio.create_task(
            client.complete(f"{name} ringede om {what}.", model="scripted", conversation_id=what)
        )
        for name, what in (("Xenia Brixholm", "varme"), ("Mette Skovlund", "vand"))
    ]
    await eventually(lambda: received(platform).count("Klient_001 ringede om") >= before + 2)

    async with Operator(platform.found) as operator:
        command = SubjectErase(actor=OPERATOR, reason="art-17", values=("Xenia Brixholm",))
        reply = await operator.ask(command, EraseReply)
        again = await operator.ask(command, EraseReply)

    assert reply.entries == again.entries >= 1
    with pytest.raises(Failed):
        await waiting[0]
    assert (await waiting[1]).text == "Kære Mette Skovlund."
    platform.script(latency_ms=0)

    event_id = derived_id(command.id, SubjectErased.kind)

    async def is_recorded() -> bool:
        return bool(await platform.query("SELECT 1 FROM audit.entry WHERE event_id = $1", event_id))

    await eventually(is_recorded)
    verdict = await verify.verify(platform.service_url("audit"))
    assert verdict.intact, verdict.as_text()


async def test_keys_are_changed_while_traffic_flows(platform: Platform, client: Client) -> None:
    async def speak(at: int) -> str:
        text = f"Xenia Brixholm ringede, notat {at}."
        name = f"rotated-{at % 5}"
        answer = await client.complete(text, model="scripted", conversation_id=name)
        return answer.text

    platform.script(text="Kære Klient_001.")
    talking = [asyncio.create_task(speak(at)) for at in range(60)]
    async with Operator(platform.found) as operator:
        replies = [await operator.ask(VaultRotate(actor=OPERATOR), RotateReply) for _ in range(3)]

    assert set(await asyncio.gather(*talking)) == {"Kære Xenia Brixholm."}
    versions = await platform.query("SELECT version FROM vault.tenant_key")
    assert [row["version"] for row in versions] == [replies[-1].version]


async def test_the_command_line_erases_and_rotates_and_says_what_is_out_of_reach(
    platform: Platform, client: Client
) -> None:
    platform.script(text="Kære Klient_001.")
    asked = "Karen Holm ringede om flytning."
    await client.complete(asked, model="scripted", case_id="flytning")

    erased = await told(platform, "audit", "erase", "Karen Holm")
    again = json.loads(await told(platform, "audit", "erase", "Karen Holm", "--json"))
    rotated = json.loads(await told(platform, "vault", "rotate", "--json"))

    assert "the keys of 1 value in 1 case or conversation" in erased
    assert "7 days" in erased
    assert (again["entries"], again["reason"]) == (0, "art-17")
    assert rotated["version"] > 1


async def told(platform: Platform, *words: str) -> str:
    """Return what a command prints."""
    named = {
        "STELLWERK_NATS_URL": platform.nats.address,
        "STELLWERK_SECRETS": str(platform.folder / "secrets"),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stellwerk", *words),
        env={**os.environ, **named},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()

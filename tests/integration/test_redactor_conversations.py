"""Cases and conversations on a real vault: one placeholder a person, over turns and replicas."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.redactor.handlers import Redactor
from services.redactor.settings import Settings
from services.redactor.vault.erasing import Erasing
from services.redactor.vault.keyring import DatabaseKeyring
from services.redactor.vault.rotating import Rotating
from services.redactor.vault.scopes import Scopes
from services.redactor.vault.sealing import unseal
from services.redactor.vault.subjects import Subjects
from services.redactor.vault.tenants import TenantKeys
from shared.contracts.completions import (
    ChunkProduced,
    CompletionProduced,
    CompletionRestored,
    FinishReason,
    Outcome,
    TokenUsage,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted, RequestSubmitted
from shared.contracts.values import new_id, now
from shared.contracts.vault import (
    EraseReply,
    LookupReply,
    RotateReply,
    SubjectErase,
    SubjectErased,
    SubjectLookup,
    VaultRotate,
)
from shared.db import Database
from tests.fixtures.bus import submitted
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.unit.redactor.masking import masker

MASTER = bytes.fromhex("ab" * 32)


class Replica:
    """A redactor with nothing in memory, on the vault that all share."""

    def __init__(self, database: Database, folder: Path, name: str = "r1") -> None:
        (folder / "master").write_text(MASTER.hex())
        settings = Settings(master_key_file=folder / "master", replica=name)
        self.keys, subjects = TenantKeys(MASTER), Subjects(MASTER)
        self.scopes = Scopes(database, MASTER, self.keys, subjects)
        self.published: list[Event] = []
        self.erasing = Erasing(database, subjects, self._publish)
        self.rotating = Rotating(database, self.keys)
        keyring = DatabaseKeyring(database, MASTER)
        self.redactor = Redactor(masker(), keyring, self.scopes, settings)

    async def _publish(self, events: Sequence[Event]) -> None:
        self.published += events

    async def mask(self, *requests: RequestSubmitted) -> list[RequestRedacted]:
        events = await self.redactor.requests_submitted(requests)
        return [event for event in events if isinstance(event, RequestRedacted)]

    async def says(self, text: str, **data: Any) -> str:
        """Return one turn as the router sees it."""
        (event,) = await self.mask(turn(text, **data))
        return event.messages[0].content

    async def answer(self, redacted: RequestRedacted, text: str) -> CompletionRestored:
        (event,) = await self.redactor.completions_finished([produced(redacted, text)])
        assert isinstance(event, CompletionRestored)
        return event


def turn(text: str, **data: Any) -> RequestSubmitted:
    return submitted(content=text, **({"conversation_id": "c-1"} | data))


def produced(redacted: RequestRedacted, text: str) -> CompletionProduced:
    event = CompletionProduced.following(
        redacted,
        text=text,
        finish_reason=FinishReason.STOP,
        model="small",
        provider="scripted",
        usage=TokenUsage(input_tokens=1, output_tokens=1),
        cost_nano=1,
        currency="EUR",
        attempts=1,
    )
    return event.as_received(now(), redacted.sealed, b"")


@pytest.fixture
async def vault(provision_schema: ProvisionSchema) -> AsyncIterator[ProvisionedSchema]:
    schema = await provision_schema("redactor")
    database = Database(SecretStr(schema.url), schema="vault")
    yield replace(schema, database=database)
    await database.close()


@pytest.fixture
def first(vault: ProvisionedSchema, tmp_path: Path) -> Replica:
    return Replica(vault.database, tmp_path)


@pytest.fixture
def second(vault: ProvisionedSchema, tmp_path: Path) -> Replica:
    return Replica(vault.database, tmp_path, "r2")


async def test_twelve_turns_over_two_replicas_keep_two_persons_of_one_surname_apart(
    first: Replica, second: Replica
) -> None:
    said = [
        ("Anders Hansen har klaget over sin regning.", "Klient_001 har klaget over sin regning."),
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
    ]
    for number, (text, seen) in enumerate(said):
        assert await (first, second)[number % 2].says(text) == seen


async def test_a_fuller_name_replaces_the_stored_one_and_keeps_its_placeholder(
    first: Replica, second: Replica
) -> None:
    (short,) = await first.mask(turn("Hr. Brixholm ringede."))
    assert await second.says("Xenia Brixholm er vred.") == "Klient_001 er vred."

    assert (await first.answer(short, "Kære Klient_001")).text == "Kære Xenia Brixholm"


async def test_other_values_are_found_again_without_the_words_around_them(
    first: Replica, second: Replica
) -> None:
    await first.says("Mit tlf. er 40 28 11 93.")

    assert await second.says("Var det 402/81193?") == "Var det Telefon_001?"


@pytest.mark.parametrize(
    "other",
    [{"app": "hr"}, {"conversation_id": "c-2"}, {"case_id": "c-1"}, {"conversation_id": None}],
)
async def test_no_other_scope_knows_anybody(first: Replica, other: dict[str, Any]) -> None:
    await first.says("Karen Holm og Xenia Brixholm.")

    assert await first.says("Xenia Brixholm ringede.", **other) == "Klient_001 ringede."


async def test_a_case_goes_before_its_conversations(first: Replica) -> None:
    await first.says("Karen Holm og Xenia Brixholm.", case_id="s-7", conversation_id="c-1")

    again = await first.says("Xenia Brixholm.", case_id="s-7", conversation_id="c-2")

    assert again == "Klient_002."


async def test_a_turn_that_is_delivered_again_is_masked_to_the_same_bytes(
    first: Replica, second: Replica
) -> None:
    await first.says("Anders Hansen skrev.")
    request = turn("Hansen ringede. Karen Hansen svarede, og Hansen lagde på.")
    (once,) = await first.mask(request)
    await first.says("Mette Holm har nu sagen.")

    for replica in (first, second):
        (again,) = await replica.mask(request)
        assert again.messages == once.messages
        assert (again.id, again.subjects) == (once.id, once.subjects)
    assert once.messages[0].content.startswith("Klient_001 ringede. Klient_002 svarede")


async def test_numbers_go_on_past_999_and_are_never_given_again(
    first: Replica, second: Replica
) -> None:
    await first.says("Karen Holm ringede.")
    for start in range(0, 1000, 100):
        await first.says(" ".join(f"p{at}@eksempel.dk" for at in range(start, start + 100)))
    assert await second.says("Skriv til x@eksempel.dk.") == "Skriv til Email_1001."

    erased = await second.erasing.subjects_erase(
        [SubjectErase(actor="operator", values=("x@eksempel.dk",))]
    )
    assert [(one.entries, one.scopes) for one in erased.replies if isinstance(one, EraseReply)] == [
        (1, 1)
    ]
    assert await first.says("Skriv til x@eksempel.dk.") == "Skriv til Email_1002."


async def test_only_placeholders_of_the_request_are_restored(first: Replica) -> None:
    await first.says("Karen Holm og Xenia Brixholm ringede.")
    (asked,) = await first.mask(turn("Hvad vil Brixholm?"))

    result = await first.answer(asked, "Klient_002 vil det samme som Klient_001.")

    assert result.text == "Xenia Brixholm vil det samme som Klient_001."
    assert result.unresolved_count == 1


async def test_the_envelope_of_a_turn_holds_no_value(
    first: Replica, vault: ProvisionedSchema
) -> None:
    (asked,) = await first.mask(turn("Xenia Brixholm ringede."))

    epoch, key = await DatabaseKeyring(vault.database, MASTER).current(now().timestamp())
    envelope = unseal({epoch: key}, asked.sealed or "", asked.request_id)

    assert (len(envelope.mapping), envelope.codes) == (0, ("Klient_001",))


async def test_many_turns_at_once_agree(first: Replica, second: Replica) -> None:
    people = ["Anders Hansen", "Karen Hansen", "Xenia Brixholm", "Mette Skovlund"]

    async def speak(at: int) -> tuple[str, str, str]:
        name, conversation = people[at % 4], f"c-{at // 4 % 5}"
        text = await (first, second)[at % 2].says(f"{name} ringede.", conversation_id=conversation)
        return conversation, name, text.removesuffix(" ringede.")

    said = set(await asyncio.gather(*(speak(at) for at in range(80))))

    assert len(said) == 20, "one placeholder for each person of each conversation"
    assert len({(conversation, code) for conversation, _, code in said}) == 20
    assert all(re.fullmatch(r"Klient_00[1-4]", code) for _, _, code in said)


async def test_no_table_holds_a_value_or_the_name_of_a_case(
    first: Replica, vault: ProvisionedSchema
) -> None:
    await first.says("Xenia Brixholm, CPR 010190-1234.", case_id="sag-4711")

    for table in ("scope", "entry", "tenant_key", "erasure"):
        rows = await vault.admin.fetch(f"SELECT t::text AS row FROM vault.{table} t")
        text = " ".join(row["row"] for row in rows)
        for value in ("Brixholm", "brixholm", "010190", "sag-4711", b"Brixholm".hex()):
            assert value not in text


async def test_an_erased_person_is_not_restored_by_anyone(first: Replica, second: Replica) -> None:
    (asked,) = await first.mask(turn("Karen Holm og Xenia Brixholm ringede."))
    (other,) = await second.mask(turn("Hvad sagde Karen Holm?"))
    assert (await first.answer(asked, "Klient_002")).text == "Xenia Brixholm"

    command = SubjectErase(actor="operator", reason="art-17", values=("Xenia Brixholm",))
    replies = [(await one.erasing.subjects_erase([command])).replies for one in (second, first)]

    assert [reply.entries for (reply,) in replies if isinstance(reply, EraseReply)] == [1, 1]
    for replica in (first, second):
        result = await replica.answer(asked, "Klient_002")
        assert (result.outcome, result.text) == (Outcome.FAILED, None)
        assert (await replica.answer(other, "Klient_001")).text == "Karen Holm"


async def test_a_stream_of_an_erased_person_is_broken_off(first: Replica) -> None:
    asked, other = await first.mask(
        turn("Xenia Brixholm ringede.", stream=True),
        turn("Karen Holm ringede.", stream=True, conversation_id="c-2"),
    )
    await first.redactor.look_at_streams()
    command = SubjectErase(actor="operator", values=("Xenia Brixholm",))
    await first.erasing.subjects_erase([command])

    await first.redactor.look_at_streams()
    chunks = [
        ChunkProduced.following(one, redactor="r1", sequence=0, text="Kære Klient_001. ")
        for one in (asked, other)
    ]
    broken, whole = await first.redactor.chunks_produced(chunks)

    assert (broken.end, broken.code, broken.text) == (True, ErrorCode.STREAM_BROKEN, "")
    assert whole.text == "Kære Karen Holm. "


async def test_whole_scopes_are_erased_with_everything_in_them(
    first: Replica, vault: ProvisionedSchema
) -> None:
    await first.says("Karen Holm og Xenia Brixholm, tlf. 40 28 11 93.")
    await first.says("Karen Holm.", conversation_id="c-2")

    command = SubjectErase(actor="operator", values=("Xenia Brixholm",), whole_scopes=True)
    (reply,) = (await first.erasing.subjects_erase([command])).replies

    assert isinstance(reply, EraseReply)
    assert (reply.entries, reply.scopes) == (3, 1)
    assert await vault.admin.fetchval("SELECT count(*) FROM vault.entry") == 1


async def test_a_lookup_finds_whole_names_under_the_hashes_of_the_record(first: Replica) -> None:
    (asked,) = await first.mask(turn("Anders Bo Hansen og Karen Hansen, tlf. 40 28 11 93."))

    async def look(*values: str) -> LookupReply:
        command = SubjectLookup(actor="operator", values=values)
        (reply,) = (await first.erasing.subjects_lookup([command])).replies
        assert isinstance(reply, LookupReply)
        return reply

    anders = next(one for one in asked.subjects if one.placeholder == "Klient_001")
    found = await look("Anders Hansen")
    assert (found.entries, found.scopes) == (1, 1)
    assert set(found.hmacs) & set(anders.hmacs)
    assert (await look("Hansen")).entries == 2
    assert (await look("+45 40 28 11 93")).entries == 1
    assert (await look("Bo Andersen")).entries == 0


async def test_as_many_values_as_a_command_takes_are_all_erased(first: Replica) -> None:
    numbers = tuple(f"40 28 11 {at}" for at in range(10, 26))
    await first.says(" ".join(f"Tlf. {number}." for number in numbers))

    command = SubjectErase(actor="operator", values=numbers)
    (reply,) = (await first.erasing.subjects_erase([command])).replies
    await first.erasing.announce()

    assert isinstance(reply, EraseReply)
    assert reply.entries == 16
    (event,) = first.published
    assert isinstance(event, SubjectErased)


async def test_an_erasure_is_announced_by_whoever_is_still_alive(
    first: Replica, second: Replica
) -> None:
    await first.says("Xenia Brixholm ringede.")
    command = SubjectErase(actor="operator", reason="art-17", values=("Xenia Brixholm",))
    await first.erasing.subjects_erase([command])

    await second.erasing.announce()
    await second.erasing.announce()

    (event,) = second.published
    assert isinstance(event, SubjectErased)
    assert (event.cause, event.reason, event.entries) == (command.id, "art-17", 1)
    assert "Brixholm" not in event.model_dump_json()


async def test_a_new_key_seals_everything_and_the_old_one_is_destroyed(
    first: Replica, second: Replica, vault: ProvisionedSchema, tmp_path: Path
) -> None:
    (asked,) = await first.mask(turn("Karen Holm og Xenia Brixholm ringede."))
    before = await vault.admin.fetchval("SELECT wrapped FROM vault.tenant_key")
    command = VaultRotate(actor="operator")

    async def talk() -> None:
        for at in range(40):
            await (first, second)[at % 2].says(f"p{at}@eksempel.dk", conversation_id=f"c-{at}")

    talking = asyncio.create_task(talk())
    replies = [
        (await first.rotating.vaults_rotate([one])).replies[0]
        for one in (command, command, VaultRotate(actor="operator"))
    ]
    await talking

    versions = [reply.version for reply in replies if isinstance(reply, RotateReply)]
    assert versions == [2, 2, 3]
    rows = await vault.admin.fetch("SELECT version, wrapped FROM vault.tenant_key")
    assert [row["version"] for row in rows] == [3]
    assert rows[0]["wrapped"] != before
    third = Replica(vault.database, tmp_path, "r3")
    for replica in (first, second, third):
        assert (await replica.answer(asked, "Klient_002")).text == "Xenia Brixholm"


async def test_a_scope_that_nobody_uses_is_forgotten(
    first: Replica, vault: ProvisionedSchema
) -> None:
    await first.says("Karen Holm og Xenia Brixholm.")
    await first.says("Mette Skovlund.", conversation_id="c-2")
    last_day = now().date() + timedelta(days=90)

    await first.scopes.tidy(last_day)
    assert await vault.admin.fetchval("SELECT count(*) FROM vault.scope") == 2
    await first.scopes.tidy(last_day + timedelta(days=1))

    assert await vault.admin.fetchval("SELECT count(*) FROM vault.entry") == 0
    assert await first.says("Xenia Brixholm.") == "Klient_001."


async def test_a_row_that_was_moved_does_not_open(
    first: Replica, second: Replica, vault: ProvisionedSchema
) -> None:
    await first.says("Karen Holm og Xenia Brixholm.")
    await vault.admin.execute(
        "UPDATE vault.entry e SET sealed = o.sealed, wrapped = o.wrapped FROM vault.entry o"
        " WHERE e.code = 'Klient_001' AND o.code = 'Klient_002'"
    )

    with pytest.raises(ValueError, match="do not open"):
        await second.says("Hvem er det?", request_id=new_id())

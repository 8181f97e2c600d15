"""Cases and conversations on a real vault: one placeholder a person, over turns and replicas."""

import asyncio
import re
from typing import Any

import pytest

from services.redactor.vault.keyring import DatabaseKeyring
from services.redactor.vault.sealing import unseal
from shared.contracts.values import new_id, now
from shared.contracts.vault import (
    EraseReply,
    SubjectErase,
)
from tests.fixtures.replica import MASTER, Replica, turn
from tests.fixtures.schemas import ProvisionedSchema


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

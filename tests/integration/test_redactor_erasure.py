"""What the vault forgets: persons by erasure, keys by rotation, scopes by age."""

import asyncio
from datetime import timedelta
from pathlib import Path

from shared.contracts.completions import (
    ChunkProduced,
    Outcome,
)
from shared.contracts.errors import ErrorCode
from shared.contracts.values import now
from shared.contracts.vault import (
    EraseReply,
    LookupReply,
    RotateReply,
    SubjectErase,
    SubjectErased,
    SubjectLookup,
    VaultRotate,
)
from tests.fixtures.replica import Replica, turn
from tests.fixtures.schemas import ProvisionedSchema


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


async def test_a_stream_that_begins_while_the_vault_is_looked_at_goes_on(first: Replica) -> None:
    (one,) = await first.mask(turn("Karen Holm ringede.", stream=True))
    asked = [turn(f"Xenia Brixholm, nr. {at}", stream=True, case_id=f"{at}") for at in range(16)]

    masking = asyncio.create_task(first.mask(*asked))
    while not masking.done():
        await first.redactor.look_at_streams()
    others = await masking
    await first.redactor.look_at_streams()

    assert all(other.request_id in first.redactor.streams for other in (one, *others))


async def test_no_name_of_a_function_keeps_an_erased_person(
    first: Replica, vault: ProvisionedSchema
) -> None:
    tools = [{"name": "mail_karen_holm"}]
    await first.mask(turn("Karen Holm og Xenia Brixholm ringede.", tools=tools))
    assert "literal" in await _types(vault)

    command = SubjectErase(actor="operator", values=("Karen Holm",))
    await first.erasing.subjects_erase([command])

    assert await _types(vault) == ["person"]


async def _types(vault: ProvisionedSchema) -> list[str]:
    return [row["type"] for row in await vault.admin.fetch("SELECT type FROM vault.entry")]


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

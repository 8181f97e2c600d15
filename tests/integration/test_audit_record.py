"""The audit record in a real PostgreSQL: appended once, proved, and broken in every way we know."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from services.audit import handlers
from services.audit.domain import proves_inclusion
from shared.contracts.access import Role as AccessRole
from shared.contracts.completions import CompletionProduced, FinishReason, Outcome, TokenUsage
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event, encode
from shared.contracts.records import RecordRead, RecordReply
from shared.contracts.requests import Message, RequestRedacted, RequestRefused, Role
from shared.contracts.usage import Decision, UsageRecorded
from shared.contracts.values import Sensitivity, new_id
from shared.db import unseen
from stellwerk import verify
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema

SUPER = AccessRole.SUPER_ADMIN
TEXT = "Skriv til Klient_001 om den forsinkede pakke."


@dataclass(frozen=True)
class Audit:
    """Audit's handlers on a database, called as the bus calls them."""

    schema: ProvisionedSchema

    async def take(self, events: Sequence[Event]) -> None:
        async with self.schema.database.transaction() as tx:
            fresh = await unseen(tx, [event.id for event in events])
            new = [event for event in events if event.id in fresh]
            if new:
                assert await handlers.events_recorded(new, tx) == ()

    async def read(self, *commands: RecordRead) -> list[RecordReply]:
        async with self.schema.database.transaction() as tx:
            answered = await handlers.record_read(commands, tx)
        assert not answered.events
        return [RecordReply.model_validate(reply.model_dump()) for reply in answered.replies]

    async def verify(self) -> verify.Verdict:
        return await verify.verify(self.schema.url)

    async def tamper(self, *statements: str) -> None:
        """Change the tables as someone with every right would: no trigger stops them."""
        await self.schema.admin.execute("SET session_replication_role = replica")
        for statement in statements:
            await self.schema.admin.execute(statement)


@pytest.fixture
async def audit(provision_schema: ProvisionSchema) -> Audit:
    return Audit(await provision_schema("audit"))


def redacted(request_id: UUID | None = None, user: str | None = "u-17") -> RequestRedacted:
    return RequestRedacted(
        tenant="default",
        app="letters",
        request_id=request_id or new_id(),
        messages=(Message(role=Role.USER, content=TEXT),),
        user=user,
        sensitivity=Sensitivity.PERSONAL,
        fingerprint="0" * 64,
        deadline=datetime(2026, 11, 24, 9, tzinfo=UTC),
        redactor="r1",
    )


def refused(request: RequestRedacted) -> RequestRefused:
    return RequestRefused.following(request, code=ErrorCode.BUDGET_EXHAUSTED, user=request.user)


async def recorded(audit: Audit, count: int, batch: int = 100) -> list[RequestRedacted]:
    events = [redacted() for _ in range(count)]
    for start in range(0, count, batch):
        await audit.take(events[start : start + batch])
    return events


async def test_every_event_becomes_one_leaf_without_gap(audit: Audit) -> None:
    events = await recorded(audit, 300, batch=37)

    rows = await audit.schema.admin.fetch("SELECT index, event_id, user_id FROM audit.entry")
    verdict = await audit.verify()

    assert [row["index"] for row in rows] == list(range(300))
    assert [row["event_id"] for row in rows] == [event.id for event in events]
    assert {row["user_id"] for row in rows} == {"u-17"}
    assert (verdict.leaves, verdict.checkpoints, verdict.intact) == (300, 9, True)
    assert "300 leaves, root " in verdict.as_text()
    assert "Self-attested" in verdict.as_text()


async def test_an_empty_record_is_intact(audit: Audit) -> None:
    assert (await audit.verify()).intact


async def test_an_event_is_recorded_as_it_stood_on_the_bus(audit: Audit) -> None:
    event = redacted()
    payload = encode(event, "redactor").replace(b'"data":{', b'"data":{"added_next_year":1,')

    await audit.take([event.as_received(event.time, None, payload)])

    assert await audit.schema.admin.fetchval("SELECT payload FROM audit.entry") == payload


async def test_an_event_that_comes_again_is_not_recorded_again(audit: Audit) -> None:
    event = redacted()
    await audit.take([event, event])
    await audit.take([event])
    # The inbox forgets after some days; the record does not.
    await audit.schema.admin.execute("DELETE FROM audit.inbox")
    await audit.take([event, redacted()])

    verdict = await audit.verify()

    assert (verdict.leaves, verdict.intact) == (2, True)


async def test_replicas_append_side_by_side_without_gap(audit: Audit) -> None:
    await asyncio.gather(*(recorded(audit, 40, batch=5) for _ in range(6)))

    verdict = await audit.verify()

    times = await audit.schema.admin.fetch("SELECT recorded_at FROM audit.entry ORDER BY index")
    assert (verdict.leaves, verdict.intact) == (240, True)
    assert times == sorted(times)


async def test_a_rolled_back_batch_leaves_nothing(audit: Audit) -> None:
    await recorded(audit, 3)

    with pytest.raises(ZeroDivisionError):
        await die_before_the_commit(audit)
    await recorded(audit, 2)

    verdict = await audit.verify()
    assert (verdict.leaves, verdict.intact) == (5, True)


async def die_before_the_commit(audit: Audit) -> None:
    async with audit.schema.database.transaction() as tx:
        await handlers.events_recorded([redacted()], tx)
        _ = 1 // 0


async def test_a_request_is_read_with_proofs_that_hold(audit: Audit) -> None:
    await recorded(audit, 700)
    asked = redacted()
    await audit.take([asked])
    await recorded(audit, 20)
    await audit.take([refused(asked)])

    (reply,) = await audit.read(RecordRead(actor="anna", role=SUPER, request_id=asked.request_id))

    assert [entry.index for entry in reply.entries] == [700, 721]
    assert [entry.envelope["type"] for entry in reply.entries] == [
        "eu.stellwerk.request.redacted.v1",
        "eu.stellwerk.request.refused.v1",
    ]
    assert reply.tree_size == 723
    assert reply.root_hash is not None
    root = bytes.fromhex(reply.root_hash)
    for entry in reply.entries:
        leaf, proof = bytes.fromhex(entry.leaf_hash), tuple(map(bytes.fromhex, entry.proof))
        assert proves_inclusion(leaf, entry.index, reply.tree_size, proof, root)
    assert (await audit.verify()).root == reply.root_hash


async def test_a_look_is_recorded_once_with_who_and_why(audit: Audit) -> None:
    asked = redacted()
    await audit.take([asked])
    look = RecordRead(actor="anna", role=SUPER, reason="complaint-12", request_id=asked.request_id)

    first, second = await audit.read(look, look)
    (third,) = await audit.read(look)

    assert first.entries == second.entries == third.entries
    assert [entry.event_id for entry in first.entries] == [asked.id]
    rows = await audit.schema.admin.fetch(
        "SELECT * FROM audit.entry WHERE type = 'eu.stellwerk.access.read.v1'"
    )
    (row,) = rows
    assert (row["event_id"], row["user_id"], row["tenant"]) == (look.id, "anna", "default")
    said = json.loads(row["payload"])["data"]
    assert said == {
        "request_id": str(asked.request_id),
        "actor": "anna",
        "reason": "complaint-12",
        "role": "super_admin",
        "denied": False,
    }
    assert (await audit.verify()).intact


async def test_nothing_is_recorded_of_an_unknown_request_but_the_look(audit: Audit) -> None:
    (reply,) = await audit.read(RecordRead(actor="anna", role=SUPER, request_id=new_id()))

    assert (reply.entries, reply.tree_size, reply.code) == ((), 1, None)


async def test_a_record_too_large_for_a_reply_is_cut_with_a_code(audit: Audit) -> None:
    request_id = new_id()
    await audit.take([redacted(request_id) for _ in range(handlers.ENTRIES_MAX + 3)])

    (reply,) = await audit.read(RecordRead(actor="anna", role=SUPER, request_id=request_id))

    assert len(reply.entries) == handlers.ENTRIES_MAX
    assert reply.code is ErrorCode.TOO_LARGE


async def test_an_answered_interaction_names_model_and_provider(audit: Audit) -> None:
    asked = redacted()
    named = {"model": "local-default", "provider": "local"}
    usage = TokenUsage(input_tokens=9, output_tokens=3)
    answered = CompletionProduced.following(
        asked,
        text=TEXT,
        finish_reason=FinishReason.STOP,
        usage=usage,
        cost_nano=4,
        currency="EUR",
        attempts=1,
        **named,
    )
    settled = UsageRecorded.following(
        answered,
        outcome=Outcome.COMPLETION,
        decision=Decision(candidates=(), rule="default"),
        usage=usage,
        sensitivity=Sensitivity.PERSONAL,
        use_case="letters",
        **named,
    )
    await audit.take([settled, asked, answered])

    (row,) = await audit.schema.admin.fetch("SELECT * FROM audit.interactions_v1")

    assert (row["outcome"], row["code"], row["use_case"]) == ("completion", None, "letters")
    assert (row["model"], row["provider"], row["entries"]) == ("local-default", "local", 3)


async def test_an_interaction_is_one_row_for_analysts_without_text(audit: Audit) -> None:
    ended, waiting = redacted(), redacted(user=None)
    await audit.take([ended, refused(ended), waiting])
    await audit.read(RecordRead(actor="anna", role=SUPER, request_id=ended.request_id))

    rows = await audit.schema.admin.fetch("SELECT * FROM audit.interactions_v1")

    by_request = {row["request_id"]: row for row in rows}
    assert len(by_request) == 2
    row = by_request[ended.request_id]
    assert (row["outcome"], row["code"], row["entries"]) == ("refused", "budget_exhausted", 2)
    assert (row["tenant"], row["app"], row["user_id"]) == ("default", "letters", "u-17")
    assert by_request[waiting.request_id]["outcome"] is None
    assert not any(TEXT in str(value) for row in rows for value in row.values())


async def test_analysts_may_not_read_text_or_salts(audit: Audit) -> None:
    await recorded(audit, 1)
    admin = audit.schema.admin

    await admin.execute("SET ROLE stellwerk_reader")

    assert await admin.fetchval("SELECT count(*) FROM audit.interactions_v1") == 1
    assert await admin.fetchval("SELECT count(*) FROM audit.checkpoint_v1") == 1
    for private in ("leaf_v1", "entry", "node"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await admin.fetch(f"SELECT * FROM audit.{private}")


@pytest.mark.parametrize("table", ["entry", "node", "checkpoint"])
async def test_the_service_itself_cannot_change_what_is_recorded(audit: Audit, table: str) -> None:
    await recorded(audit, 1)

    async with audit.schema.database.transaction() as tx:
        with pytest.raises(asyncpg.RaiseError, match=f"the table {table} is append-only"):
            await tx.execute(f"DELETE FROM {table}")


FLIP = "UPDATE audit.entry SET {0} = set_byte({0}, 5, get_byte({0}, 5) # 1) WHERE index = 41"
SWAP = (
    "UPDATE audit.entry SET index = 10041 WHERE index = 41",
    "UPDATE audit.entry SET index = 41 WHERE index = 57",
    "UPDATE audit.entry SET index = 57 WHERE index = 10041",
)
TAMPERINGS = {
    "a flipped byte": ([FLIP.format("payload")], 41, "it is not what was recorded"),
    "a flipped salt": ([FLIP.format("salt")], 41, "it is not what was recorded"),
    "a flipped hash": ([FLIP.format("leaf_hash")], 41, "it is not what was recorded"),
    "another user": (
        ["UPDATE audit.entry SET user_id = 'u-2' WHERE index = 41"],
        41,
        "it is not what was recorded",
    ),
    "no user": (
        ["UPDATE audit.entry SET user_id = NULL WHERE index = 41"],
        41,
        "it is not what was recorded",
    ),
    "another request": (
        ["UPDATE audit.entry SET request_id = gen_random_uuid() WHERE index = 41"],
        41,
        "it is not what was recorded",
    ),
    "another time": (
        ["UPDATE audit.entry SET recorded_at = recorded_at - interval '1 us' WHERE index = 41"],
        41,
        "it is not what was recorded",
    ),
    "a removed row": (["DELETE FROM audit.entry WHERE index = 41"], 41, "it is missing"),
    "three removed rows": (
        ["DELETE FROM audit.entry WHERE index BETWEEN 41 AND 43"],
        41,
        "it and all to 43 are missing",
    ),
    "two swapped rows": ([*SWAP], 41, "it is not what was recorded"),
    "a cut tail": (
        ["DELETE FROM audit.entry WHERE index >= 95"],
        95,
        "it and all to 99 are missing: the last checkpoint holds 100 leaves",
    ),
    "everything removed": (
        ["TRUNCATE audit.entry"],
        0,
        "it and all to 99 are missing: the last checkpoint holds 100 leaves",
    ),
    "a changed checkpoint": (
        ["UPDATE audit.checkpoint SET root = sha256(root) WHERE tree_size = 40"],
        39,
        "the checkpoint at 40 leaves was changed",
    ),
    "a cut tail of checkpoints": (
        ["DELETE FROM audit.checkpoint WHERE tree_size > 90"],
        90,
        "no checkpoint covers the leaves from here to 99",
    ),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
async def test_a_changed_record_is_found_and_the_place_named(audit: Audit, tampering: str) -> None:
    await recorded(audit, 100, batch=10)
    statements, index, what = TAMPERINGS[tampering]

    await audit.tamper(*statements)

    verdict = await audit.verify()
    assert not verdict.intact
    assert verdict.first_bad_index == index
    assert verify.Fault(index, what) in verdict.faults
    assert f"at leaf {index}: {what}" in verdict.as_text()


async def test_a_row_replaced_with_its_hash_is_found_by_the_next_checkpoint(audit: Audit) -> None:
    await recorded(audit, 100, batch=10)
    row = dict(await audit.schema.admin.fetchrow("SELECT * FROM audit.leaf_v1 WHERE index = 41"))
    forged = row | {"payload": b"{}"}

    await audit.tamper("UPDATE audit.entry SET payload = '{}' WHERE index = 41")
    await audit.schema.admin.execute(
        "UPDATE audit.entry SET leaf_hash = $1 WHERE index = 41", verify.leaf_hash(forged)
    )

    verdict = await audit.verify()
    assert verdict.faults == [
        verify.Fault(40, "it or a later one before 50 was replaced together with its hash")
    ]


async def test_many_faults_are_counted_and_the_first_shown(audit: Audit) -> None:
    await recorded(audit, 100)

    await audit.tamper("UPDATE audit.entry SET payload = ''")

    verdict = await audit.verify()
    assert (verdict.faults_total, len(verdict.faults)) == (100, verify.FAULTS_MAX)
    assert "… and 80 more" in verdict.as_text()
    assert json.loads(verdict.as_json())["first_bad_index"] == 0


def test_a_record_that_cannot_be_read_is_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code = verify.audit_verify(f"postgresql:///audit?host={tmp_path}")

    assert exit_code == verify.UNCHECKED
    assert "could not be read" in capsys.readouterr().out

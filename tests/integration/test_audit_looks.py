"""Who may look at the record, and what is published of it without any text."""

import json

import pytest

from shared.contracts.access import Role
from shared.contracts.catalog import OPERATOR
from shared.contracts.completions import Outcome, TokenUsage
from shared.contracts.errors import ErrorCode
from shared.contracts.records import RecordRead
from shared.contracts.requests import MaskedSubject, RequestRefused
from shared.contracts.usage import Candidate, Decision, UsageRecorded
from shared.contracts.values import Sensitivity
from tests.fixtures.schemas import ProvisionSchema
from tests.integration.test_audit_record import TEXT, Audit, redacted, refused


@pytest.fixture
async def audit(provision_schema: ProvisionSchema) -> Audit:
    return Audit(await provision_schema("audit"))


async def looks(audit: Audit) -> list[dict[str, object]]:
    rows = await audit.schema.admin.fetch(
        "SELECT payload FROM audit.entry WHERE type = 'eu.stellwerk.access.read.v1' ORDER BY index"
    )
    return [json.loads(row["payload"])["data"] for row in rows]


@pytest.mark.parametrize(
    ("actor", "role"),
    [
        ("letters", Role.READ_ONLY),
        ("letters", Role.POWER_USER),
        ("ops", Role.ADMINISTRATOR),
        # An app may be called like the operator: its role decides.
        (OPERATOR, Role.ADMINISTRATOR),
        # A caller that forgot to say for whom it asks is not the operator.
        ("ops", None),
    ],
)
async def test_who_may_not_look_gets_nothing_and_the_look_is_recorded(
    audit: Audit, actor: str, role: Role | None
) -> None:
    asked = redacted()
    await audit.take([asked])

    (reply,) = await audit.read(
        RecordRead(actor=actor, role=role, reason="curious", request_id=asked.request_id)
    )

    assert (reply.code, reply.entries, reply.root_hash) == (ErrorCode.FORBIDDEN, (), None)
    (look,) = await looks(audit)
    assert (look["actor"], look["role"], look["denied"]) == (actor, role, True)
    assert (await audit.verify()).intact


@pytest.mark.parametrize(("actor", "role"), [("board", Role.SUPER_ADMIN), (OPERATOR, None)])
async def test_who_may_look_gets_the_entries_and_the_look_is_recorded(
    audit: Audit, actor: str, role: Role | None
) -> None:
    asked = redacted()
    await audit.take([asked])

    (reply,) = await audit.read(RecordRead(actor=actor, role=role, request_id=asked.request_id))

    assert [entry.event_id for entry in reply.entries] == [asked.id]
    (look,) = await looks(audit)
    assert (look["actor"], look["role"], look["denied"]) == (actor, role, False)


async def test_the_views_tell_counts_reasons_and_refusals_but_no_text(audit: Audit) -> None:
    subjects = (
        MaskedSubject(placeholder="Klient_001", type="person"),
        MaskedSubject(placeholder="Klient_002", type="person"),
        MaskedSubject(placeholder="CPR_001", type="cpr"),
    )
    asked = redacted().model_copy(update={"subjects": subjects})
    usage = UsageRecorded.following(
        asked,
        outcome=Outcome.REFUSED,
        code=ErrorCode.POLICY_RESIDENCY,
        sensitivity=Sensitivity.PERSONAL,
        usage=TokenUsage(input_tokens=0, output_tokens=0),
        decision=Decision(
            rule="eu-only",
            candidates=(
                Candidate(model="far", provider="far-away", rank=0, excluded_by="residency"),
                Candidate(model="near", provider="near-by", rank=1),
            ),
        ),
    )
    never_masked = RequestRefused.following(redacted(), code=ErrorCode.LEAK_CHECK)
    await audit.take([asked, usage, refused(asked), never_masked])

    admin = audit.schema.admin
    (masking,) = await admin.fetch("SELECT * FROM audit.maskings_v1")
    decisions = await admin.fetch("SELECT * FROM audit.decisions_v1 ORDER BY rank")
    refusals = await admin.fetch("SELECT * FROM audit.refusals_v1 ORDER BY recorded_at, code")

    assert (masking["values_masked"], masking["kinds"]) == (3, ["cpr", "person"])
    assert [(row["model"], row["excluded_by"]) for row in decisions] == [
        ("far", "residency"),
        ("near", None),
    ]
    assert {row["rule"] for row in decisions} == {"eu-only"}
    assert {row["code"] for row in refusals} == {"budget_exhausted", "leak_check"}
    published = str([*masking.values(), *(list(row.values()) for row in [*decisions, *refusals])])
    assert TEXT not in published
    assert "Klient_001" not in published

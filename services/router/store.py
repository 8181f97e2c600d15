"""The SQL of the call ledger: three statements for whatever waits, and a slow path for repeats.

A request is claimed before its first call and ended after its last. Whoever claims one that has
ended gets its end; whoever claims one that has not gets the calls that somebody made for it.
"""
# ruff: noqa: S608 -- every statement is composed of constants of this file and of rows.py.

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from asyncpg import Record

from services.router import rows
from services.router.rows import Claim, End, Ending, Start, attempt_of
from shared.contracts.usage import Attempt
from shared.db import Transaction

FORGOTTEN_AT_ONCE_MAX: Final = 5_000

_CLAIM: Final = f"""
    WITH asked AS (
        SELECT * FROM {rows.CLAIM.given()}
    ), claimed AS (
        INSERT INTO request_call (request_id, fingerprint)
        SELECT request_id, fingerprint FROM asked
        ON CONFLICT (request_id) DO NOTHING RETURNING request_id
    ), started AS (
        INSERT INTO attempt ({rows.START.names})
        SELECT {rows.START.names} FROM asked JOIN claimed USING (request_id) WHERE id IS NOT NULL
    )
    SELECT request_id FROM claimed
"""
_KNOWN: Final = """
    SELECT request_id, fingerprint, ended_at IS NOT NULL AS ended, answer, usage
    FROM request_call WHERE request_id = ANY($1::uuid[]) ORDER BY request_id FOR UPDATE
"""
_ATTEMPTS: Final = (
    "SELECT * FROM attempt WHERE request_id = ANY($1::uuid[]) ORDER BY started_at, id"
)
_START: Final = f"""
    INSERT INTO attempt ({rows.START.names}) SELECT * FROM {rows.START.given()}
    ON CONFLICT (id) DO NOTHING
"""
_HEARD: Final = f"""
    UPDATE attempt SET {rows.HEARD.assigned} FROM {rows.HEARD.given()} WHERE attempt.id = given.id
"""
# The decision is taken out of the usage as it will be published, so both say the same. An event
# that is no JSON would be a bug; the requests that end beside it are not made to suffer for it.
_END: Final = f"""
    WITH heard AS ({_HEARD}), ended AS (
        UPDATE request_call SET ended_at = now(), outcome = given.outcome,
            answer = given.answer, usage = given.usage
        FROM {rows.END.given(len(rows.HEARD) + 1)}
        WHERE request_call.request_id = given.request_id AND ended_at IS NULL
        RETURNING given.*
    ), decided AS (
        INSERT INTO decision (request_id, tenant, app, use_case, operation, sensitivity, outcome,
            code, rule, reason, strategy, complexity, duty, model, provider, region, residency,
            first_model, first_provider, fallback_cause, cost_nano, currency, config_version,
            candidates)
        SELECT ended.request_id, tenant, app, use_case, operation, sensitivity, ended.outcome,
            code, decision ->> 'rule', decision ->> 'reason', decision ->> 'strategy',
            (decision ->> 'complexity')::real, decision ->> 'duty', model, provider, region,
            residency, first_model, first_provider, fallback_cause, cost_nano, currency,
            config_version, decision -> 'candidates'
        FROM ended CROSS JOIN LATERAL
            jsonb_to_record(convert_from(ended.usage, 'UTF8')::jsonb -> 'data') AS told (
                tenant text, app text, use_case text, operation text, sensitivity text, code text,
                model text, provider text, cost_nano bigint, config_version text, decision jsonb
            )
        WHERE ended.usage IS JSON OBJECT
        ON CONFLICT (request_id) DO NOTHING
    )
    SELECT request_id FROM ended
"""
_FORGET: Final = """
    UPDATE request_call SET answer = NULL, usage = NULL WHERE request_id IN (
        SELECT request_id FROM request_call
        WHERE claimed_at < now() - make_interval(secs => $1) AND answer IS NOT NULL LIMIT $2
    )
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the ledger knew of a request before it was claimed.

    `conflict`: it is another request under the same id, or one whose answer has been erased.
    """

    ending: Ending | None = None
    conflict: bool = False
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One call has ended, and perhaps the next is about to be made."""

    heard: Attempt | None
    start: Start | None


async def claim(tx: Transaction, claims: Sequence[Claim]) -> Sequence[Claimed]:
    """Claim requests and start their first calls; return what was known of each."""
    first: dict[UUID, Claim] = {}
    for one in claims:
        first.setdefault(one.request_id, one)
    fresh = {
        row["request_id"]
        for row in await tx.fetch(_CLAIM, *rows.CLAIM.arrays(map(rows.claim_row, first.values())))
    }
    # The same request twice in one group: the second meets what the first has just begun.
    again = [one for one in claims if one is not first[one.request_id]]
    again += [one for one in first.values() if one.request_id not in fresh]
    known = await _known(tx, again) if again else {}
    return [known.get(id(one), Claimed()) for one in claims]


async def step(tx: Transaction, steps: Sequence[Step]) -> Sequence[None]:
    """Note how calls ended and which come next."""
    heard = [one.heard for one in steps if one.heard is not None]
    if heard:
        await tx.execute(_HEARD, *rows.HEARD.arrays(map(rows.heard_row, heard)))
    starts = [one.start for one in steps if one.start is not None]
    if starts:
        await tx.execute(_START, *rows.START.arrays(map(rows.start_row, starts)))
    return [None] * len(steps)


async def end(tx: Transaction, ends: Sequence[End]) -> Sequence[Ending]:
    """Write how requests ended; where somebody was faster, return what that one wrote."""
    heard = [attempt for one in ends for attempt in one.attempts]
    written = {
        row["request_id"]
        for row in await tx.fetch(
            _END,
            *rows.HEARD.arrays(map(rows.heard_row, heard)),
            *rows.END.arrays(map(rows.end_row, ends)),
        )
    }
    late = [one.request_id for one in ends if one.request_id not in written]
    if not late:
        return [one.ending for one in ends]
    earlier = {
        row["request_id"]: Ending(row["answer"], row["usage"])
        for row in await tx.fetch(_KNOWN, late)
        if row["answer"] is not None
    }
    return [earlier.get(one.request_id, one.ending) for one in ends]


async def forget(tx: Transaction, older_than_s: float) -> None:
    """Erase answers that no stream could deliver a question to any more; the rows stay."""
    await tx.execute(_FORGET, older_than_s, FORGOTTEN_AT_ONCE_MAX)


async def _known(tx: Transaction, claims: Sequence[Claim]) -> dict[int, Claimed]:
    """Return what is known of requests that were claimed before; start the calls of open ones."""
    ids = sorted({one.request_id for one in claims})
    calls = {row["request_id"]: row for row in await tx.fetch(_KNOWN, ids)}
    attempts: dict[UUID, list[Record]] = {}
    for row in await tx.fetch(_ATTEMPTS, ids):
        attempts.setdefault(row["request_id"], []).append(row)
    found = {
        id(one): _claimed(one, calls[one.request_id], attempts.get(one.request_id, ()))
        for one in claims
    }
    starts = [
        one.start
        for one in claims
        if one.start is not None and found[id(one)].ending is None and not found[id(one)].conflict
    ]
    if starts:
        await tx.execute(_START, *rows.START.arrays(map(rows.start_row, starts)))
    return found


def _claimed(one: Claim, row: Record, attempts: Iterable[Record]) -> Claimed:
    if row["fingerprint"] != one.fingerprint or (row["ended"] and row["answer"] is None):
        return Claimed(conflict=True)
    if row["ended"]:
        return Claimed(ending=Ending(row["answer"], row["usage"]))
    # After a lost connection the same claim comes again: its own call is no unknown one.
    own = one.start.id if one.start is not None else None
    return Claimed(attempts=tuple(attempt_of(found) for found in attempts if found["id"] != own))

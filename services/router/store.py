"""The SQL of the call ledger: three statements for whatever waits, and a slow path for repeats.

A request is claimed before its first call and ended after its last. Whoever claims one that has
ended gets its end; whoever claims one that has not gets the calls that somebody made for it.
"""
# ruff: noqa: S608 -- every statement is composed of constants of this file.

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from asyncpg import Record

from shared.contracts.completions import Outcome
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.db import Transaction

FORGOTTEN_AT_ONCE_MAX: Final = 5_000

_STARTED: Final = "id, request_id, model, provider, input_tokens_max, output_tokens_max"
_CLAIM: Final = f"""
    WITH asked AS (
        SELECT * FROM unnest(
            $1::uuid[], $2::bytea[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::int[]
        ) AS asked (
            request_id, fingerprint, id, model, provider, input_tokens_max, output_tokens_max
        )
    ), claimed AS (
        INSERT INTO request_call (request_id, fingerprint)
        SELECT request_id, fingerprint FROM asked
        ON CONFLICT (request_id) DO NOTHING RETURNING request_id
    ), started AS (
        INSERT INTO attempt ({_STARTED})
        SELECT {_STARTED} FROM asked JOIN claimed USING (request_id) WHERE id IS NOT NULL
    )
    SELECT request_id FROM claimed
"""
_KNOWN: Final = """
    SELECT request_id, fingerprint, ended_at IS NOT NULL AS ended, answer, usage
    FROM request_call WHERE request_id = ANY($1::uuid[]) ORDER BY request_id FOR UPDATE
"""
_ATTEMPTS: Final = f"""
    SELECT {_STARTED}, outcome, error_class, duration_ms, first_token_ms, input_tokens,
        output_tokens
    FROM attempt WHERE request_id = ANY($1::uuid[]) ORDER BY started_at, id
"""
_START: Final = f"""
    INSERT INTO attempt ({_STARTED})
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[])
    ON CONFLICT (id) DO NOTHING
"""
_HEARD: Final = """
    UPDATE attempt SET outcome = heard.outcome, error_class = heard.error_class,
        duration_ms = heard.duration_ms, first_token_ms = heard.first_token_ms,
        input_tokens = heard.input_tokens, output_tokens = heard.output_tokens
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::int[], $5::int[], $6::int[], $7::int[]
    ) AS heard (
        id, outcome, error_class, duration_ms, first_token_ms, input_tokens, output_tokens
    )
    WHERE attempt.id = heard.id
"""
_END: Final = f"""
    WITH heard AS ({_HEARD})
    UPDATE request_call SET ended_at = now(), outcome = ended.outcome,
        answer = ended.answer, usage = ended.usage
    FROM unnest($8::uuid[], $9::text[], $10::bytea[], $11::bytea[])
        AS ended (request_id, outcome, answer, usage)
    WHERE request_call.request_id = ended.request_id AND ended_at IS NULL
    RETURNING request_call.request_id
"""
_FORGET: Final = """
    UPDATE request_call SET answer = NULL, usage = NULL WHERE request_id IN (
        SELECT request_id FROM request_call
        WHERE claimed_at < now() - make_interval(secs => $1) AND answer IS NOT NULL LIMIT $2
    )
"""


@dataclass(frozen=True, slots=True)
class Start:
    """A call that is about to be made, with what it can cost at most."""

    id: UUID
    request_id: UUID
    model: str
    provider: str
    input_tokens_max: int
    output_tokens_max: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A request about to be worked on. `start` is its first call, if one is to be made."""

    request_id: UUID
    fingerprint: bytes
    start: Start | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ended: the two events that tell of it, as they stand on the bus."""

    answer: bytes = field(repr=False)
    usage: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the ledger knew of a request before it was claimed.

    `conflict`: it is another request under the same id, or one whose answer has been erased.
    """

    ending: Ending | None = None
    conflict: bool = False
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """A request's end, with all its calls."""

    request_id: UUID
    outcome: Outcome
    ending: Ending
    attempts: tuple[Attempt, ...]


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
    fresh = {row["request_id"] for row in await tx.fetch(_CLAIM, *_claim_arrays(first.values()))}
    # The same request twice in one group: the second meets what the first has just begun.
    again = [one for one in claims if one is not first[one.request_id]]
    again += [one for one in first.values() if one.request_id not in fresh]
    known = await _known(tx, again) if again else {}
    return [known.get(id(one), Claimed()) for one in claims]


async def step(tx: Transaction, steps: Sequence[Step]) -> Sequence[None]:
    """Note how calls ended and which come next."""
    heard = [one.heard for one in steps if one.heard is not None]
    if heard:
        await tx.execute(_HEARD, *_heard_arrays(heard))
    starts = [one.start for one in steps if one.start is not None]
    if starts:
        await tx.execute(_START, *_start_arrays(starts))
    return [None] * len(steps)


async def end(tx: Transaction, ends: Sequence[End]) -> Sequence[Ending]:
    """Write how requests ended; where somebody was faster, return what that one wrote."""
    heard = [attempt for one in ends for attempt in one.attempts]
    rows = await tx.fetch(_END, *_heard_arrays(heard), *_end_arrays(ends))
    written = {row["request_id"] for row in rows}
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
    rows = {row["request_id"]: row for row in await tx.fetch(_KNOWN, ids)}
    attempts: dict[UUID, list[Record]] = {}
    for row in await tx.fetch(_ATTEMPTS, ids):
        attempts.setdefault(row["request_id"], []).append(row)
    found = {
        id(one): _claimed(one, rows[one.request_id], attempts.get(one.request_id, ()))
        for one in claims
    }
    starts = [
        one.start
        for one in claims
        if one.start is not None and found[id(one)].ending is None and not found[id(one)].conflict
    ]
    if starts:
        await tx.execute(_START, *_start_arrays(starts))
    return found


def _claimed(one: Claim, row: Record, attempts: Iterable[Record]) -> Claimed:
    if row["fingerprint"] != one.fingerprint or (row["ended"] and row["answer"] is None):
        return Claimed(conflict=True)
    if row["ended"]:
        return Claimed(ending=Ending(row["answer"], row["usage"]))
    # After a lost connection the same claim comes again: its own call is no unknown one.
    own = one.start.id if one.start is not None else None
    return Claimed(attempts=tuple(_attempt(found) for found in attempts if found["id"] != own))


def _attempt(row: Record) -> Attempt:
    """Return a call as it was noted; one without an end may have cost all that it could."""
    if row["outcome"] is None:
        return Attempt(
            id=row["id"],
            model=row["model"],
            provider=row["provider"],
            outcome=AttemptOutcome.UNKNOWN,
            input_tokens=row["input_tokens_max"],
            output_tokens=row["output_tokens_max"],
        )
    return Attempt(
        id=row["id"],
        model=row["model"],
        provider=row["provider"],
        outcome=AttemptOutcome(row["outcome"]),
        error_class=row["error_class"],
        duration_ms=row["duration_ms"],
        first_token_ms=row["first_token_ms"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
    )


Arrays = Iterable[list[object]]


def _arrays(rows: Iterable[tuple[object, ...]], columns: int) -> Arrays:
    """Turn rows into one array for each column."""
    return list(map(list, zip(*rows, strict=True))) or [[] for _ in range(columns)]


def _claim_arrays(claims: Iterable[Claim]) -> Arrays:
    none = (None, None, None, None, None)
    return _arrays(
        (
            (one.request_id, one.fingerprint)
            + (
                none
                if one.start is None
                else (
                    one.start.id,
                    one.start.model,
                    one.start.provider,
                    one.start.input_tokens_max,
                    one.start.output_tokens_max,
                )
            )
            for one in claims
        ),
        7,
    )


def _start_arrays(starts: Iterable[Start]) -> Arrays:
    return _arrays(
        (
            (
                one.id,
                one.request_id,
                one.model,
                one.provider,
                one.input_tokens_max,
                one.output_tokens_max,
            )
            for one in starts
        ),
        6,
    )


def _heard_arrays(attempts: Iterable[Attempt]) -> Arrays:
    return _arrays(
        (
            (
                one.id,
                one.outcome.value,
                one.error_class,
                one.duration_ms,
                one.first_token_ms,
                one.input_tokens,
                one.output_tokens,
            )
            for one in attempts
        ),
        7,
    )


def _end_arrays(ends: Iterable[End]) -> Arrays:
    return _arrays(
        ((one.request_id, one.outcome.value, one.ending.answer, one.ending.usage) for one in ends),
        4,
    )

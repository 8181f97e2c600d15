"""The rows that the ledger writes and reads: their columns, and what stands in each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final
from uuid import UUID

from asyncpg import Record

from shared.contracts.completions import Outcome, UsageSource
from shared.contracts.usage import Attempt, AttemptOutcome

Row = tuple[object, ...]
Arrays = list[Sequence[object]]


class Columns:
    """The columns of rows that travel as one array each: one statement writes any number.

    They are named, so that a column added by a later migration does not stop an older process.
    """

    def __init__(self, names_and_types: str) -> None:
        pairs = [part.split() for part in names_and_types.split(",")]
        self.names = ", ".join(name for name, _ in pairs)
        self.assigned = ", ".join(f"{name} = given.{name}" for name, _ in pairs[1:])
        self._types = [kind for _, kind in pairs]

    def __len__(self) -> int:
        return len(self._types)

    def given(self, first: int = 1) -> str:
        """Return the row source whose parameters are numbered from `first`."""
        arrays = ", ".join(f"${first + i}::{kind}[]" for i, kind in enumerate(self._types))
        return f"unnest({arrays}) AS given ({self.names})"

    def arrays(self, rows: Iterable[Row]) -> Arrays:
        """Return the parameters."""
        return list(zip(*rows, strict=True)) or [()] * len(self)


START: Final = Columns(
    "id uuid, request_id uuid, model text, provider text, input_tokens_max int,"
    "output_tokens_max int, region text, residency text, deadline timestamptz"
)
CLAIM: Final = Columns(
    "request_id uuid, fingerprint bytea, id uuid, model text, provider text,"
    "input_tokens_max int, output_tokens_max int, region text, residency text,"
    "deadline timestamptz"
)
HEARD: Final = Columns(
    "id uuid, outcome text, error_class text, duration_ms int, first_token_ms int,"
    "input_tokens int, output_tokens int, cache_read_tokens int, cache_write_tokens int,"
    "reasoning_tokens int, characters int, usage_source text, released boolean"
)
END: Final = Columns(
    "request_id uuid, outcome text, answer bytea, usage bytea, region text, residency text,"
    "first_model text, first_provider text, fallback_cause text, currency text"
)
_NO_START: Final = (None,) * (len(START) - 1)


@dataclass(frozen=True, slots=True)
class Start:
    """A call that is about to be made, with what it can cost at most.

    At `deadline` it is over in any case, whether or not anybody lives to write that down.
    """

    id: UUID
    request_id: UUID
    model: str
    provider: str
    input_tokens_max: int
    output_tokens_max: int
    region: str | None = None
    residency: str | None = None
    deadline: datetime | None = None


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
class End:
    """A request's end, with all its calls. `currency` is that of the usage's cost."""

    request_id: UUID
    outcome: Outcome
    ending: Ending
    attempts: tuple[Attempt, ...]
    currency: str | None = None


# --- written ---------------------------------------------------------------------------------


def claim_row(one: Claim) -> Row:
    """Return a request with its first call, if there is one."""
    call = _NO_START if one.start is None else _call(one.start)
    return (one.request_id, one.fingerprint, *call)


def start_row(one: Start) -> Row:
    """Return a call that is about to be made."""
    call_id, *rest = _call(one)
    return (call_id, one.request_id, *rest)


def _call(one: Start) -> Row:
    return (
        *(one.id, one.model, one.provider, one.input_tokens_max, one.output_tokens_max),
        *(one.region, one.residency, one.deadline),
    )


def heard_row(one: Attempt) -> Row:
    """Return how a call ended."""
    source = one.usage_source.value if one.usage_source is not None else None
    return (
        *(one.id, one.outcome.value, one.error_class, one.duration_ms, one.first_token_ms),
        *(one.input_tokens, one.output_tokens, one.cache_read_tokens, one.cache_write_tokens),
        *(one.reasoning_tokens, one.characters, source, one.released),
    )


def end_row(one: End) -> Row:
    """Return how a request ended, and what its calls say together."""
    attempts = one.attempts
    answer = attempts[-1] if attempts and one.outcome is Outcome.COMPLETION else None
    first = attempts[0] if attempts else None
    return (
        *(one.request_id, one.outcome.value, one.ending.answer, one.ending.usage),
        *((answer.region, answer.residency) if answer else (None, None)),
        *((first.model, first.provider) if first else (None, None)),
        *(fallback_cause(attempts), one.currency),
    )


def fallback_cause(attempts: Sequence[Attempt]) -> str | None:
    """Return why the model that was called first did not do; None if no other one was called."""
    for before, after in pairwise(attempts):
        if after.model != before.model:
            return before.error_class or before.outcome.value
    return None


# --- read ------------------------------------------------------------------------------------


def attempt_of(row: Record) -> Attempt:
    """Return a call as it was noted; one without an end may have cost all that it could."""
    known = {name: row[name] for name in ("id", "model", "provider", "region", "residency")}
    if row["outcome"] is None:
        return Attempt(
            outcome=AttemptOutcome.UNKNOWN,
            input_tokens=row["input_tokens_max"],
            output_tokens=row["output_tokens_max"],
            **known,
        )
    source = row["usage_source"]
    return Attempt(
        outcome=AttemptOutcome(row["outcome"]),
        error_class=row["error_class"],
        duration_ms=row["duration_ms"],
        first_token_ms=row["first_token_ms"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        # Calls that were noted before these columns were there have none of them.
        cache_read_tokens=row["cache_read_tokens"] or 0,
        cache_write_tokens=row["cache_write_tokens"] or 0,
        reasoning_tokens=row["reasoning_tokens"] or 0,
        characters=row["characters"] or 0,
        usage_source=UsageSource(source) if source is not None else None,
        released=row["released"],
        **known,
    )

"""An invented October of one company, written by the router's own ledger: what its views show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from services.router import store
from services.router.rows import Claim, End, Ending, Start
from services.router.store import Step
from shared.contracts.completions import Outcome, TokenUsage, UsageSource
from shared.contracts.errors import ErrorCode
from shared.contracts.event import encode
from shared.contracts.money import Price
from shared.contracts.usage import Attempt, AttemptOutcome, Candidate, Decision, UsageRecorded
from shared.contracts.values import Sensitivity, derived_id
from tests.fixtures.schemas import ProvisionedSchema

FIRST: Final = datetime(2026, 10, 1, 8, tzinfo=UTC)
_IDS: Final = UUID(int=7)
_FINGERPRINT: Final = b"\x07" * 32
_PRICE: Final = Price(id=UUID(int=1), currency="EUR", input_token_nano=150, output_token_nano=600)


@dataclass(frozen=True)
class Served:
    """A model of the company, and where it runs."""

    name: str
    provider: str
    region: str
    residency: str

    def candidate(self, rank: int, **more: object) -> Candidate:
        """Return it as a decision lists it."""
        return Candidate.model_validate(
            {
                "model": self.name,
                "provider": self.provider,
                "rank": rank,
                "residency": self.residency,
                **more,
            }
        )

    def call(self, call_id: UUID, **more: object) -> Attempt:
        """Return an answered call to it, or one that ended as `more` says."""
        answered = {
            "outcome": AttemptOutcome.ANSWERED,
            "duration_ms": 1_200,
            "first_token_ms": 300,
            "input_tokens": 900,
            "output_tokens": 200,
            "usage_source": UsageSource.PROVIDER,
        }
        place = {"id": call_id, "model": self.name, "provider": self.provider}
        where = {"region": self.region, "residency": self.residency}
        return Attempt.model_validate(place | where | answered | more)


NORTH: Final = Served("north-large", "north", "dk", "eu")
HOUSE: Final = Served("house", "local", "office", "local")
FAR: Final = Served("far-mini", "far", "us-east", "us")
FAILED: Final = {
    "outcome": AttemptOutcome.FAILED,
    "first_token_ms": None,
    "input_tokens": 0,
    "output_tokens": 0,
    "usage_source": None,
}


@dataclass(frozen=True)
class Request:
    """One request: who asked what, what was decided, which calls that led to."""

    number: int
    app: str
    use_case: str
    sensitivity: Sensitivity
    decision: Decision
    calls: tuple[Attempt, ...]
    code: ErrorCode | None = None

    @property
    def id(self) -> UUID:
        return derived_id(_IDS, f"request-{self.number}")

    @property
    def at(self) -> datetime:
        return FIRST + timedelta(hours=3 * self.number)

    @property
    def usage(self) -> UsageRecorded:
        """Return what the router publishes of it."""
        answer = self.calls[-1] if self.code is None else None
        refused = self.code is not None and self.code.is_refusal
        ended = Outcome.REFUSED if refused else Outcome.FAILED
        return UsageRecorded(
            id=derived_id(self.id, "usage"),
            tenant="default",
            app=self.app,
            request_id=self.id,
            outcome=Outcome.COMPLETION if answer else ended,
            code=self.code,
            decision=self.decision,
            attempts=self.calls,
            usage=TokenUsage(input_tokens=900, output_tokens=200),
            model=answer.model if answer else None,
            provider=answer.provider if answer else None,
            price=_PRICE if self.calls else None,
            cost_nano=255_000 if answer else 0,
            use_case=self.use_case,
            sensitivity=self.sensitivity,
        )


def requests() -> Iterator[Request]:
    """Yield the requests of the month: replies to customers, summaries, applications."""
    for number in range(200):
        if number % 10 == 7:
            yield _application(number)
        elif number % 2:
            yield _reply(number)
        else:
            yield _summary(number)


def _reply(number: int) -> Request:
    """Return a letter with personal data: Denmark first, the house if that fails."""
    decision = Decision(
        candidates=(
            NORTH.candidate(0, cost_nano_max=700_000),
            HOUSE.candidate(1, cost_nano_max=90_000),
            FAR.candidate(2, excluded_by="residency"),
        ),
        rule="task",
        reason="good-danish",
        strategy="task",
        complexity=0.35,
    )
    calls = [NORTH.call(_call_id(number, 0))]
    if number % 20 == 3:
        error_class = "timeout" if number % 40 == 3 else "overloaded"
        calls = [NORTH.call(_call_id(number, 0), **FAILED, error_class=error_class)]
        calls.append(HOUSE.call(_call_id(number, 1), duration_ms=2_400, first_token_ms=600))
    return Request(number, "letters", "reply", Sensitivity.PERSONAL, decision, tuple(calls))


def _summary(number: int) -> Request:
    """Return a public text, for which speed, price and accuracy are weighed."""
    speed = 0.6 + number % 4 / 10
    far = {"accuracy": 0.6, "speed": speed, "cost": 0.9, "room": 1.0}
    house = {"accuracy": 0.5, "speed": 0.4, "cost": 1.0, "room": 0.8}
    decision = Decision(
        candidates=(
            FAR.candidate(0, score=0.76, factors=far, cost_nano_max=40_000),
            HOUSE.candidate(1, score=0.64, factors=house, cost_nano_max=90_000),
        ),
        rule="use-case",
        reason="cheap-and-quick",
        strategy="weighted",
        complexity=0.1,
    )
    call = FAR.call(_call_id(number, 0), duration_ms=700, first_token_ms=150)
    return Request(number, "archive", "summary", Sensitivity.PUBLIC, decision, (call,))


def _application(number: int) -> Request:
    """Return a job application with health data: the house, or a person where that is down."""
    is_down = number % 50 == 17
    decision = Decision(
        candidates=(
            HOUSE.candidate(0, excluded_by="disabled" if is_down else None),
            NORTH.candidate(1, excluded_by="sensitivity"),
        ),
        rule="use-case",
        reason="stays-in-the-house",
        strategy="task",
        complexity=0.5,
        duty="annex-iii-4",
    )
    calls = () if is_down else (HOUSE.call(_call_id(number, 0), duration_ms=3_000),)
    code = ErrorCode.SENSITIVITY_LOCAL_ONLY if is_down else None
    return Request(number, "hiring", "screening", Sensitivity.SPECIAL, decision, calls, code)


async def write(schema: ProvisionedSchema, month: Sequence[Request]) -> None:
    """Write requests as the router does, then date them back."""
    async with schema.database.transaction() as tx:
        await store.claim(tx, [Claim(one.id, _FINGERPRINT, None) for one in month])
        await store.step(
            tx, [Step(None, _start(call, one.id)) for one in month for call in one.calls]
        )
        await store.end(tx, [_end(one) for one in month])
    for one in month:
        await schema.admin.execute(
            "UPDATE router.decision SET ended_at = $2 WHERE request_id = $1", one.id, one.at
        )
        await schema.admin.execute(
            "UPDATE router.attempt SET started_at = $2 WHERE request_id = $1", one.id, one.at
        )


async def write_calls_of_this_minute(schema: ProvisionedSchema) -> None:
    """Write what runs just now: four calls that ended a moment ago, and two that have not."""
    request_id = derived_id(_IDS, "just-now")
    calls = [
        NORTH.call(_call_id(1_000, place), duration_ms=ms, first_token_ms=ms // 4)
        for place, ms in enumerate((1_000, 1_200, 1_400))
    ]
    calls.append(NORTH.call(_call_id(1_000, 3), **FAILED, error_class="overloaded"))
    running = [served.call(_call_id(1_001, place)) for place, served in enumerate((NORTH, HOUSE))]
    async with schema.database.transaction() as tx:
        started = [Step(None, _start(call, request_id)) for call in (*calls, *running)]
        await store.step(tx, started)
        await store.step(tx, [Step(call, None) for call in calls])


def _start(call: Attempt, request_id: UUID) -> Start:
    return Start(
        *(call.id, request_id, call.model, call.provider, 1_000, 800),
        *(call.region, call.residency),
    )


def _end(one: Request) -> End:
    ending = Ending(b"{}", encode(one.usage, "router"))
    return End(one.id, one.usage.outcome, ending, one.calls, "EUR" if one.calls else None)


def _call_id(number: int, place: int) -> UUID:
    return derived_id(_IDS, f"call-{number}-{place}")

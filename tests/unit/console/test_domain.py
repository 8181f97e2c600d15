"""What the pages show: short amounts, states that are not calmer than the facts, and no text."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from services.console import domain
from services.console.domain import (
    Health,
    Load,
    ModelCalls,
    ModelLine,
    Mood,
    Numbers,
    Piece,
    Slice,
    Speed,
    Visitor,
)
from shared.contracts.access import Right, Role
from shared.contracts.incidents import Incident, IncidentState, Severity
from shared.contracts.traces import Span
from shared.contracts.values import new_id

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        (None, "–"),
        (Decimal(0), "0 EUR"),
        (Decimal("0.000028"), "0.000028 EUR"),
        (Decimal("0.000000001"), "0.000000001 EUR"),
        (Decimal("0.0012345"), "0.0012 EUR"),
        (Decimal("0.5"), "0.5000 EUR"),
        (Decimal("1234.567"), "1,234.57 EUR"),
    ],
)
def test_a_cost_is_as_short_as_it_can_be_read(cost: Decimal | None, shown: str) -> None:
    assert domain.amount(cost, "EUR") == shown


def test_the_exact_cost_has_every_digit() -> None:
    assert domain.exact(Decimal("0.000028000"), "EUR") == "0.000028000 EUR"


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (None, "–"),
        (0.04, "0.0 ms"),
        (7, "7 ms"),
        (999, "999 ms"),
        (1234, "1.2 s"),
        (61_000, "1 min 1 s"),
    ],
)
def test_a_duration_has_the_digits_that_matter(ms: float | None, shown: str) -> None:
    assert domain.duration(ms) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (9_999, "9,999"),
        (12_345, "12.3 k"),
        (999_900, "1 M"),
        (2_500_000_000, "2.5 G"),
    ],
)
def test_a_large_number_is_rounded(number: int | None, shown: str) -> None:
    assert domain.count(number) == shown


def test_of_nothing_there_is_no_share() -> None:
    assert (domain.share(0, 0), domain.share(3, 200)) == ("–", "1.5 %")


def calls(*latest: str, recent: int | None = None, failed: int = 0) -> ModelCalls:
    return ModelCalls(
        provider="north",
        model="north-large",
        calls=100,
        recent=len(latest) if recent is None else recent,
        failed=failed,
        p95_ms=10.0,
        last_at=NOON,
        latest=latest,
    )


@pytest.mark.parametrize(
    ("model", "health"),
    [
        (calls("answered", "answered"), Health.ANSWERING),
        (calls("failed", "failed", "failed", recent=100, failed=3), Health.FAILING),
        (calls("answered", "failed", recent=10, failed=6), Health.FAILING),
        (calls("answered", "failed", recent=10, failed=2), Health.SHAKY),
        (calls("failed", "answered", recent=100, failed=1), Health.SHAKY),
        (calls(recent=0), Health.QUIET),
        # Whoever asked left each time: that says nothing of the model.
        (calls(recent=2), Health.ANSWERING),
    ],
)
def test_a_model_is_judged_by_its_latest_calls(model: ModelCalls, health: Health) -> None:
    assert model.health is health


def incident(severity: Severity, state: IncidentState = IncidentState.OPEN) -> Incident:
    return Incident(
        incident_id=new_id(),
        rule="fallback-active",
        severity=severity,
        about="north-large",
        state=state,
        opened_at=NOON,
        last_seen_at=NOON,
    )


@pytest.mark.parametrize(
    ("incidents", "models", "mood"),
    [
        ([], [calls("answered")], Mood.CALM),
        ([incident(Severity.WARNING)], [], Mood.WARNING),
        ([incident(Severity.WARNING, IncidentState.ACKNOWLEDGED)], [], Mood.WARNING),
        ([incident(Severity.CRITICAL, IncidentState.RESOLVED)], [], Mood.CALM),
        ([incident(Severity.CRITICAL)], None, Mood.CRITICAL),
        ([], [calls("failed", "failed", "failed", failed=3)], Mood.WARNING),
        # What cannot be read is not calm.
        (None, [calls("answered")], Mood.UNKNOWN),
        ([], None, Mood.UNKNOWN),
    ],
)
def test_the_state_of_everything_is_never_calmer_than_what_is_known(
    incidents: list[Incident] | None, models: list[ModelCalls] | None, mood: Mood
) -> None:
    assert domain.mood(incidents, models) is mood


def test_the_chart_has_a_column_for_each_half_hour_and_the_highest_fills_it() -> None:
    width = timedelta(minutes=30)
    busy = Slice(NOON + width, completed=6, refused=1, failed=1)
    quiet = Slice(NOON + 2 * width, completed=2)

    columns = domain.chart(domain.slices([busy, quiet], NOON, width, 4))

    assert [column.slice.total for column in columns] == [0, 8, 2, 0]
    assert (columns[1].completed, columns[1].refused, columns[1].failed) == (75, 12.5, 12.5)
    assert columns[2].completed == 25
    assert domain.chart(domain.slices([], NOON, width, 2))[0].completed == 0


def span(name: str, start_ms: int, end_ms: int, parent: str | None = None) -> Span:
    service, _, step = name.partition(" ")
    return Span(
        trace_id="0" * 32,
        span_id=f"{start_ms:016x}",
        parent_span_id=parent,
        name=step,
        service=service,
        start_ns=start_ms * 1_000_000,
        end_ns=end_ms * 1_000_000,
    )


def test_bars_lie_where_the_time_went_and_the_shortest_is_still_seen() -> None:
    root = span("app complete", 100, 300)
    inner = span("router chat", 200, 250, parent=root.span_id)
    instant = span("audit process", 300, 300, parent=root.span_id)

    bars = domain.waterfall([inner, root, instant])

    assert [(bar.span.service, bar.depth) for bar in bars] == [
        ("client", 0),
        ("router", 1),
        ("audit", 1),
    ]
    assert (bars[1].left, bars[1].width) == (50, 25)
    assert bars[2].width > 0
    assert all(bar.left + bar.width <= 100 for bar in bars)
    assert domain.waterfall([]) == ()


def test_placeholders_of_a_masked_text_are_told_from_what_people_wrote() -> None:
    redacted = {
        "type": "eu.stellwerk.request.redacted.v1",
        "data": {
            "messages": [{"role": "user", "content": "Skriv til Klient_001, ikke Klient_0011."}],
            "subjects": [{"placeholder": "Klient_001"}, {"placeholder": "Klient_0011"}],
        },
    }
    produced = {
        "type": "eu.stellwerk.completion.produced.v1",
        "data": {"text": "Kære Klient_001"},
    }

    asked, answered = domain.turns([redacted, {"type": "other"}, produced])

    assert asked.pieces == (
        Piece("Skriv til "),
        Piece("Klient_001", masked=True),
        Piece(", ikke "),
        Piece("Klient_0011", masked=True),
        Piece("."),
    )
    assert (answered.role, answered.pieces[-1]) == ("assistant", Piece("Klient_001", masked=True))
    assert "Klient" not in repr(asked)


@pytest.mark.parametrize(
    ("role", "operations", "acknowledge", "text"),
    [
        (Role.READ_ONLY, False, False, False),
        (Role.POWER_USER, False, False, False),
        (Role.ADMINISTRATOR, True, True, False),
        (Role.SUPER_ADMIN, True, False, True),
    ],
)
def test_each_role_sees_its_own_and_no_other(
    *, role: Role, operations: bool, acknowledge: bool, text: bool
) -> None:
    visitor = Visitor("default", "ops", role)
    seen = (visitor.may(Right.SEE_OPERATIONS), visitor.may_acknowledge, visitor.may_see_text)
    assert seen == (operations, acknowledge, text)


@pytest.mark.parametrize(
    ("kind", "reference", "reason"),
    [
        ("complaint", "4711", "complaint-4711"),
        ("incident", "", "incident"),
        ("complaint", " AB-12 ", "complaint-ab-12"),
        ("because", "4711", None),
        ("complaint", "Anne Marie", None),
        ("complaint", "x" * 41, None),
    ],
)
def test_a_reason_is_a_token_and_never_a_sentence(
    kind: str, reference: str, reason: str | None
) -> None:
    assert domain.reason_of(kind, reference) == reason


def test_nothing_has_happened_yet() -> None:
    numbers = Numbers(0, 0, 0, 0, 0, None, None)
    shown = domain.share(numbers.failed, numbers.requests), domain.duration(numbers.latency_p50_ms)
    assert shown == ("–", "–")


def speed(half_ms: float = 400, *, answered: int = 10, failed: int = 0) -> Speed:
    calls = answered + failed
    share = Decimal(100 * failed) / calls
    times = (half_ms / 4, half_ms / 2, half_ms, 2 * half_ms)
    return Speed(calls, answered, failed, share, *times)


@pytest.mark.parametrize(
    ("recent", "load", "health"),
    [
        (None, None, Health.QUIET),
        (speed(), None, Health.ANSWERING),
        (speed(800), None, Health.ANSWERING),
        (speed(801), None, Health.SLOW),
        (speed(5_000, answered=4), None, Health.ANSWERING),
        (speed(failed=2), None, Health.SHAKY),
        (speed(5_000, failed=2), None, Health.SLOW),
        (speed(failed=11), None, Health.FAILING),
        (None, Load(1, Decimal("60.1"), 0, 0), Health.SLOW),
        (speed(), Load(3, Decimal("59.9"), 5, 900), Health.ANSWERING),
    ],
)
def test_a_model_is_slow_beside_its_own_day_or_when_a_call_takes_over_a_minute(
    recent: Speed | None, load: Load | None, health: Health
) -> None:
    line = ModelLine("near", "near-by", "dk", "eu", recent, speed(400), load, None)
    assert line.health is health

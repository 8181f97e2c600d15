"""A trace is drawn as a tree of what caused what, with bars for when."""

from rich.console import Console

from shared.contracts.traces import Span, lines_of
from stellwerk.waterfall import BAR_CHARS, as_json, bar, waterfall

TRACE = "a" * 32
BEGUN_NS = 1_795_000_000_000_000_000


def span(
    name: str, number: int, parent: int | None, start_ms: int, end_ms: int, error: str | None = None
) -> Span:
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        name=name,
        service=name.split(maxsplit=1)[0],
        start_ns=BEGUN_NS + start_ms * 1_000_000,
        end_ns=BEGUN_NS + end_ms * 1_000_000,
        error=error,
    )


SPANS = [
    span("audit process", 5, 2, 60, 61),
    span("client complete", 1, None, 0, 100),
    span("router process", 3, 2, 10, 90, error="provider_unavailable"),
    span("redactor process", 2, 1, 2, 8),
    span("billing hold", 4, 3, 11, 12),
]


def test_a_span_stands_below_its_cause_in_the_order_of_time() -> None:
    lines = [(line.depth, line.span.service) for line in lines_of(SPANS)]
    assert lines == [(0, "client"), (1, "redactor"), (2, "router"), (3, "billing"), (2, "audit")]


def test_a_span_whose_cause_is_not_here_stands_at_the_top() -> None:
    orphan = span("evals process", 9, 77, 95, 99)
    lines = lines_of([*SPANS, orphan])
    assert (lines[-1].depth, lines[-1].span) == (0, orphan)


def test_spans_that_name_each_other_as_cause_do_not_hang() -> None:
    assert lines_of([span("a x", 1, 2, 0, 1), span("b x", 2, 1, 0, 1)]) == []


def test_times_count_from_the_beginning() -> None:
    line = lines_of(SPANS)[2]
    assert (line.start_ms, line.duration_ms) == (10, 80)


def test_a_bar_is_as_long_as_its_time_and_never_nothing() -> None:
    lines = {line.span.service: line for line in lines_of(SPANS)}
    assert bar(lines["client"], 100) == "█" * BAR_CHARS
    assert bar(lines["billing"], 100).strip() == "▏"
    assert len(bar(lines["audit"], 100)) <= BAR_CHARS
    assert bar(lines["client"], 0) == "▏"


def test_it_can_be_read_without_colours() -> None:
    out = Console(width=110, color_system=None, force_terminal=False)
    with out.capture() as captured:
        out.print(waterfall(SPANS))
    text = captured.get()
    assert "\x1b" not in text
    assert "router process  ! provider_unavailable" in text
    assert "80.0" in text
    assert len(text.splitlines()) == len(SPANS) + 1


def test_programs_get_ids_parents_and_times() -> None:
    facts = as_json(SPANS)
    assert facts["trace_ids"] == [TRACE]
    assert facts["duration_ms"] == 100
    root, redactor, *_ = facts["spans"]
    assert root["parent_span_id"] is None
    assert redactor["parent_span_id"] == root["span_id"]
    assert (redactor["start_ms"], redactor["duration_ms"]) == (2, 6)


def test_an_empty_trace_is_empty() -> None:
    assert as_json([])["spans"] == []
    assert waterfall([]).row_count == 0

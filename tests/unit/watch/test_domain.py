"""Which spans are believed, and how many fit into a reply."""

from math import inf, nan

import pytest

from services.watch.domain import INTEGER_MAX, REPLY_BYTES_MAX, storable, what_fits, witnesses
from shared.contracts.traces import Span, SpanRecorded


def span(number: int = 1, **changes: object) -> Span:
    said: dict[str, object] = {
        "trace_id": f"{7:032x}",
        "span_id": f"{number:016x}",
        "name": "process router-requests",
        "service": "router",
        "start_ns": 1_000,
        "end_ns": 2_000,
    }
    return Span.model_validate(said | changes)


def recorded(app: str, *spans: Span) -> SpanRecorded:
    return SpanRecorded(tenant="default", app=app, spans=spans)


def test_an_app_cannot_pass_for_a_service() -> None:
    [witness] = witnesses(recorded("letters", span(service="billing")))
    assert (witness.service, witness.app) == ("app", "letters")


def test_a_service_speaks_for_itself_only() -> None:
    [witness] = witnesses(recorded("router", span(service="billing")))
    assert witness.service == "router"


@pytest.mark.parametrize("beyond", [{"end_ns": 2**63}, {"start_ns": 10**30}])
def test_a_span_from_beyond_all_calendars_is_left_out_and_its_neighbours_stay(
    beyond: dict[str, int],
) -> None:
    found = witnesses(recorded("letters", span(1, **beyond), span(2)))
    assert [witness.span.span_id for witness in found] == [f"{2:016x}"]


def test_a_clock_that_was_set_back_makes_no_negative_duration() -> None:
    [witness] = witnesses(recorded("router", span(start_ns=2_000, end_ns=1_000)))
    assert witness.end_ns == 2_000


def test_attributes_that_json_cannot_hold_are_dropped_and_the_others_stay() -> None:
    attributes = {
        "messaging.system": "nats",
        "endless": inf,
        "none": nan,
        "huge": INTEGER_MAX + 1,
        "tokens": 12,
        "streamed": True,
        "share": 0.5,
    }
    assert storable(span(attributes=attributes)) == {
        "messaging.system": "nats",
        "tokens": 12,
        "streamed": True,
        "share": 0.5,
    }


def test_a_reply_is_cut_before_the_bus_would_refuse_it() -> None:
    wide = {f"attribute {number}": "x" * 128 for number in range(32)}
    spans = [span(number, attributes=wide) for number in range(400)]

    shown = what_fits(spans)

    size = sum(len(one.model_dump_json()) for one in shown)
    assert 0 < len(shown) < 400
    assert REPLY_BYTES_MAX * 0.9 < size <= REPLY_BYTES_MAX
    assert list(what_fits(spans[:3])) == spans[:3]

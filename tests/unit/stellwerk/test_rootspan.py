"""The client's span begins a trace or continues the caller's."""

import pytest

from shared.contracts.values import new_id
from stellwerk.errors import InvalidRequest
from stellwerk.rootspan import RootSpan

REQUEST = new_id()


def test_a_root_begins_a_trace_of_its_own() -> None:
    first, second = (RootSpan.begin("complete", REQUEST, None) for _ in range(2))
    assert first.trace_id != second.trace_id
    assert first.traceparent == f"00-{first.trace_id}-{first.span_id}-01"
    assert first.parent_span_id is None


def test_the_trace_of_the_caller_goes_on() -> None:
    caller = f"00-{'a' * 32}-{'b' * 16}-01"
    root = RootSpan.begin("complete", REQUEST, caller)
    assert (root.trace_id, root.parent_span_id) == ("a" * 32, "b" * 16)
    assert root.traceparent.startswith(f"00-{'a' * 32}-{root.span_id}-")


@pytest.mark.parametrize("header", ["", "x", f"00-{'a' * 32}-{'b' * 16}", f"00-{'A' * 32}-x-01"])
def test_a_trace_context_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest, match="W3C"):
        RootSpan.begin("complete", REQUEST, header)


def test_a_finished_span_belongs_to_its_request() -> None:
    span = RootSpan.begin("stream", REQUEST, None).finished("conflict", {"sw.app": "crm"})
    assert span.request_id == REQUEST
    assert span.end_ns >= span.start_ns
    assert (span.service, span.error) == ("client", "conflict")

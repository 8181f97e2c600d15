"""Finds that overlap: what any of them covers is masked, and each place is masked once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.redactor.document import ContextWords, Document, Span
from services.redactor.names.lexicon import Lexicon

TEXT = "Aarhus C. Anders Hansen, 12 34 56 78 \u2014 a@b.dk Klient_001 "
KINDS = ("person", "address", "phone", "secret", "literal", "project")


def _settled(text: str, *spans: Span) -> list[Span]:
    empty = Lexicon(frozenset(), frozenset(), frozenset(), frozenset())
    document = Document(text, empty, ContextWords([]), found=list(spans))
    document.settle()
    return document.found


def _span(kind: str, start: int, end: int, score: float = 0.8) -> Span:
    return Span(start, end, kind, score, "rules", f"{kind}.test")


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (("phone", 0, 10), ("account", 2, 6), [("phone", 0, 10)]),
        (("phone", 0, 10), ("account", 8, 14), [("phone", 0, 14)]),
        (("phone", 0, 10), ("account", 10, 14), [("phone", 0, 10), ("account", 10, 14)]),
        (("literal", 0, 10), ("handle", 8, 14), [("handle", 0, 14)]),
        # "Aarhus C" and "C. Anders Hansen": the name goes on beside the address.
        (("address", 0, 18), ("person", 10, 23), [("address", 0, 18), ("person", 18, 23)]),
        (("address", 0, 8), ("person", 7, 23), [("address", 0, 6), ("person", 7, 23)]),
        (("address", 0, 8), ("person", 7, 10), [("address", 0, 8)]),
    ],
)
def test_of_two_that_overlap_the_longer_says_what_it_is(
    first: tuple[str, int, int], second: tuple[str, int, int], wanted: list[tuple[str, int, int]]
) -> None:
    for spans in (_span(*first), _span(*second)), (_span(*second), _span(*first)):
        assert [(one.type, one.start, one.end) for one in _settled(TEXT, *spans)] == wanted


@st.composite
def _spans(draw: st.DrawFn) -> Span:
    start = draw(st.integers(0, len(TEXT) - 2))
    end = draw(st.integers(start + 1, len(TEXT)))
    return _span(draw(st.sampled_from(KINDS)), start, end, draw(st.sampled_from((0.5, 0.9))))


@given(st.lists(_spans(), max_size=8))
def test_every_letter_and_digit_of_every_find_is_covered_once(spans: list[Span]) -> None:
    found = _settled(TEXT, *spans)

    covered = {at for span in found for at in range(span.start, span.end)}
    wanted = {at for span in spans for at in range(span.start, span.end) if TEXT[at].isalnum()}
    assert wanted <= covered | _digits_of_names(spans)
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert all(span.start < span.end for span in found)


def _digits_of_names(spans: list[Span]) -> set[int]:
    """No recogniser finds a name that begins or ends in digits; the spans made here do."""
    names = [span for span in spans if span.type == "person"]
    return {at for one in names for at in range(one.start, one.end) if TEXT[at].isdigit()}

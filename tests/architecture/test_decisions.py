"""Every decision can be relied on: complete, numbered, listed, and its references exist."""

import pytest

from tests.architecture.decisions import INDEX, Decision, decisions, index, numbering_faults

GOOD = """\
# 0001. We decide

- Status: accepted
- Date: 2026-11-24

## Context

## Decision

## Consequences

## Alternatives

## References

- `tests/architecture/test_decisions.py`
"""


@pytest.mark.parametrize("page", decisions(), ids=lambda page: page.number)
def test_a_decision_is_complete(page: Decision) -> None:
    assert not list(page.faults())


def test_decisions_are_numbered_without_gaps() -> None:
    assert not list(numbering_faults(decisions()))


def test_the_list_of_decisions_is_up_to_date() -> None:
    assert INDEX.read_text() == index(decisions()), "run `make map`"


def test_a_complete_page_has_no_faults() -> None:
    assert not list(Decision("0001-x.md", GOOD).faults())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# 0001.", "# 0002."),
        ("accepted", "agreed"),
        ("2026-11-24", "soon"),
        ("## Alternatives\n", ""),
        ("test_decisions.py", "test_nothing.py"),
        ("## Context\n", "## Context\n" + "word\n" * 60),
    ],
)
def test_an_incomplete_page_is_refused(old: str, new: str) -> None:
    assert old in GOOD
    assert list(Decision("0001-x.md", GOOD.replace(old, new)).faults())


def test_a_gap_in_the_numbers_is_refused() -> None:
    pages = [Decision("0001-x.md", GOOD), Decision("0003-y.md", GOOD)]

    assert list(numbering_faults(pages))
    assert "| [We decide](0003-y.md) |" in index(pages)

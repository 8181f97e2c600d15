"""One place of a document changes, and every other byte of it stays."""

from datetime import date
from difflib import ndiff

import pytest
import yaml

from shared.contracts.configuration import Document
from stellwerk.edits import put
from stellwerk.errors import CommandError
from tests.fixtures.configuration import shipped

ROUTE = {"models": ["gpt-4", "local-default"], "reason": "convincing-texts"}


def changes(before: str, after: str) -> list[str]:
    lines = ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_new_entry_stands_below_the_last_one_and_above_the_comments_that_follow() -> None:
    policy = shipped()[Document.POLICY]

    added = put(policy, ["tasks", "offer"], ROUTE)

    assert changes(policy, added) == [
        "+   offer:",
        "+     models: [gpt-4, local-default]",
        "+     reason: convincing-texts",
    ]
    section = added[added.index("tasks:") : added.index("use_cases:")]
    assert section.index("  offer:") < section.index("# `stellwerk policy import")


def test_an_entry_is_replaced_with_its_lines() -> None:
    policy = shipped()[Document.POLICY]

    replaced = put(policy, ["tasks", "creative"], ROUTE)

    assert changes(policy, replaced) == [
        "-     models: [gpt-4, mistral-large-3, local-default]",
        "+     models: [gpt-4, local-default]",
    ]


def test_what_is_empty_is_filled_on_lines_of_its_own() -> None:
    policy = shipped()[Document.POLICY]

    filled = put(policy, ["entitlements", "gpt-4"], ["crm"])

    assert "entitlements: # for example" in filled
    assert "\n  gpt-4: [crm]\n" in filled


def test_a_date_in_a_model_is_added_and_then_changed_in_its_line() -> None:
    models = shipped()[Document.MODELS]
    path = ["models", "gpt-5.4", "retired"]

    once = put(models, path, date(2027, 1, 14))
    twice = put(once, path, date(2027, 2, 1))

    assert changes(models, once) == ["+     retired: 2027-01-14"]
    assert changes(models, twice) == ["+     retired: 2027-02-01"]


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1}\n",
        "a: { b: 1 }",
        "a: {}\nc: 2\n",
        "a: {} # why\n",
        "a:\n  b: |\n    x\n\n# c\n",
        "a:\n    b: 'y' # why\n\n\n# more\nz: 1\n",
        "x: 1",
        "a:\n  b:\n    - 1\n    - 2\n# last\n",
        "# first\na:\n  b: æøå # å\nz: [1]\n",
    ],
)
def test_whatever_form_a_document_has_it_says_what_it_should_and_keeps_its_comments(
    text: str,
) -> None:
    for path in (["a", "new"], ["a", "new", "deep"], ["other", "new"]):
        changed = put(text, path, ROUTE)

        content = yaml.safe_load(changed)
        for name in path:
            content = content[name]
        assert content == ROUTE
        for comment in ("# why", "# c", "# more", "# last", "# first", "# å"):
            assert (comment in changed) == (comment in text)


def test_a_form_that_a_program_cannot_change_is_refused_and_says_what_to_do() -> None:
    shared_part = "a: &one\n  b: 1\nc: *one\n"

    with pytest.raises(CommandError, match="stellwerk policy apply"):
        put(shared_part, ["c", "b"], 2)

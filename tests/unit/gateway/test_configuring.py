"""What is wrong with documents is told in sentences: which file, which place, and the cure."""

import pytest

from services.gateway.configuring import problems_in
from shared.contracts.configuration import DOCUMENT_BYTES_MAX, Document
from shared.contracts.stated import version_of
from tests.fixtures.configuration import changed, shipped

MODELS, POLICY, BUDGETS = Document.MODELS, Document.POLICY, Document.BUDGETS


def test_the_shipped_documents_can_be_in_force() -> None:
    assert problems_in(shipped()) == []


def test_the_fallback_that_the_shipped_policy_gives_as_an_example_can_be_in_force() -> None:
    assert problems_in(shipped() | changed(POLICY, "{} # for example ", "")) == []


@pytest.mark.parametrize(
    ("document", "old", "new", "said"),
    [
        (MODELS, "wire: openai", "wyre: openai", "providers.local.wire: missing"),
        (MODELS, "${SW_ROUTER_LOCAL_KEY_FILE}", "[", "is not valid YAML in line"),
        (MODELS, "valid_from: 2026-01-01", "valid_from: 2026-13-01", "is not valid YAML"),
        (MODELS, "key_file: ${SW_ROUTER_LOCAL_KEY_FILE}", "key: hunter2", "local.key"),
        (MODELS, "provider: local", "provider: nobody", "describe it there"),
        (MODELS, '"0.05"', '"0.0000005"', "state it rounded up"),
        (MODELS, "currency: EUR", "currency: USD", "state all of them in one currency"),
        (POLICY, "fallbacks: {}", "fallbacks: {gone: local-small}", "models.yaml does not have"),
        (POLICY, "  special: [local]\n", "", "add it under `residency`"),
        (BUDGETS, "tenants: {}", "tenant: {}", "tenant: extra_forbidden"),
        (BUDGETS, '"100.00"', '"0.0000000001"', "state it rounded up"),
        (BUDGETS, '"100.00"', '"a lot"', "default.limit"),
    ],
)
def test_each_problem_is_one_sentence_with_file_and_place(
    document: Document, old: str, new: str, said: str
) -> None:
    found = problems_in(shipped() | changed(document, old, new))

    assert any(said in problem for problem in found)
    for problem in found:
        assert problem.startswith(document)
        assert problem.endswith(".")
        assert "\n" not in problem
        for value in ("hunter2", "a lot", "0000000001"):
            assert value not in problem


def test_all_files_are_looked_at_before_anything_is_said() -> None:
    broken = dict.fromkeys(Document, "[]")

    assert [problem.split()[0] for problem in problems_in(broken)] == list(Document)


def test_what_is_missing_or_too_long_is_told() -> None:
    long = shipped()[POLICY] + "# and so on" * DOCUMENT_BYTES_MAX

    (problem,) = problems_in({MODELS: shipped()[MODELS], POLICY: long, BUDGETS: shipped()[BUDGETS]})
    missing = problems_in({POLICY: shipped()[POLICY]})

    assert "policy.yaml has more than 128 KiB" in problem
    assert [one.split()[0] for one in missing] == ["models.yaml", "budgets.yaml"]


@pytest.mark.parametrize("deep", ["[", "- ", "? ", "{a: "])
def test_documents_nested_without_end_are_a_problem_and_no_crash(deep: str) -> None:
    (problem,) = problems_in(shipped() | {POLICY: deep * (DOCUMENT_BYTES_MAX // len(deep))})

    assert problem.startswith("policy.yaml is nested more than 32 deep")


def test_a_version_follows_every_byte_of_every_document() -> None:
    names = {version_of(shipped() | {one: shipped()[one] + "#"}) for one in Document} | {
        version_of(shipped())
    }

    assert len(names) == 4
    # No text can pass from one document into the next unseen.
    moved = shipped() | {MODELS: shipped()[MODELS] + shipped()[POLICY], POLICY: ""}
    assert version_of(moved) not in names

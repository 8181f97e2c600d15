"""A suite is read whole, or refused in one sentence that names the place and no value."""

from pathlib import Path

import pytest

from services.evals import domain, metrics
from shared.contracts.values import Language
from stellwerk.errors import BadInput
from stellwerk.suites import SUITE_BYTES_MAX, Case, load, shipped
from tests.unit.evals.requests import request_for

NAME = "Karla Eksempel"
WHOLE = """
name: two-letters
version: 1
language: da
licence: Apache-2.0
cases:
  - { id: first, prompt: "Skriv et svar på dansk i højst to sætninger." }
  - { id: second, task: summary, expects: { language: da }, prompt: "Opsummér." }
"""
BROKEN = {
    "not-yaml": ("cases: [", "is not valid YAML in line"),
    "a-list": ("- 1", "must have named sections"),
    "no-cases": (WHOLE.split("cases:", maxsplit=1)[0], "cases: missing"),
    "a-prompt-too-few": (WHOLE.replace(', prompt: "Opsummér."', ""), "cases.1.prompt: missing"),
    "a-field-too-many": (WHOLE + f"author: {NAME}\n", "author: extra_forbidden"),
    "a-bad-id": (WHOLE.replace("second", NAME), "cases.1.id: string_pattern_mismatch"),
    "an-id-twice": (WHOLE.replace("second", "first"), "an_id_stands_twice"),
    "an-unknown-language": (WHOLE.replace("language: da\nl", "language: kl\nl"), "language: enum"),
}
CASES = [
    pytest.param(case, id=f"{name}-{case.id}")
    for name in shipped()
    for case in load(name).suite.cases
]


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_suite_is_refused_in_one_sentence(text: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        load(str(file))
    sentence = str(caught.value)
    assert reason in sentence
    assert "broken.yaml" in sentence
    assert "add-a-suite.md" in sentence
    assert NAME not in sentence
    assert "\n" not in sentence


def test_what_is_no_suite_at_all_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "latin1.yaml").write_bytes(WHOLE.encode("latin-1"))
    (tmp_path / "huge.yaml").write_bytes(b"#" * (SUITE_BYTES_MAX + 1))
    for name, reason in (
        ("latin1.yaml", "not UTF-8"),
        ("huge.yaml", "larger than"),
        ("none.yaml", "Shipped: da-letters"),
        (".", "cannot be read"),
    ):
        with pytest.raises(BadInput, match=reason):
            load(str(tmp_path / name))


def test_a_suite_is_known_by_the_bytes_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(WHOLE)
    first = load(str(file))
    file.write_text(f"{WHOLE}# no case has changed\n")
    assert load(str(file)).suite == first.suite
    assert load(str(file)).sha256 != first.sha256


def test_no_prompt_shows_in_a_repr(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(WHOLE)
    assert "Opsummér" not in repr(load(str(file)))


def test_the_shipped_letters_are_ten_cases_or_more() -> None:
    assert len(load("da-letters").suite.cases) >= 10


@pytest.mark.parametrize("case", CASES)
def test_a_case_expects_what_the_metrics_read_out_of_its_prompt(case: Case) -> None:
    found = metrics.load()
    request = request_for(case.prompt, Language.UNDETERMINED)
    scores = domain.scores(found, domain.asked(found, request), lambda metric: metric.found("Ja."))
    expected = {score.metric: score.expected for score in scores}
    assert expected["answer_language"] == case.expects.language
    assert expected["answer_length"] == case.expects.length

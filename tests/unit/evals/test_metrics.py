"""One suite over all metrics: what each must keep, and the verdicts of its own examples."""

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evals import domain, metrics
from services.evals.metrics.base import Example, Metric, Verdict
from shared.contracts.evaluations import Score
from shared.contracts.values import Language
from tests.unit.evals.requests import request_for

METRICS = metrics.load()
CASES = [
    pytest.param(metric, example, id=f"{metric.NAME}-{number}")
    for metric in METRICS
    for number, example in enumerate(metric.EXAMPLES)
]
TOKEN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.NAME)


def verdict_on(metric: Metric, example: Example) -> Verdict:
    request = request_for(example.prompt, example.language, system=example.system)
    (score,) = domain.scores(
        [metric], domain.asked([metric], request), lambda one: one.found(example.answer)
    )
    return Verdict(score.value, score.unscored, score.expected, score.found)


def strings_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from (key, *strings_in(part))
    elif isinstance(value, list):
        for part in value:
            yield from strings_in(part)


def test_the_metrics_of_the_folder_are_found() -> None:
    assert {"answer_language", "answer_length"} <= {metric.NAME for metric in METRICS}


@pytest.mark.parametrize(("metric", "example"), CASES)
def test_an_example_gets_its_verdict(metric: Metric, example: Example) -> None:
    assert verdict_on(metric, example) == example.verdict


@every_metric
def test_a_metric_is_named_after_its_file(metric: Metric) -> None:
    assert str(getattr(metric, "__name__", "")).endswith(f".{metric.NAME}")
    assert metric.VERSION >= 1


@every_metric
def test_the_examples_show_a_good_a_bad_and_an_unscored_answer(metric: Metric) -> None:
    verdicts = [example.verdict for example in metric.EXAMPLES]

    assert any(verdict.value == 1 for verdict in verdicts)
    assert any(verdict.value is not None and verdict.value < 1 for verdict in verdicts)
    assert any(verdict.unscored == metric.UNASKED for verdict in verdicts)


@pytest.mark.parametrize(("metric", "example"), CASES)
def test_what_is_kept_survives_json_and_holds_no_word_of_a_text(
    metric: Metric, example: Example
) -> None:
    request = request_for(example.prompt, example.language, system=example.system)
    wanted, found = dict(metric.asked(request)), dict(metric.found(example.answer))

    for facts in (wanted, found):
        assert json.loads(json.dumps(facts)) == facts
        assert all(TOKEN.fullmatch(string) for string in strings_in(facts))
        assert len(json.dumps(facts)) < 400
    unusual = {word.lower() for word in re.findall(r"[^\W\d_]{9,}", example.prompt)}
    assert unusual.isdisjoint(strings_in(wanted))


@every_metric
@given(prompt=st.text(min_size=1, max_size=400), answer=st.text(max_size=400))
def test_no_text_is_too_strange_to_be_judged(metric: Metric, prompt: str, answer: str) -> None:
    verdict = verdict_on(metric, Example(prompt, answer, Verdict(), language=Language.DANISH))

    assert (verdict.value is None) != (verdict.unscored is None)
    Score(
        metric=metric.NAME,
        value=verdict.value,
        unscored=verdict.unscored,
        expected=verdict.expected,
        found=verdict.found,
    )


@every_metric
def test_a_very_long_prompt_costs_no_more_than_its_ends(metric: Metric) -> None:
    start = "Svar på engelsk i højst tre sætninger.\n"
    long = request_for(start + "Det er en lang sag. " * 20_000, Language.DANISH)

    assert metric.asked(long) == metric.asked(request_for(start, Language.DANISH))


@every_metric
@pytest.mark.timeout(5)
@pytest.mark.parametrize("unit", ["\n", ".", "a", "a.", " ", "på ", "1. ", "```", "a@", "\n ", "("])
def test_no_text_takes_long(metric: Metric, unit: str) -> None:
    for text in (unit * 200_000, unit * 200_000 + "x"):
        metric.found(text)
        metric.asked(request_for(text, Language.DANISH))

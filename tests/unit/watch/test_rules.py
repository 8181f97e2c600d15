"""One suite over all rules: what each must keep, and the verdicts of its own examples."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.watch import rules
from services.watch.episodes import gathered
from services.watch.rules.base import Example, Fact, Rule, Verdict, Window
from shared.contracts.completions import Outcome
from shared.contracts.errors import ErrorCode
from shared.contracts.incidents import Incident
from shared.contracts.providers import ProviderChange
from shared.contracts.usage import Attempt, AttemptOutcome
from shared.contracts.values import ModelName, new_id
from tests.unit.watch.usages import START, changed, failed, leak, passed_by, usage

RULES = rules.load()
CASES = [
    pytest.param(rule, example, id=f"{rule.NAME}-{number}")
    for rule in RULES
    for number, example in enumerate(rule.EXAMPLES)
]
ABOUT: TypeAdapter[str] = TypeAdapter(ModelName)
FACTS_MAX = 8

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.NAME)
attempts = st.builds(
    Attempt,
    id=st.builds(new_id),
    model=st.sampled_from(["scripted", "local-default", "unknown"]),
    provider=st.sampled_from(["scripted", "local", "unknown"]),
    outcome=st.sampled_from(AttemptOutcome),
    error_class=st.sampled_from([None, "unreachable", "rejected", "something-new"]),
)
leaks = st.builds(
    lambda types: leak(*types),
    st.lists(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True), max_size=9),
)
usages = st.builds(
    lambda calls, code, outcome: usage(*calls, code=code, outcome=outcome),
    st.lists(attempts, max_size=3),
    st.sampled_from([None, *ErrorCode]),
    st.sampled_from(Outcome),
) | st.builds(passed_by, st.sampled_from(["large", "local-default"]))

changes = st.builds(
    lambda change, model, error_class, days: changed(
        change, model=model, error_class=error_class, days_left=days
    ),
    st.sampled_from(ProviderChange),
    st.sampled_from([None, "large", "house/small:v2"]),
    st.sampled_from([None, "unauthorised", "something-new"]),
    st.none() | st.integers(-4_000, 4_000),
)


def test_a_rule_is_shown_only_what_it_sees() -> None:
    assert {name for name, *_ in gathered(RULES, [leak()]).counts} == {"leak_stopped"}
    opened = changed(ProviderChange.CIRCUIT_OPENED, model="large")
    assert {name for name, *_ in gathered(RULES, [opened]).counts} == {"circuit_open"}
    shown = gathered(RULES, [usage(failed()), usage(code=ErrorCode.LEAK_CHECK)])
    assert {name for name, *_ in shown.counts} == {"error_rate", "fallback_active", "leak_stopped"}


def test_the_rules_of_the_folder_are_found_and_what_explains_comes_first() -> None:
    names = [rule.NAME for rule in RULES]
    assert {"fallback_active", "error_rate"} <= set(names)
    assert names.index("fallback_active") < names.index("error_rate")


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_an_example_gets_its_verdict(rule: Rule, example: Example) -> None:
    assert rule.judged(example.window) is example.verdict
    assert example.facts.items() <= rule.facts(example.window).items()


@every_rule
def test_a_rule_is_named_after_its_file_and_says_what_to_do(rule: Rule) -> None:
    assert str(getattr(rule, "__name__", "")).endswith(f".{rule.NAME}")
    for sentence in (rule.WHAT, rule.ADVICE):
        assert re.fullmatch(r"\S.*[.]", sentence), "a sentence ends in a full stop"
    assert set(rule.EXPLAINED_BY) <= {one.NAME for one in RULES}
    # Counts are kept for a week; what the router says once a day must not fall between two windows.
    assert 1 <= rule.WINDOW_MINUTES <= 2 * 24 * 60


@every_rule
def test_the_examples_show_trouble_and_its_end(rule: Rule) -> None:
    assert {Verdict.TROUBLE, Verdict.FINE} <= {example.verdict for example in rule.EXAMPLES}


@every_rule
def test_a_window_in_which_nothing_was_seen_is_fine(rule: Rule) -> None:
    assert rule.judged(Window({})) is Verdict.FINE
    rule.facts(Window({}))


@every_rule
@given(given_facts=st.lists(usages | leaks | changes, min_size=1, max_size=8))
def test_no_fact_is_too_strange_and_what_is_stated_fits_an_incident(
    rule: Rule, given_facts: list[Fact]
) -> None:
    batch = gathered([rule], given_facts)

    for (name, about, _, part), count in batch.counts.items():
        window = Window({part: count}, fresh=count.bad)
        assert ABOUT.validate_python(about) == about
        assert all(ABOUT.validate_python(one) == one for one in part)
        assert rule.judged(window) in Verdict
        facts = dict(rule.facts(window))
        assert len(facts) <= FACTS_MAX
        Incident(
            incident_id=new_id(),
            rule=name,
            severity=rule.SEVERITY,
            about=about,
            opened_at=START,
            last_seen_at=START,
            facts=facts,
        )

"""Every rule holds in the working tree, and every rule has been seen to fail."""

import importlib
import pkgutil

import pytest

from tests.architecture import rules
from tests.architecture.source import Rule, SourceTree, working_tree

NAMES = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))


def _rule(name: str) -> Rule:
    module = importlib.import_module(f"{rules.__name__}.{name}")
    rule = module.RULE
    assert isinstance(rule, Rule)
    return rule


@pytest.mark.parametrize("name", NAMES)
def test_the_working_tree_keeps_the_rule(name: str) -> None:
    faults = list(_rule(name).check(working_tree()))

    assert not faults, f"{name}:\n" + "\n".join(faults)


@pytest.mark.parametrize("name", NAMES)
def test_the_rule_refuses_what_it_is_there_to_refuse(name: str) -> None:
    rule = _rule(name)

    assert rule.broken, f"{name} has no broken example, so it has never been seen to fail"
    for number, texts in enumerate(rule.broken):
        assert list(rule.check(SourceTree.of(texts))), f"{name} passes broken example {number}"


@pytest.mark.parametrize("name", NAMES)
def test_the_rule_leaves_alone_what_only_looks_similar(name: str) -> None:
    rule = _rule(name)

    for texts in rule.kept:
        assert not list(rule.check(SourceTree.of(texts)))


@pytest.mark.parametrize("name", NAMES)
def test_the_rule_says_which_harm_it_prevents(name: str) -> None:
    documentation = importlib.import_module(f"{rules.__name__}.{name}").__doc__

    assert documentation is not None
    assert len(documentation.split("\n\n")) >= 2, f"{name}: what must hold, then the harm"

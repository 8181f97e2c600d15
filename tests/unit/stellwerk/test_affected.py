"""Before a model goes, everybody is named who depends on it, and what they would miss."""

from datetime import date

import pytest

from shared.contracts.configuration import Document
from stellwerk.affected import affected, warnings
from stellwerk.edits import put
from stellwerk.errors import NotFound
from stellwerk.in_force import InForce
from stellwerk.packs import all_packs
from tests.fixtures.configuration import SHIPPED, shipped

TODAY = date(2026, 11, 24)


def in_force() -> InForce:
    return InForce.of("c0ffee", shipped())


def test_a_model_is_found_behind_its_aliases_in_lines_and_in_packs() -> None:
    found = in_force()

    by_alias = affected("gpt-4", found.models, found.policy, all_packs(SHIPPED))

    assert by_alias == affected("gpt-5.4", found.models, found.policy, all_packs(SHIPPED))
    assert by_alias.aliases == ("gpt-4", "premium-writing")
    assert ("task creative", "primary") in by_alias.routes
    assert ("use case offer-writing", "primary") in by_alias.routes
    assert ("maskinindustri: offer", "primary") in by_alias.packs
    assert ("task code", "first fallback") in affected(
        "claude-3", found.models, found.policy, {}
    ).routes
    told = list(by_alias.lines())
    assert told[0] == "aliases        gpt-4, premium-writing"
    assert max(map(len, told)) <= 80


def test_fallbacks_apps_and_predecessors_are_told_too() -> None:
    documents = shipped()
    policy = put(documents[Document.POLICY], ["fallbacks", "local-default"], "gpt-4")
    policy = put(policy, ["entitlements", "gpt-4"], ["legal"])
    models = put(documents[Document.MODELS], ["models", "gpt-5.4-mini", "successor"], "gpt-5.4")
    changed = {Document.POLICY: policy, Document.MODELS: models}
    found = InForce.of("c0ffee", documents | changed)

    told = affected("gpt-5.4", found.models, found.policy, {})

    assert told.fallbacks == ("local-default",)
    assert told.entitled == ("legal",)
    assert told.follows == ("gpt-5.4-mini",)


def test_a_model_that_nobody_knows_is_told_with_what_to_do() -> None:
    found = in_force()

    with pytest.raises(NotFound, match=r"No model is named gpt-9\. `stellwerk model list`"):
        affected("gpt-9", found.models, found.policy, {})


def test_what_those_who_move_would_miss_is_said() -> None:
    found = in_force()
    policy = put(found.documents[Document.POLICY], ["entitlements", "gpt-5.4-azure-eu"], ["legal"])
    found = found.changed(Document.POLICY, policy)

    said = warnings("gpt-5.4-azure-eu", "qwen2.5-72b", found.models, found.policy, TODAY)
    nothing = warnings("gpt-5.4", "gpt-5.4-mini", found.models, found.policy, TODAY)

    assert len(said) == 4
    assert said[0] == "qwen2.5-72b cannot do tools, vision, gpt-5.4-azure-eu can."
    assert "takes 32,768 tokens" in said[1]
    assert "gets no internal texts" in said[2]
    assert "Only legal may use gpt-5.4-azure-eu, every app may use qwen2.5-72b" in said[3]
    assert nothing == []

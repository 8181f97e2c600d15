"""The packs that ship can be merged into the policy that ships, and spoil nothing in it."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from shared.contracts.configuration import Document
from shared.contracts.routing import TASK
from stellwerk.errors import BadInput
from stellwerk.in_force import InForce
from stellwerk.packs import Found, Merged, all_packs, find_pack, merged
from stellwerk.routes import lines_of, overview
from tests.fixtures.configuration import SHIPPED, shipped

PACKS = ("hr", "it", "maskinindustri")


def shipped_in_force() -> InForce:
    return InForce.of("c0ffee", shipped())


def merge(found: Found, before: InForce, *, replace: bool = False) -> Merged:
    return merged(found, before.policy, before.documents[Document.POLICY], replace=replace)


def test_three_packs_ship_with_four_tasks_each_and_a_local_model_stands_last() -> None:
    packs = all_packs(SHIPPED)
    models = shipped_in_force().models

    assert tuple(packs) == PACKS
    for pack in packs.values():
        assert len(pack.tasks) == 4
        for route in pack.tasks.values():
            assert route.strategy == TASK
            last = models.models[models.model_named(route.models[-1])]
            assert models.providers[last.provider].local
    assert packs["hr"].tasks["cv-screening"].duty == "annex-iii-4"


def test_all_of_them_go_into_the_policy_one_after_the_other_and_its_text_stays() -> None:
    before = now = shipped_in_force()
    for name in PACKS:
        result = merge(find_pack(name, SHIPPED), now)
        assert len(result.added) == 4
        now = now.changed(Document.POLICY, result.text)

    assert len(now.policy.tasks) == len(before.policy.tasks) + 12
    left = iter(now.documents[Document.POLICY].splitlines())
    assert all(line in left for line in before.documents[Document.POLICY].splitlines())
    screening = lines_of(overview("cv-screening", now.models, now.policy, date(2026, 11, 24)))
    because = "because objective-assessments, duty annex-iii-4"
    assert next(screening) == f"task cv-screening: strategy task, {because}"
    again = merge(find_pack("hr", SHIPPED), now)
    assert (again.text, again.added) == (now.documents[Document.POLICY], ())
    assert len(again.same) == 4


def test_a_task_with_another_route_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    before = shipped_in_force()
    file = tmp_path / "own.yaml"
    route = {"models": ["local-small"], "reason": "cheap", "strategy": "weighted"}
    file.write_text(yaml.safe_dump({"title": "Own", "tasks": {"creative": route}}))
    pack = find_pack(str(file), SHIPPED)

    with pytest.raises(BadInput, match=r"creative is in the policy already.*--replace"):
        merge(pack, before)
    result = merge(pack, before, replace=True)

    after = before.changed(Document.POLICY, result.text)
    assert result.replaced == ("creative",)
    assert after.policy.tasks["creative"].strategy == "weighted"
    assert after.policy.tasks["code"] == before.policy.tasks["code"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("hrr", "There is no pack hrr. Name a file, or one of those in .*: hr, it, maskinindustri"),
        ("policy.yaml", "breaks its rules at title: missing"),
    ],
)
def test_what_is_no_pack_is_told_in_a_sentence(wanted: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        find_pack(wanted, SHIPPED)


def test_a_pack_is_found_by_its_name_and_by_its_path() -> None:
    by_name = find_pack("hr", SHIPPED)

    assert find_pack("packs/hr.yaml", SHIPPED) == by_name
    assert find_pack(str(SHIPPED / "packs/hr.yaml"), Path("nowhere")) == by_name


def test_a_pack_that_names_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    route = {"models": ["gone"], "reason": "trial"}
    file.write_text(yaml.safe_dump({"title": "Own", "tasks": {"new-task": route}}))
    before = shipped_in_force()
    result = merge(find_pack(str(file), SHIPPED), before)

    with pytest.raises(BadInput, match=r"policy\.yaml names model gone"):
        before.changed(Document.POLICY, result.text)

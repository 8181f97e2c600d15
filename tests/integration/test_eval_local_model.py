"""Two shipped letters answered by the real small model, graded and kept."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from deploy.local.folder import MODELS_VARIABLE
from deploy.local.model import SMALL

if TYPE_CHECKING:  # Imported for real it would be loaded before pytest can rewrite its asserts.
    from tests.fixtures.embedded import Embedded

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

CASES = ("appointment-moved", "late-delivery")


def test_two_letters_are_answered_by_the_real_model_and_graded(
    make_embedded: Callable[..., "Embedded"], small_model: Path, tmp_path: Path
) -> None:
    embedded = make_embedded(
        **{MODELS_VARIABLE: str(small_model.parent), "STELLWERK_LOCAL_MODELS": SMALL.name}
    )
    embedded.up()
    embedded.wait_for(f"model-{SMALL.name}")
    letters = yaml.safe_load((files("services") / "evals/suites/da-letters.yaml").read_text())
    letters["cases"] = [case for case in letters["cases"] if case["id"] in CASES]
    letters["max_tokens"] = 80
    suite = tmp_path / "two-letters.yaml"
    suite.write_text(yaml.safe_dump(letters, allow_unicode=True))

    ran = embedded.run("eval", "run", "--suite", str(suite), "--models", SMALL.name, "--json")

    assert ran.returncode == 0, ran.stderr
    facts = json.loads(ran.stdout)
    assert facts["recorded"]
    assert sorted(run["case_id"] for run in facts["runs"]) == sorted(CASES)
    for run in facts["runs"]:
        assert run["answered_by"] == SMALL.name
        assert run["answer"].strip()
        assert {score["metric"] for score in run["scores"]} == {"answer_language", "answer_length"}

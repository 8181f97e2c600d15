"""Files are documents by their names, and the matrix shows what the router would allow."""

from datetime import date
from pathlib import Path

import pytest

from services.router.filters import Question, exclusion
from services.router.settings import configuration_of
from services.router.sizing import size_of
from shared.configuration import parse_yaml
from shared.contracts.configuration import Document
from shared.contracts.masking import Override
from shared.contracts.stated import ModelsDocument, PolicyDocument
from shared.contracts.values import Sensitivity
from stellwerk.commands.policy import documents_in
from stellwerk.errors import BadInput
from stellwerk.reach import (
    Kept,
    agreement_lines,
    cells,
    kept_back,
    override_lines,
    permitted,
)
from tests.fixtures.configuration import SHIPPED, shipped, with_scripted
from tests.unit.router.world import request

TODAY = date(2026, 11, 24)
AGREED = "dpa: {{ reference: DPA 2026-17, signed: 2026-01-01, expires: {} }}"


def models_of(text: str) -> ModelsDocument:
    return parse_yaml(text, ModelsDocument, "models.yaml")


def policy_of(text: str) -> PolicyDocument:
    return parse_yaml(text, PolicyDocument, "policy.yaml")


def test_a_folder_is_all_its_documents_and_a_file_is_one() -> None:
    assert set(documents_in([SHIPPED])) == set(Document)
    assert set(documents_in([SHIPPED / "policy.yaml"])) == {Document.POLICY}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rules.yaml", "is not named as one of"),
        ("models.yaml", "cannot be read"),
        (".", "holds none of"),
    ],
)
def test_what_is_no_document_is_told(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        documents_in([tmp_path / name])


def test_a_document_given_twice_is_refused() -> None:
    with pytest.raises(BadInput, match=r"policy\.yaml is given twice"):
        documents_in([SHIPPED, SHIPPED / "policy.yaml"])


def test_the_matrix_keeps_special_texts_at_home_whatever_the_policy_says() -> None:
    documents = with_scripted()
    abroad = documents[Document.MODELS].replace("local: true", "local: false", 1)
    agreed = abroad.replace("dpa: null", AGREED.format("2027-01-01"), 1)

    allowed = permitted(models_of(agreed), policy_of(documents[Document.POLICY]), TODAY)

    assert "local-default" in allowed["personal"]["local"]
    assert "local-default" not in allowed["special"]["local"]
    assert "scripted" in allowed["special"]["local"]


def test_a_level_that_is_not_stated_goes_where_the_next_stricter_may() -> None:
    documents = with_scripted()
    policy = documents[Document.POLICY].replace("internal: [local, eu]", "internal: [eu]")
    unstated = policy.replace("  confidential: [local, eu]\n", "").replace("  internal: [eu]\n", "")
    models = models_of(documents[Document.MODELS].replace("dpa: null", AGREED.format("null")))

    stated = permitted(models, policy_of(policy), TODAY)
    rest = permitted(models, policy_of(unstated), TODAY)

    assert list(stated) == ["public", "internal", "confidential", "personal", "special"]
    assert stated["internal"]["local"] == []
    assert rest["internal"] == rest["confidential"] == rest["personal"] == stated["personal"]


def test_without_an_agreement_nothing_above_internal_goes_to_a_provider_outside() -> None:
    documents = shipped()
    policy = policy_of(documents[Document.POLICY])
    models = models_of(documents[Document.MODELS])

    told = cells(models, policy, TODAY)

    assert told["public"] == {"local": "all", "eu": "all", "us": "all"}
    assert told["internal"] == {"local": "all", "eu": "all", "us": "never"}
    assert told["personal"] == {"local": "all", "eu": "no agreement", "us": "never"}
    assert told["special"] == {"local": "all", "eu": "never", "us": "never"}
    assert permitted(models, policy, TODAY)["personal"]["eu"] == []
    assert "mistral" in agreement_lines(models, TODAY)[0]


@pytest.mark.parametrize(
    ("expires", "cell"),
    [("2026-11-24", "only mistral"), ("2026-11-23", "no agreement"), ("null", "only mistral")],
)
def test_an_agreement_counts_up_to_its_last_day(expires: str, cell: str) -> None:
    documents = shipped()
    of_mistral = "legal_country: FR\n    dpa: null"
    assert of_mistral in documents[Document.MODELS]
    agreed = f"legal_country: FR\n    {AGREED.format(expires)}"
    models = models_of(documents[Document.MODELS].replace(of_mistral, agreed))

    told = cells(models, policy_of(documents[Document.POLICY]), TODAY)

    assert told["personal"]["eu"] == cell
    is_over = [line for line in agreement_lines(models, TODAY) if "does not count" in line]
    assert bool(is_over) == (cell == "no agreement")


@pytest.mark.parametrize("expires", ["2026-11-23", "2026-11-24", "null"])
@pytest.mark.parametrize("local", ["true", "false"])
def test_the_matrix_keeps_back_what_the_router_keeps_back(expires: str, local: str) -> None:
    documents = shipped()
    text = documents[Document.MODELS].replace("local: true", f"local: {local}", 1)
    for country in ("FR", "CA"):
        of = f"legal_country: {country}\n    dpa: "
        text = text.replace(f"{of}null", f"{of}{AGREED.format(expires).removeprefix('dpa: ')}")
    policy = policy_of(documents[Document.POLICY])
    stated, routed = (
        models_of(text),
        configuration_of("c0ffee", documents | {Document.MODELS: text}, {}),
    )
    told = {str(one) for one in Kept}

    for level in Sensitivity:
        ask = request(sensitivity=level)
        question = Question(ask, size_of(ask), routed.policy, TODAY)
        for name, model in routed.models.items():
            provider = stated.providers[model.provider]
            excluded = exclusion(question, model)
            expected = excluded.value if excluded and excluded.value in told else None
            assert kept_back(level, provider, policy, TODAY) == expected, (level, name)


def test_overrides_are_told_beside_the_matrix() -> None:
    override = Override.model_validate(
        {"app": "crm", "use_case": "letters", "to": "internal", "reason": "invented-people"}
        | {"until": "2026-11-24"}
    )
    told = "crm/letters: what is stricter counts as internal until 2026-11-24, because"

    assert override_lines([override], date(2026, 11, 24)) == [f"{told} invented-people"]
    assert override_lines([override], date(2026, 11, 25)) == [f"{told} invented-people (over)"]

"""Files are documents by their names, and the matrix shows what the router would allow."""

from datetime import date
from pathlib import Path

import pytest

from shared.configuration import parse_yaml
from shared.contracts.configuration import Document
from shared.contracts.masking import Override
from shared.contracts.stated import ModelsDocument, PolicyDocument
from stellwerk.commands.policy import documents_in, override_lines, permitted
from stellwerk.errors import BadInput
from tests.fixtures.configuration import SHIPPED, with_scripted


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
    stated = parse_yaml(abroad, ModelsDocument, "models.yaml")
    policy = parse_yaml(documents[Document.POLICY], PolicyDocument, "policy.yaml")

    allowed = permitted(stated, policy)

    assert "local-default" in allowed["personal"]["local"]
    assert "local-default" not in allowed["special"]["local"]
    assert "scripted" in allowed["special"]["local"]


def test_a_level_that_is_not_stated_goes_where_the_next_stricter_may() -> None:
    documents = with_scripted()
    policy = documents[Document.POLICY].replace("internal: [local, eu]", "internal: [eu]")
    unstated = policy.replace("  confidential: [local, eu]\n", "").replace("  internal: [eu]\n", "")
    models = parse_yaml(documents[Document.MODELS], ModelsDocument, "models.yaml")

    stated = permitted(models, parse_yaml(policy, PolicyDocument, "policy.yaml"))
    rest = permitted(models, parse_yaml(unstated, PolicyDocument, "policy.yaml"))

    assert list(stated) == ["public", "internal", "confidential", "personal", "special"]
    assert stated["internal"]["local"] == []
    assert rest["internal"] == rest["confidential"] == rest["personal"] == stated["personal"]


def test_overrides_are_told_beside_the_matrix() -> None:
    override = Override.model_validate(
        {"app": "crm", "use_case": "letters", "to": "internal", "reason": "invented-people"}
        | {"until": "2026-11-24"}
    )
    told = "crm/letters: what is stricter counts as internal until 2026-11-24, because"

    assert override_lines([override], date(2026, 11, 24)) == [f"{told} invented-people"]
    assert override_lines([override], date(2026, 11, 25)) == [f"{told} invented-people (over)"]

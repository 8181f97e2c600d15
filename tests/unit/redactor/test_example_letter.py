"""The letter of `make run`: what a model sees of it, and that it comes back."""

from pathlib import Path

from services.redactor.restoring import restore
from tests.unit.redactor.masking import mask

LETTER = Path(__file__).parents[3].joinpath("docs/examples/brev-da.txt").read_text(encoding="utf-8")
HIDDEN = (
    *("Mette", "Skovlund", "Thorsen", "Jonas", "Brix", "Anders"),
    *("Birkevænget", "8600", "140385", "4218", "40 28 11 93", "@eksempel", "DK95", "4567"),
)
KEPT = (
    *("ordre 4711-2089", "ordrenummer 20264711", "NV-350", "Nordlys Varme A/S", "Kundeservice"),
    *("17. november 2026", "38.950 kr.", "17 grader", "Svar venligst på dansk"),
    "med højst fire sætninger",
)


def test_nothing_personal_is_seen_and_all_else_is() -> None:
    (seen,) = mask(LETTER).texts

    assert not [value for value in HIDDEN if value in seen]
    assert not [value for value in KEPT if value not in seen]


def test_every_person_has_one_placeholder() -> None:
    found = mask(LETTER)

    people = {entry.value: code for code, entry in found.mapping.items() if entry.type == "person"}
    assert people == {
        "Mette Skovlund Thorsen": "Klient_001",
        "Jonas Brix": "Klient_002",
        "Anders Thorsen": "Klient_003",
    }
    assert found.texts[0].count("Klient_001") == 4
    assert "Klient_001s sag" in found.texts[0]


def test_an_answer_reads_as_if_nothing_had_been_masked() -> None:
    found = mask(LETTER)

    answer, unresolved = restore(
        "Kære Klient_001. Klient_002 ringer på Telefon_001.", found.mapping
    )

    assert answer == "Kære Mette Skovlund Thorsen. Jonas Brix ringer på 40 28 11 93."
    assert unresolved == 0

"""Placeholders: one per value, numbered in order, known again in many forms."""

import pytest

from services.redactor.kinds import KINDS
from services.redactor.placeholders import LOOSE, STRICT, Mapping, code_of, normalise


def test_a_value_keeps_its_placeholder_and_others_get_the_next() -> None:
    mapping = Mapping()

    codes = [mapping.add("person", name) for name in ("Bo Holm", "Eva Dam", "bo holm")]

    assert codes == ["Klient_001", "Klient_002", "Klient_001"]


def test_numbering_goes_on_past_999() -> None:
    mapping = Mapping()

    codes = [mapping.add("person", f"Person Nummer{number}") for number in range(1001)]

    assert codes[998:1001] == ["Klient_999", "Klient_1000", "Klient_1001"]


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("phone", "+45 12 34 56 78", "12345678"),
        ("phone", "0045 12345678", "12 34 56 78"),
        ("phone", "+49 (0) 30 901820", "030 901820"),
        ("cpr", "010190-1234", "0101901234"),
        ("iban", "DK95 2000 0123 4567 89", "dk9520000123456789"),
        ("email", "Bo@Eksempel.dk", "bo@eksempel.dk"),
        ("address", "Birkevej 2,\n8000 Aarhus C", "birkevej 2, 8000 Aarhus C"),
        ("card", "4111 1111 1111 1111", "4111111111111111"),
    ],
)
def test_two_spellings_of_a_value_are_one(kind: str, first: str, second: str) -> None:
    assert normalise(kind, first) == normalise(kind, second)


def test_national_numbers_share_one_label() -> None:
    assert {
        KINDS[kind].label for kind in ("cpr", "fodselsnummer", "personnummer", "steuer_id")
    } == {"Id"}


@pytest.mark.parametrize(
    "written",
    [
        *("Klient_001", "klient_001", "KLIENT_001", "Klient_1", r"Klient\_001", "Klient 001"),
        *("Klient-001", "Klient\u2011001", "Klient001", "Klient&#95;001", "Klient\u00a0001"),
    ],
)
def test_what_models_make_of_a_placeholder_is_known(written: str) -> None:
    match = LOOSE.fullmatch(written)

    assert match is not None
    assert code_of(match) == "Klient_001"


@pytest.mark.parametrize("written", ["konto 12", "kort 1", "id 7", "Telefon 99"])
def test_a_small_number_in_plain_text_is_no_placeholder(written: str) -> None:
    match = LOOSE.fullmatch(written)

    assert match is None or code_of(match) is None


@pytest.mark.parametrize("written", ["Klienten_001", "xKlient_001", "Klient_1234567", "Kunde_001"])
def test_other_words_are_no_placeholders(written: str) -> None:
    assert STRICT.fullmatch(written) is None


def test_a_letter_that_only_folds_to_another_makes_no_label() -> None:
    match = LOOSE.search("\u0130d_001")  # a capital I with a dot

    assert match is None or code_of(match) in {None, "Id_001"}


def test_a_mapping_comes_back_from_what_json_can_carry() -> None:
    mapping = Mapping("da")
    mapping.add("person", "Bo Holm")

    again = Mapping.load(mapping.dump(), mapping.language)

    assert list(again.items()) == list(mapping.items())
    assert again.language == "da"

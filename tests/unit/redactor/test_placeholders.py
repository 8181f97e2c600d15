"""Placeholders: one per value, numbered in order, over one request or a whole case."""

import pytest

from services.redactor.kinds import KINDS
from services.redactor.placeholders import STRICT, Known, Mapping, normalise


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


@pytest.mark.parametrize("written", ["Klienten_001", "xKlient_001", "Klient_1234567", "Kunde_001"])
def test_other_words_are_no_placeholders(written: str) -> None:
    assert STRICT.fullmatch(written) is None


def test_a_mapping_comes_back_from_what_json_can_carry() -> None:
    mapping = Mapping("da")
    mapping.add("person", "Bo Holm")

    again = Mapping.load(mapping.dump(), mapping.language)

    assert list(again.items()) == list(mapping.items())
    assert again.language == "da"


# --- what a case remembers -------------------------------------------------------------------

BO = Known("Klient_003", "person", "Bo", "Bo")


def _case() -> Mapping:
    return Mapping("da", known=[BO], last={"Klient": 7})


def test_numbers_go_on_where_the_case_has_left_off() -> None:
    mapping = _case()

    assert mapping.add("person", "Eva Dam") == "Klient_008"
    assert mapping.last == {"Klient": 8}


def test_what_is_only_remembered_is_not_in_the_mapping() -> None:
    mapping = _case()

    assert "Klient_003" not in mapping
    assert mapping.get("Klient_003") is None
    assert mapping.knows("Klient_003")
    assert list(mapping.taken()) == [("Klient_003", "person")]


def test_a_remembered_value_keeps_its_placeholder_and_is_not_new() -> None:
    mapping = _case()

    assert mapping.add("person", "bo") == "Klient_003"
    assert [*mapping.new(), *mapping.changed()] == []
    assert [code for code, _ in mapping.items()] == ["Klient_003"]


def test_a_fuller_name_is_put_back_from_now_on() -> None:
    mapping = _case()

    mapping.replace("Klient_003", "Bo Holm")

    entry = mapping.get("Klient_003")
    assert entry is not None
    assert entry.value == "Bo Holm"
    assert [(one.code, one.value) for one in mapping.changed()] == [("Klient_003", "Bo Holm")]


def test_a_fuller_name_that_somebody_has_already_is_theirs() -> None:
    mapping = _case()
    code = mapping.add("person", "Bo Holm")

    assert mapping.replace("Klient_003", "Bo Holm") == code
    assert [*mapping.changed()] == []
    mapping = _case()
    assert mapping.replace("Klient_003", "Bo Holm") == mapping.add("person", "Bo Holm")


def test_a_counter_that_was_lost_gives_no_placeholder_to_two() -> None:
    mapping = Mapping("da", known=[Known("Klient_001", "person", "Bo", "Bo")])

    assert mapping.add("person", "Eva Dam") == "Klient_002"

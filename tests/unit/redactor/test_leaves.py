"""Every text in a JSON value is read and written back in its place."""

import json

import pytest

from services.redactor import leaves
from services.redactor.leaves import Json, Pen

SCHEMA: dict[str, Json] = {
    "type": "object",
    "description": "a",
    "properties": {
        "type": {"type": ["string", "null"], "enum": ["b"], "title": "c"},
        "kundensName": {"anyOf": [{"const": "d"}, {"$ref": "#/$defs/sag"}]},
    },
    "required": ["type", "kundensName"],
    "$defs": {"sag": {"default": {"type": "e", "own": "f"}}},
    "x_note": "g",
}


def read(walk: str, value: Json) -> list[str]:
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(text)
        return text

    assert getattr(leaves, walk)(value, Pen(note, str)) == value
    return texts


def loud(text: str) -> str:
    return text.upper()


PEN = Pen(loud, lambda name: f"<{name}>")


def test_every_text_and_chosen_key_of_a_schema_is_read_and_its_words_are_not() -> None:
    assert read("schema", SCHEMA) == [
        *("a", "type", "b", "c", "kundens Name", "d", "#", "$defs", "sag"),
        *("type", "kundens Name", "sag", "type", "e", "own", "f", "x note", "g"),
    ]


def test_names_are_replaced_as_a_whole_and_alike_everywhere() -> None:
    assert leaves.schema({"properties": {"a_b": {}}, "required": ["a_b"]}, PEN) == {
        "properties": {"<a_b>": {}},
        "required": ["<a_b>"],
    }


def test_a_word_of_json_schema_that_is_a_value_is_read() -> None:
    assert read("schema", {"type": "Anders", "required": "Hansen", "const": "type"}) == [
        *("Anders", "Hansen", "type")
    ]


def test_a_field_is_read_behind_what_it_is_called_and_a_long_text_by_itself() -> None:
    long, source = "a" * 201, '["b"]'

    assert read("data", {"lastName": "Fardal", "to": ["x", source], "note": long}) == [
        *("last Name", "last Name: Fardal", "to", "to: x", source, "note", long)
    ]


def test_a_field_called_after_somebody_gets_back_what_was_in_it_only() -> None:
    pen = Pen(lambda text: text.replace("Hansen", "Klient_001"), str)

    assert leaves.data({"Hansen: sag": "1: Hansen"}, pen) == {"Hansen: sag": "1: Klient_001"}


def test_half_a_surrogate_pair_can_still_be_sent() -> None:
    pen = Pen(lambda text: text.replace("Hansen", "Klient_001"), str)

    assert leaves.source(r'{"a": "\ud83d Hansen"}', pen) == r'{"a": "\ud83d Klient_001"}'


def test_a_number_is_read_with_its_name_and_short_ones_are_not() -> None:
    assert read("data", {"kundensTelefon": "20 12 34 56", "cpr": 101901234, "ordre": 4711}) == [
        *("kundens Telefon", "kundens Telefon: 20 12 34 56", "cpr", "cpr: 101901234", "ordre")
    ]


def test_an_address_that_is_a_key_is_read_as_it_stands() -> None:
    assert read("data", {"karla@example.com": None, "10.0.0.1": None, "010190-1234": None}) == [
        *("karla@example.com", "10.0.0.1", "010190-1234")
    ]


def test_a_masked_number_becomes_a_text() -> None:
    pen = Pen(lambda text: text.replace("20123456", "Telefon_001"), str)

    assert leaves.data({"tlf": 20123456, "no": 2012}, pen) == {"tlf": "Telefon_001", "no": 2012}


def test_two_keys_that_become_one_lose_nothing() -> None:
    pen = Pen(lambda _: "same", lambda _: "same")

    assert leaves.data({"a": "b", "c": "d"}, pen) == {"same": "same", "same_": "same"}


def test_source_text_stays_valid_and_keeps_its_bytes_where_nothing_changes() -> None:
    written = '{ "to":  "Anders \\"Bo\\" Hansen" }'
    pen = Pen(lambda text: text.replace("Hansen", 'Klient "1"'), str)

    assert json.loads(leaves.source(written, pen)) == {"to": 'Anders "Bo" Klient "1"'}
    assert leaves.source(written, Pen(str, str)) == written


@pytest.mark.parametrize(
    "written",
    ['{"a": "b"', '{"a": "b", "a": "c"}', "[" * 70 + "]" * 70, "[" * 100_000, "Anders Hansen"],
    ids=["cut", "a key twice", "deep", "too deep to read", "no JSON"],
)
def test_source_text_that_cannot_be_walked_is_read_as_a_text(written: str) -> None:
    assert leaves.source(written, PEN) == written.upper()


def test_no_name_hides_behind_the_escapes_of_source_that_is_cut() -> None:
    cut = '{"a": "S\\u00f8ren\\nHansen, \\ud83d'

    assert leaves.source(cut, PEN) == '{"A": "SØREN\nHANSEN, \\UD83D'
    assert leaves.source(cut, Pen(str, str)) == cut

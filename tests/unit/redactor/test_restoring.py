"""Real values come back in everything that models make of placeholders, however it is cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.redactor.placeholders import Mapping
from services.redactor.restoring import HOLD_CHARS_MAX, Restorer, restore


def _mapping(language: str = "da") -> Mapping:
    mapping = Mapping(language)
    for name in ("Anders Hansen", "Jens", "Max", 'Bo "Bob" Holm'):
        mapping.add("person", name)
    mapping.add("address", "Birkevej 2\n8000 Aarhus C")
    mapping.add("iban", "DK95 2000 0123 4567 89")
    return mapping


@pytest.mark.parametrize(
    ("answer", "restored"),
    [
        ("Klient_001s sag", "Anders Hansens sag"),
        ("Klient_001's case", "Anders Hansen's case"),
        ("Klient 001 kom", "Anders Hansen kom"),
        ("klient_001 kom", "Anders Hansen kom"),
        (r"Klient\_001 kom", "Anders Hansen kom"),
        (r"Klient\_001s sag", "Anders Hansens sag"),
        ("**Klient_001** kom", "**Anders Hansen** kom"),
        ("**Klient_001**s sag", "**Anders Hansen**s sag"),
        ("_Klient_001_", "_Anders Hansen_"),
        ("[Klient_001](x)", "[Anders Hansen](x)"),
        ("`Klient_001`", "`Anders Hansen`"),
        ("Klient\u2011001", "Anders Hansen"),
        ("Klient_1 og Klient_01", "Anders Hansen og Anders Hansen"),
        ("KLIENT_001!", "Anders Hansen!"),
        ("| Klient_001 | 3 |", "| Anders Hansen | 3 |"),
        ("Klient_001-sagen", "Anders Hansen-sagen"),
        ("Konto_001.", "DK95 2000 0123 4567 89."),
        ("Adresse_001s", "Birkevej 2\n8000 Aarhus Cs"),
    ],
)
def test_a_placeholder_is_restored(answer: str, restored: str) -> None:
    assert restore(answer, _mapping()) == (restored, 0)


@pytest.mark.parametrize(
    ("language", "restored"),
    [
        ("da", "Jens' sag, Max' sag"),
        ("nb", "Jens' sag, Max' sag"),
        ("de", "Jens' sag, Max' sag"),
        ("sv", "Jens sag, Max sag"),
    ],
)
def test_a_name_that_ends_in_a_hiss_takes_its_language_genitive(
    language: str, restored: str
) -> None:
    assert restore("Klient_002s sag, Klient_003s sag", _mapping(language))[0] == restored


@pytest.mark.parametrize(
    "answer", ["Klient_007 kom", "konto 12", "Klient_0010", "Sklient_001", "kort 1234"]
)
def test_what_stands_for_nothing_stays_as_it_is(answer: str) -> None:
    assert restore(answer, _mapping())[0] == answer


def test_placeholders_that_the_model_invented_are_counted() -> None:
    text, unresolved = restore("Klient_001, Klient_007 og Adresse_099; konto 123", _mapping())

    assert text == "Anders Hansen, Klient_007 og Adresse_099; konto 123"
    assert unresolved == 2


def test_a_value_is_not_restored_twice() -> None:
    mapping = Mapping("da")
    mapping.add("literal", "Tekst_002")
    mapping.add("literal", "Tekst_001")

    assert restore("Tekst_001 Tekst_002", mapping)[0] == "Tekst_002 Tekst_001"


def test_arguments_of_a_tool_stay_json() -> None:
    arguments = '{"to": "Klient_004", "text": "Til:\\nKlient_004s hus\\n\\tAdresse_001"}'
    restorer = Restorer(_mapping(), in_json=True)

    restored = json.loads(restorer.feed(arguments) + restorer.finish())

    assert restored == {
        "to": 'Bo "Bob" Holm',
        "text": 'Til:\nBo "Bob" Holms hus\n\tBirkevej 2\n8000 Aarhus C',
    }


PIECES = st.lists(
    st.sampled_from(
        [
            *("Klient_001", "klient 001", r"Klient\_002", "**Klient_001**", "Klient_0", "01", "s"),
            *("s ", "'", " ", "_", "Kli", "ent", "Adresse_001", "Konto_001", "Id_001", "&#95;"),
            *("k", "\\n", "Klient_003s", "Tekst", "\\", "æ", "1", "-", "\u2011", ".", "\n"),
            "Klient_1234567",
        ]
    ),
    max_size=25,
)


@given(pieces=PIECES, data=st.data(), in_json=st.booleans())
def test_any_cut_gives_the_same_bytes(
    pieces: list[str], data: st.DataObject, *, in_json: bool
) -> None:
    text = "".join(pieces)
    cuts = data.draw(st.lists(st.integers(0, len(text))))
    edges = [0, *sorted(cuts), len(text)]
    whole = Restorer(_mapping(), in_json=in_json)
    cut = Restorer(_mapping(), in_json=in_json)

    expected = whole.feed(text) + whole.finish()
    got = "".join(cut.feed(text[start:end]) for start, end in pairwise(edges)) + cut.finish()

    assert got == expected
    assert cut.unresolved_count == whole.unresolved_count


@given(PIECES)
def test_single_characters_give_the_same_bytes(pieces: list[str]) -> None:
    text = "".join(pieces)
    restorer = Restorer(_mapping())

    got = "".join(map(restorer.feed, text)) + restorer.finish()

    assert got == restore(text, _mapping())[0]


@given(PIECES)
def test_a_stream_is_never_held_back_by_more_than_a_possible_placeholder(
    pieces: list[str],
) -> None:
    restorer = Restorer(Mapping())
    given_count = 0
    for taken, character in enumerate("".join(pieces), start=1):
        given_count += len(restorer.feed(character))

        assert taken - given_count <= HOLD_CHARS_MAX


def test_plain_text_is_passed_on_at_once() -> None:
    restorer = Restorer(_mapping())

    assert restorer.feed("Vi har modtaget jeres brev. ") == "Vi har modtaget jeres brev. "

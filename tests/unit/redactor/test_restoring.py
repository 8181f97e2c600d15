"""Real values come back in everything that models make of placeholders, however it is cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.redactor.labels import Naming
from services.redactor.placeholders import Mapping
from services.redactor.reading import HOLD_CHARS_MAX
from services.redactor.restoring import Restorer, restore, restore_json
from shared.contracts.masking import MaskingPolicy, Style
from shared.contracts.values import Language


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


@pytest.mark.parametrize("written", ["konto 12", "kort 1", "id 7", "Telefon 99", "\u0130d_001"])
def test_a_small_number_in_plain_text_is_no_placeholder(written: str) -> None:
    mapping = Mapping("da")
    for number in range(100):
        mapping.add("account", f"{number}")
        mapping.add("card", f"{number}")
        mapping.add("phone", f"{number}")
        mapping.add("cpr", f"{number}")

    assert restore(written, mapping)[0] in {written, "0"}


def test_placeholders_that_the_model_invented_are_counted() -> None:
    text, unresolved = restore("Klient_001, Klient_007 og Adresse_099; konto 123", _mapping())

    assert text == "Anders Hansen, Klient_007 og Adresse_099; konto 123"
    assert unresolved == 2


def test_a_value_is_not_restored_twice() -> None:
    mapping = Mapping("da")
    mapping.add("literal", "Tekst_002")
    mapping.add("literal", "Tekst_001")

    assert restore("Tekst_001 Tekst_002", mapping)[0] == "Tekst_002 Tekst_001"


@pytest.mark.parametrize(
    ("answer", "restored"),
    [
        (r"Klient\\_001 kom", "Anders Hansen kom"),
        ("Klient%5F001", "Anders Hansen"),
        ("Klient%20001", "Anders Hansen"),
        ("Klient&nbsp;001", "Anders Hansen"),
        ("Klient&#x5F;001", "Anders Hansen"),
        ("Klient&lowbar;001", "Anders Hansen"),
        ("Klient\uff3f\uff10\uff10\uff11", "Anders Hansen"),
        ("Klient\u202f001", "Anders Hansen"),
        ("Klient \u2013 001", "Anders Hansen"),
        ("Klient\u2014001", "Anders Hansen"),
        ("<Klient_001>", "<Anders Hansen>"),
        ("&lt;Klient_001&gt;", "&lt;Anders Hansen&gt;"),
        ("{{Klient_001}}", "{{Anders Hansen}}"),
        ("<b>Klient_001</b>", "<b>Anders Hansen</b>"),
        ("(Klient_001)", "(Anders Hansen)"),
        ("***Klient_001***s", "***Anders Hansen***s"),
        ("Klient_001\u2019s", "Anders Hansen\u2019s"),
        ("Klient_002' sag", "Jens' sag"),
        ("**Klient_002**s sag", "**Jens**' sag"),
        ("[Klient_002]s sag", "[Jens]' sag"),
    ],
)
def test_more_that_models_do_to_a_placeholder(answer: str, restored: str) -> None:
    assert restore(answer, _mapping()) == (restored, 0)


def test_swedish_writes_the_genitive_of_a_code_with_a_colon() -> None:
    assert restore("Klient_001:s sak", _mapping("sv"))[0] == "Anders Hansens sak"
    assert restore("Klient_002:s sak", _mapping("sv"))[0] == "Jens sak"
    assert restore("Klient_001:s", _mapping("da"))[0] == "Anders Hansen:s"


@pytest.mark.parametrize(
    "written",
    ["Client_001", "Kunde_001", "customer_001", "CUSTOMER 001", r"Kund\_001", "Person_001"],
)
def test_a_translated_word_is_known_again(written: str) -> None:
    assert restore(f"{written} kom", _mapping()) == ("Anders Hansen kom", 0)


@pytest.mark.parametrize("written", ["Adress_001", "Address_001", "Anschrift_001"])
def test_the_words_of_other_kinds_are_translated_too(written: str) -> None:
    assert restore(written, _mapping())[0] == "Birkevej 2\n8000 Aarhus C"


@pytest.mark.parametrize("written", ["Client_099", "Phone_001", "number_001", "customer 12"])
def test_a_translated_word_without_a_known_number_stays(written: str) -> None:
    assert restore(written, _mapping()) == (written, 0)


def test_the_word_of_a_kind_never_means_another() -> None:
    # Here "Kunde" is what customer numbers are called: no person may be put back for it.
    policy = MaskingPolicy(labels={"customer_number": {Language.DANISH: "Kunde"}})
    mapping = Mapping("da", Naming.of(policy, "da"))
    mapping.add("person", "Anders Hansen")

    assert restore("Kunde_001, Client_001", mapping) == ("Kunde_001, Anders Hansen", 1)


def test_a_translated_word_that_may_mean_two_stays() -> None:
    entries = [("Klient_001", "person", "Bo"), ("Kunde_001", "person", "Eva")]
    mapping = Mapping.load(entries, "da")

    assert restore("Klient_001, kunde_001, Client_001", mapping)[0] == "Bo, Eva, Client_001"


def _compact() -> tuple[Mapping, str]:
    mapping = Mapping("da", Naming(Style.COMPACT), salt=b"a case")
    mapping.add("person", "Anders Hansen")
    return mapping, mapping.add("person", "Jens").removeprefix("PERSON-")


@pytest.mark.parametrize(
    ("answer", "restored"),
    [
        *(("PERSON-{} kom", "Jens kom"), ("person-{} kom", "Jens kom")),
        *(("PERSON-{}s sag", "Jens' sag"), ("**PERSON-{}**", "**Jens**")),
        *(("PERSON {}", "Jens"), ("PERSON\u2011{}", "Jens"), ("PERSON_{}", "Jens")),
        *((r"PERSON\-{}", "Jens"), ("CLIENT-{}", "Jens"), ("PERSON{}", "Jens")),
        *(("PERSON-{}-sagen", "Jens-sagen"), ("<PERSON-{}>", "<Jens>")),
    ],
)
def test_a_compact_placeholder_is_restored(answer: str, restored: str) -> None:
    mapping, code = _compact()

    assert restore(answer.format(code), mapping) == (restored, 0)
    assert restore(answer.format(code.lower()), mapping) == (restored, 0)


def test_a_compact_placeholder_that_the_model_invented_stays_and_is_counted() -> None:
    mapping, code = _compact()
    other = "2AA" if code != "2AA" else "2AC"

    assert restore(f"PERSON-{other}, person-{other}", mapping)[1] == 1
    assert restore(f"PERSON-{code}4x", mapping)[0] == f"PERSON-{code}4x"


def test_both_styles_are_read_where_a_case_has_both() -> None:
    entries = [("Klient_001", "person", "Bo"), ("PERSON-7Q3", "person", "Eva")]
    for naming in (Naming(), Naming(Style.COMPACT)):
        mapping = Mapping.load(entries, "da", naming)

        assert restore("klient_001 og person-7q3s", mapping)[0] == "Bo og Evas"


# --- arguments of functions ------------------------------------------------------------------


def test_arguments_of_a_function_stay_json() -> None:
    arguments = '{"to": "Klient_004", "text": "Til:\\nKlient_004s hus\\n\\tAdresse_001"}'

    restored, unresolved = restore_json(arguments, _mapping())

    assert unresolved == 0
    assert json.loads(restored) == {
        "to": 'Bo "Bob" Holm',
        "text": 'Til:\nBo "Bob" Holms hus\n\tBirkevej 2\n8000 Aarhus C',
    }


def test_json_in_json_stays_json() -> None:
    inner = json.dumps({"who": "Klient_004", "list": [json.dumps(["Adresse_001"])]})

    restored = json.loads(restore_json(json.dumps({"body": inner}), _mapping())[0])

    body = json.loads(restored["body"])
    assert body["who"] == 'Bo "Bob" Holm'
    assert json.loads(body["list"][0]) == ["Birkevej 2\n8000 Aarhus C"]


@pytest.mark.parametrize(
    "arguments",
    [
        '{ "a":1.0, "b" : 1e400,"c":[ ],"a":123456789012345678901234567890, "d": "x"}',
        '"plain"',
        "not JSON",
        "",
        "[" * 5000,
        "9" * 5000,
    ],
)
def test_what_holds_no_placeholder_stays_byte_for_byte(arguments: str) -> None:
    assert restore_json(arguments, _mapping()) == (arguments, 0)


def test_only_strings_are_written_anew() -> None:
    arguments = '{ "n":1e400, "who" : "Klient_001","k":1.50 }'

    assert restore_json(arguments, _mapping())[0] == arguments.replace(
        "Klient_001", "Anders Hansen"
    )


def test_escapes_of_unicode_stay_escapes() -> None:
    restored = restore_json(r'"\ud83d Klient\u005f001"', _mapping())[0]

    assert restored == r'"\ud83d Anders Hansen"'
    assert restored.encode()


def test_a_text_in_quotes_is_no_json() -> None:
    restored = restore_json(json.dumps({"say": '"Klient_004"'}), _mapping())[0]

    assert json.loads(restored) == {"say": '"Bo "Bob" Holm"'}


def test_keys_are_restored_and_what_is_invented_is_counted() -> None:
    restored = restore_json('{"Klient_001": "Klient_042", "no": {"Klient_043": 1}}', _mapping())

    assert restored == ('{"Anders Hansen": "Klient_042", "no": {"Klient_043": 1}}', 2)


# --- streams ---------------------------------------------------------------------------------


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


@given(pieces=PIECES, data=st.data())
def test_any_cut_gives_the_same_bytes(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = data.draw(st.lists(st.integers(0, len(text))))
    edges = [0, *sorted(cuts), len(text)]
    whole = Restorer(_mapping())
    cut = Restorer(_mapping())

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


@pytest.mark.parametrize(
    "piece",
    ["Vi har modtaget jeres brev. ", "Vi har modtaget", "kl. 12", "bilag_3", "et **bilag**"],
)
def test_plain_text_is_passed_on_at_once(piece: str) -> None:
    assert Restorer(_mapping()).feed(piece) == piece


@pytest.mark.parametrize("piece", ["Kl", "Klient", "Klient_", "Klient_001", "Klient_001**", "cust"])
def test_what_may_become_a_placeholder_waits(piece: str) -> None:
    assert Restorer(_mapping()).feed(f"Til {piece}") == "Til "

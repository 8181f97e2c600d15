"""Masking: everything personal is replaced, everything else stays, and it all comes back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.redactor.leaking import leak_check
from services.redactor.policy import Rules
from services.redactor.restoring import restore
from shared.contracts.masking import Bias, MaskingPolicy, Style
from tests.unit.redactor.masking import mask, masked, masker


def test_the_reference_sentence_shows_nothing() -> None:
    text = "Anders Hansen, Vestergade 12, 8000 Aarhus C, CPR 010190-1234, anders@hansen.dk"

    assert masked(text) == "Klient_001, Adresse_001, CPR Id_001, Email_001"


def test_order_numbers_stay_readable() -> None:
    text = "ordrenummer 20231145, ordre 4711-2089 og sagsnr. 010190-1234"

    assert masked(text) == text


def test_a_value_is_masked_wherever_it_stands_again() -> None:
    found = mask("Ring til mig på tlf. 20231145.", "20231145 var optaget, 20 23 11 45 også.")

    assert found.texts[1] == "Telefon_001 var optaget, Telefon_001 også."


def test_text_like_a_placeholder_comes_back_unchanged() -> None:
    text = "Anders Hansen skrev Klient_001, klient 001, Klient_001s og konto 001."

    found = mask(text, language="da")

    assert found.texts[0].startswith("Klient_001 skrev Tekst_001, Tekst_002, Tekst_001s")
    assert restore(found.texts[0], found.mapping) == (text, 0)


def test_a_loose_look_alike_of_an_escape_is_escaped_too() -> None:
    text = "Klient_001 og tekst 001 og tekst 002 og tekst 003"

    found = mask(text, language="da")

    assert restore(found.texts[0], found.mapping) == (text, 0)


def test_a_name_glued_to_digits_keeps_its_digits() -> None:
    text = "Peter Hansen, Hansen2 og x-Hansen7y"

    found = mask(text, language="da")

    assert "Hansen" not in found.texts[0]
    assert restore(found.texts[0], found.mapping)[0] == text


def test_names_in_json_are_masked_and_the_json_stays_json() -> None:
    arguments = '{"kunde": "J\\u00f8rgen \\"Bo\\" Dam", "tlf": "22 33 44 55", "antal": 3}'

    found = mask(arguments, language="da")

    assert set(json.loads(found.texts[0])) == {"kunde", "tlf", "antal"}
    assert "22 33" not in found.texts[0]
    assert "Dam" not in found.texts[0]


def test_a_find_names_place_type_and_placeholder() -> None:
    (finds,) = mask("Kære Bo Holm", language="da").finds

    assert [(find.start, find.end, find.type, find.placeholder) for find in finds] == [
        (5, 12, "person", "Klient_001")
    ]
    assert "Holm" not in repr(finds)


def test_nothing_that_holds_values_shows_them() -> None:
    found = mask("Kære Bo Holm")

    assert "Holm" not in repr((found, found.mapping, found.mapping.get("Klient_001")))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Kære kundeservice, jeg skriver, fordi jeg ikke har hørt fra jer.", "da"),
        ("Kjære kundeservice, jeg skriver fordi jeg ikke har hørt av dere hva skjer.", "nb"),
        ("Eg veit ikkje kva de meiner, men eg skal sjå på det sjølv.", "nn"),
        ("Hej, jag undrar varför jag inte har fått något svar.", "sv"),
        ("Ich habe noch keine Antwort und bitte Sie, mir zu schreiben.", "de"),
        ("I have not heard from you, please write to me.", "en"),
        ("12345", None),
    ],
)
def test_the_language_is_guessed(text: str, language: str | None) -> None:
    assert mask(text).mapping.language == language


NAMES = ["Anders Hansen", "Mette Skovlund Thorsen", "Jens", "Karen Holm", "Petra Müller"]
VALUES = [
    *NAMES,
    *("010190-1234", "12 34 56 78", "+45 40 28 11 93", "bo@eksempel.dk"),
    *("Birkevej 2, 8000 Aarhus C", "DK95 2000 0123 4567 89", "Klient_001", "klient 002"),
    *("ordre 4711-2089", "konto 001", "Tekst_001", "S&oslash;ren Brandt", "Bo Lu\u0308ders"),
]
FRAMES = ["Kære {}. ", "CPR {}, ", "Ring til {}\n", "{}; ", "Det er {}s sag. ", "**{}** og "]


@given(st.lists(st.tuples(st.sampled_from(FRAMES), st.sampled_from(VALUES)), max_size=12))
def test_what_was_masked_comes_back_byte_for_byte(parts: list[tuple[str, str]]) -> None:
    text = "".join(frame.format(value) for frame, value in parts)

    found = mask(text, language="da")

    assert restore(found.texts[0], found.mapping) == (text, 0)


def test_a_name_behind_the_end_of_an_address_is_one_name() -> None:
    text = "Kære Anders Hansen. Kære Birkevej 2, 8000 Aarhus C. Anders Hansen; "

    found = mask(text, language="da")

    assert found.texts[0] == "Kære Klient_001. Kære Adresse_001. Klient_001; "
    assert restore(found.texts[0], found.mapping) == (text, 0)


@given(st.text(alphabet="Aanders Hnklit_0123 '.,\n@x-", max_size=80))
def test_any_text_at_all_can_be_masked(text: str) -> None:
    mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "Klient\u2014001 og Klient-001, skrev Anders Hansen. Klient-\uff10\uff10\uff11",
        "Klient_001 og Klient&#95;001, skrev Anders Hansen",
        # Before the label an accent, an entity, something unseen: none of them a letter by itself.
        "Anders Hansen skrev e\u0301Klient_001, &aelig;Kunde_001 og x\u200bClient_001",
    ],
)
def test_what_looks_like_a_placeholder_comes_back_as_it_was_written(text: str) -> None:
    found = mask(text, language="da")

    assert restore(found.texts[0], found.mapping) == (text, 0)


@pytest.mark.parametrize(
    "text",
    [
        "Skriv til 20 23 11 45, 20 23 11 45fra i går",
        "Klient_001PERSON-6J5 og Klient 007x, skrev Anders Hansen",
        "Anders Hansens sag",
    ],
)
def test_a_compact_placeholder_does_not_run_into_a_word(text: str) -> None:
    rules = Rules(MaskingPolicy(style=Style.COMPACT))
    found = masker().mask([text], "da", rules)

    assert "Hansen" not in found.texts[0]
    assert restore(found.texts[0], found.mapping) == (text, 0)


@pytest.mark.parametrize(
    ("bias", "seen"),
    [
        (Bias.PRECISE, ["Jeg talte med Bo.", "0101901234"]),
        (Bias.BALANCED, ["Jeg talte med Klient_001.", "Telefon_001"]),
        (Bias.THOROUGH, ["Jeg talte med Klient_001.", "Id_001"]),
    ],
)
def test_the_policy_chooses_between_misses_and_false_alarms(bias: Bias, seen: list[str]) -> None:
    rules = Rules(policy=MaskingPolicy(bias=bias))
    texts = ("Jeg talte med Bo.", "0101901234")

    assert [masker().mask([text], "da", rules).texts[0] for text in texts] == seen


@pytest.mark.parametrize("escape", ["\\n", "\\t", "\\r\\n", "\\\\n"])
def test_no_value_hides_behind_an_escaped_line_break(escape: str) -> None:
    text = f"Her: {escape}Hansen ringede.{escape}20 23 11 45. Fra Anders Hansen, tlf. 20231145"
    found = mask(text)

    assert found.texts[0].startswith(f"Her: {escape}Klient_001 ringede.{escape}Telefon_001.")
    assert leak_check(json.dumps([text]).encode(), [("person", "Hansen")]) == {"person"}


def test_a_long_chain_of_look_alikes_is_masked_in_a_few_rounds() -> None:
    # The suite's own time limit is the measure: one round for each takes minutes here.
    text = " ".join(["Klient_001", *(f"tekst {number:03d}" for number in range(1, 9000))])

    found = masker().mask([text], "da")

    assert len(found.mapping) == 9000
    assert restore(found.texts[0], found.mapping) == (text, 0)


def test_look_alikes_that_touch_come_back() -> None:
    text = " Klient_001 Klient_001\u0301Klient_001"

    found = masker().mask([text], "da")

    assert restore(found.texts[0], found.mapping) == (text, 0)

"""The last look at what leaves: any masked value in it, in any form, is one too many."""

import json

import pytest

from services.redactor.leaking import leak_check
from tests.unit.redactor.masking import mask

SURFACES = frozenset(
    {
        ("person", "Søren Hansen"),
        ("person", "Karen"),
        ("phone", "12 34 56 78"),
        ("cpr", "010190-1234"),
        ("address", "Birkevej 2\n8000 Aarhus C"),
        ("email", "bo@eksempel.dk"),
    }
)


@pytest.mark.parametrize(
    ("text", "leaking"),
    [
        ("Søren Hansen", "person"),
        ("SØREN HANSEN", "person"),
        ("søren hansens sag", "person"),
        ("S\u00adøren Hansen", "person"),
        ("S&oslash;ren Hansen", "person"),
        ("Karens bil", "person"),
        ("KAREN!", "person"),
        ("ring 12345678", "phone"),
        ("+45 12 34 56 78", "phone"),
        ("0101901234", "cpr"),
        ("Birkevej 2\n8000 Aarhus C", "address"),
        ("BO@eksempel.DK", "email"),
    ],
)
def test_a_value_is_noticed_in_any_form(text: str, leaking: str) -> None:
    for serialised in (
        json.dumps({"content": text}).encode(),
        json.dumps({"content": text}, ensure_ascii=False).encode(),
    ):
        assert leak_check(serialised, SURFACES) == {leaking}


@pytest.mark.parametrize(
    "text",
    [
        "Sørensen og Hansen",
        "karen er lille",
        "Karensen",
        "1234567890",
        "Birkevej 22",
        "bo@eksempel",
    ],
)
def test_other_text_is_no_leak(text: str) -> None:
    assert not leak_check(json.dumps({"content": text}).encode(), SURFACES)


def test_what_the_masker_masks_does_not_leak() -> None:
    found = mask("Hr. Richter og fru Bo kom. En richter bo her, og bo kom. Richter!", language="da")

    serialised = json.dumps(found.texts, ensure_ascii=False).encode()

    assert not leak_check(serialised, found.surfaces)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("070761-4285", "cpr"),
        ("01010750160", "fodselsnummer"),
        ("19850709-9805", "personnummer"),
        ("36574261809", "steuer_id"),
        ("65 170839 J 003", "sozialversicherungsnummer"),
        ("DK50 0040 0440 1162 43", "iban"),
    ],
)
def test_a_number_with_a_checksum_that_nobody_looked_at_is_noticed(number: str, kind: str) -> None:
    overlooked = json.dumps({"messages": [{"content": "Hej"}], "user": number}).encode()

    assert kind in leak_check(overlooked, frozenset())


@pytest.mark.parametrize(
    "text", ["Ordrenummer 01010750160", "Varenr. 36574261809", "Model DE89370400440532013001"]
)
def test_what_is_left_on_purpose_is_no_leak(text: str) -> None:
    serialised = json.dumps({"content": mask(text).texts[0]}).encode()

    assert text.encode() in serialised
    assert not leak_check(serialised, frozenset())

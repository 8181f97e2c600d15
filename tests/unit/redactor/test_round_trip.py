"""What is masked and comes back from a model that repeats it reads as before, byte for byte.

Whatever people type, also what looks like a placeholder; in both styles, under any words; and
however an answer is cut into pieces. Some 10,000 texts and chunkings.
"""

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.redactor.domain import Masked, Memory
from services.redactor.labels import TRANSLATED, Naming
from services.redactor.placeholders import Known, Mapping
from services.redactor.policy import Rules
from services.redactor.reading import HOLD_CHARS_MAX
from services.redactor.restoring import Restorer, restore, restore_json
from shared.contracts.masking import MaskingPolicy, Style
from shared.contracts.values import Language
from tests.unit.redactor.masking import masker

STATED = {
    "person": dict.fromkeys(Language, "Kunde"),
    "customer_number": dict.fromkeys(Language, "Sagsnøgle"),
    "literal": dict.fromkeys(Language, "Ordret"),
}
RULES = [
    Rules(MaskingPolicy(style=style, labels=labels)) for style in Style for labels in ({}, STATED)
]
KNOWN = (
    Known("Klient_004", "person", "Eva Dam", "Eva Dam"),
    Known("Kunde_005", "person", "Ida Krogh", "Ida Krogh"),
    Known("PERSON-7Q3", "person", "Ulla Bech", "Ulla Bech"),
    Known("Telefon_012", "phone", "44 55 66 77", "44 55 66 77"),
    Known("Tekst_002", "literal", "Klient_009", "Klient_009"),
)
SCOPE = Memory(KNOWN, last={"Klient": 4, "Kunde": 5, "PERSON": 1, "Telefon": 12, "Tekst": 2})
VALUES = (
    *("Anders Hansen", "Eva Dam", "Jens Olsen", "bo@eksempel.dk", "CPR 010190-1234"),
    *("tlf. 22 33 44 55", "44 55 66 77", "DK50 0040 0440 1162 43"),
)
WORDS = ("Klient", "Kunde", "PERSON", "Telefon", "Tekst", "Ordret", "Id", *TRANSLATED)
SEPARATORS = (
    *("_", r"\_", r"\\_", "-", " ", "\u00a0", "\u2011", "", " - ", "\uff3f"),
    *("&#95;", "%5F", "%20", "&nbsp;"),
)
NUMBERS = (
    *("001", "002", "004", "005", "012", "1", "4", "0005", "123", "012345"),
    *("7Q3", "7q3", "2AC"),
)
ENDINGS = ("", "s", "'s", "\u2019s", ":s", "**", "_", "]s", "-sagen", "x", ".")
NOISE = (
    *("Vi ses. ", "\n", "**", "`", "[", "(", "\U0001f600", "&lt;", "ø", "_", "3 kort ", "\\"),
    *("\u0301", "&aring;", "\u200b"),
)

LOOK_ALIKES = st.builds("".join, st.tuples(*map(st.sampled_from, (WORDS, SEPARATORS, NUMBERS))))
TYPED = st.builds("{}{}".format, LOOK_ALIKES, st.sampled_from(ENDINGS))
SAID = st.sampled_from(VALUES).map("Se {}, ".format)
TEXTS = st.lists(
    st.one_of(TYPED.map(" {} ".format), SAID, st.sampled_from(NOISE), TYPED), max_size=8
).map("".join)
LANGUAGES = st.sampled_from(["da", "nb", "nn", "sv", "de", "en"])


def _masked(texts: Sequence[str], language: str, rules: Rules, memory: Memory) -> Masked:
    return masker().mask(texts, language, rules, memory)


@settings(max_examples=3000, deadline=None)
@given(
    text=TEXTS,
    language=LANGUAGES,
    rules=st.sampled_from(RULES),
    memory=st.sampled_from([Memory(salt=b"one"), SCOPE]),
)
def test_what_is_masked_comes_back_as_it_was(
    text: str, language: str, rules: Rules, memory: Memory
) -> None:
    found = _masked([text], language, rules, memory)

    assert restore(found.texts[0], found.mapping) == (text, 0)


@settings(max_examples=500, deadline=None)
@given(texts=st.lists(TEXTS, max_size=3), rules=st.sampled_from(RULES))
def test_a_request_that_is_delivered_again_is_masked_to_the_same_bytes(
    texts: list[str], rules: Rules
) -> None:
    first, again = (_masked(texts, "da", rules, SCOPE) for _ in range(2))

    assert first.texts == again.texts


# --- answers ---------------------------------------------------------------------------------


def _mapping(style: Style) -> Mapping:
    codes = ("Klient_001", "Klient_002", "PERSON-7Q3", "Kunde_005", "Adresse_001", "Tekst_001")
    kinds = ("person", "person", "person", "person", "address", "literal")
    values = ("Jens", "Anders Hansen", "Max", 'Bo "Bob" Dam', "Birkevej 2\n8000 Aarhus", "Kunde_1")
    return Mapping.load(zip(codes, kinds, values, strict=True), "da", Naming(style))


MAPPINGS = {style: _mapping(style) for style in Style}
PIECES = st.sampled_from(["Klient_001s", "**PERSON-7Q3**s", "Kli", "ent_0", "01", "s", *NOISE])
ANSWERS = st.lists(st.one_of(TYPED, PIECES, st.sampled_from(NUMBERS)), max_size=10).map("".join)


@settings(max_examples=4000, deadline=None)
@given(text=ANSWERS, cuts=st.lists(st.integers(0, 120), max_size=6), style=st.sampled_from(Style))
def test_however_an_answer_is_cut_it_is_the_same(text: str, cuts: list[int], style: Style) -> None:
    whole, cut = Restorer(MAPPINGS[style]), Restorer(MAPPINGS[style])
    edges = sorted({0, len(text), *(at for at in cuts if at < len(text))})

    expected = whole.feed(text) + whole.finish()
    got = "".join(cut.feed(text[start:end]) for start, end in pairwise(edges)) + cut.finish()

    assert got == expected
    assert cut.unresolved_count == whole.unresolved_count


@settings(max_examples=1500, deadline=None)
@given(text=ANSWERS, style=st.sampled_from(Style))
def test_sign_by_sign_an_answer_is_the_same_and_hardly_held_back(text: str, style: Style) -> None:
    restorer = Restorer(MAPPINGS[style])
    plain = Restorer(Mapping("da", Naming(style)))
    out, given_count = "", 0
    for taken, sign in enumerate(text, start=1):
        out += restorer.feed(sign)
        given_count += len(plain.feed(sign))
        assert taken - given_count <= HOLD_CHARS_MAX

    assert out + restorer.finish() == restore(text, MAPPINGS[style])[0]


JSON = st.recursive(
    st.one_of(ANSWERS, st.integers(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(ANSWERS, inner, max_size=3),
        inner.map(json.dumps),
    ),
    max_leaves=6,
)


@settings(max_examples=1000, deadline=None)
@given(value=JSON, style=st.sampled_from(Style), ascii_only=st.booleans())
def test_arguments_stay_json(value: object, style: Style, *, ascii_only: bool) -> None:
    arguments = json.dumps(value, ensure_ascii=ascii_only)

    restored, _ = restore_json(arguments, MAPPINGS[style])

    assert _shape(json.loads(restored)) == _shape(value)


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return [_shape(one) for one in value.values()]
    if isinstance(value, list):
        return [_shape(one) for one in value]
    return type(value).__name__


@pytest.mark.parametrize("rules", RULES)
def test_what_the_case_knows_and_this_request_does_not_name_is_escaped_too(rules: Rules) -> None:
    text = "Klient_004, klient 005, Kunde_005, person-7q3, client_004 og Phone_012"

    found = _masked([text], "da", rules, SCOPE)

    assert not any(known.code in found.texts[0] for known in KNOWN[:4])
    assert restore(found.texts[0], found.mapping) == (text, 0)

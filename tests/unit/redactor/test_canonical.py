"""One spelling for detection, with the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.redactor.canonical import canonicalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Mu\u0308ller", "Müller"),
        ("Han\u00adsen", "Hansen"),
        ("Han\u200bsen\ufeff", "Hansen"),
        ("S&oslash;ren&nbsp;Bo", "Søren Bo"),
        ("&#72;ansen", "Hansen"),
        ("12\u201334\u00a056", "12-34 56"),
        ("Jens\u2019 sag", "Jens' sag"),
        ("\uff11\uff12\uff20", "12@"),
        ("AT&T og R&D;", "AT&T og R&D;"),
        ('{"name": "J\\u00f8rgen\\nBo"}', '{"name": "Jørgen\nBo"}'),
        ("C:\\new\\u00f8", "C:\\newø"),
        ("Kære\\nHansen\\t20\\\\r30", "Kære\nHansen\n20\n30"),
        ('se {"a": "S\\\\u00f8ren"}', 'se {"a": "Søren"}'),
    ],
)
def test_a_text_is_brought_into_one_spelling(text: str, read: str) -> None:
    assert canonicalise(text).text == read


def test_a_plain_text_is_not_copied_into_offsets() -> None:
    assert canonicalise("Kære Søren, tak.").starts is None


def test_a_place_is_found_again_in_the_text_as_it_came() -> None:
    text = "Hr. Mu\u0308l\u00adler&nbsp;Bo kom"
    canonical = canonicalise(text)
    start = canonical.text.index("Müller Bo")

    first, last = canonical.original(start, start + len("Müller Bo"))

    assert text[first:last] == "Mu\u0308l\u00adler&nbsp;Bo"


@given(st.text(alphabet='aeøu\u0308\u0301\u200b\u00ad&;#39xk \u00a0-\\n{}"', max_size=60))
def test_every_character_leads_back_into_the_text(text: str) -> None:
    canonical = canonicalise(text)

    places = [canonical.original(at, at + 1) for at in range(len(canonical.text))]

    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)

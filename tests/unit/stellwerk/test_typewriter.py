"""Streamed text is wrapped like text that was there from the start."""

import pytest

from stellwerk.typewriter import Typewriter

TEXT = "Kære Karla\n\nDin pakke er på vej,  og den er snart fremme hos dig."
SHOWN = "  Kære Karla\n\n  Din pakke er på vej,\n  og den er snart\n  fremme hos dig.\n"


@pytest.mark.parametrize("length", [1, 2, 3, 7, 100])
def test_text_comes_out_the_same_however_it_is_cut(length: int) -> None:
    written: list[str] = []
    typewriter = Typewriter(written.append, margin=2, width=22)
    for start in range(0, len(TEXT), length):
        typewriter.type(TEXT[start : start + length])
    typewriter.finish()
    assert "".join(written) == SHOWN


def test_a_word_goes_out_as_soon_as_its_end_is_known() -> None:
    written: list[str] = []
    typewriter = Typewriter(written.append, margin=0, width=80)
    typewriter.type("Kære Kar")
    assert "".join(written) == "Kære"
    typewriter.type("la ")
    assert "".join(written) == "Kære Karla"


def test_a_word_longer_than_the_line_stands_alone() -> None:
    written: list[str] = []
    typewriter = Typewriter(written.append, margin=1, width=6)
    typewriter.type("a bbbbbbbbb c")
    typewriter.finish()
    assert "".join(written) == " a\n bbbbbbbbb\n c\n"

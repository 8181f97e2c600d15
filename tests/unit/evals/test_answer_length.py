"""Which length a prompt asks for, and how an answer is counted."""

import pytest

from services.evals.metrics.answer_length import asked, found, judged
from tests.unit.evals.requests import request_for

ASKED = [
    ("Svar med højst 4 sætninger", {"unit": "sentences", "max": 4}),
    ("Skriv et kort svar (maks. 80 ord)", {"unit": "words", "max": 80}),
    ("ikke mere end tre linjer", {"unit": "lines", "max": 3}),
    ("Svar i en enkelt sætning", {"unit": "sentences", "min": 1, "max": 1}),
    ("mellem 3 og 5 sætninger", {"unit": "sentences", "min": 3, "max": 5}),
    ("mindst 200 ord", {"unit": "words", "min": 200}),
    ("hold det under 500 tegn", {"unit": "characters", "max": 500}),
    ("Opsummér i fem korte punkter", {"unit": "bullets", "min": 5, "max": 5}),
    ("Oppsummer i 2 setninger", {"unit": "sentences", "min": 2, "max": 2}),
    ("høyst fem setninger", {"unit": "sentences", "max": 5}),
    ("inte mer än femtio ord", {"unit": "words", "max": 50}),
    ("högst två stycken", {"unit": "paragraphs", "max": 2}),
    ("in drei kurzen Sätzen", {"unit": "sentences", "min": 3, "max": 3}),
    ("höchstens zwei Absätze", {"unit": "paragraphs", "max": 2}),
    ("Schreibe zwei bis drei Sätze", {"unit": "sentences", "min": 2, "max": 3}),
    ("fünf Stichpunkte, bitte", {"unit": "bullets", "min": 5, "max": 5}),
    ("maximal 300 Zeichen", {"unit": "characters", "max": 300}),
    ("etwa 100 Wörter", {"unit": "words", "min": 80, "max": 120}),
    ("A 100-word summary of this", {"unit": "words", "min": 90, "max": 110}),
    ("Summarise in one paragraph", {"unit": "paragraphs", "min": 1, "max": 1}),
    ("Summarize this in 50 words or less", {"unit": "words", "max": 50}),
    ("at most 5 bullet points", {"unit": "bullets", "max": 5}),
    ("exactly 100 words", {"unit": "words", "min": 100, "max": 100}),
]
NOT_ASKED = [
    "Forklar disse to sætninger",
    "Her er 3 punkter, jeg vil klage over",
    "De to første linjer er forkerte",
    "punkt 3 i kontrakten",
    "Skriv kort",
    "There are two points in the contract I do not understand",
    "I paid 100 kr and sent two lines to you",
    "mit maximal 20 Wörtern pro Punkt",
    "hvert punkt må være på højst 10 ord",
]
COUNTED = [
    ("Hej. Det er i orden!", "sentences", 2),
    ("Den 3. marts betalte De ca. 1.250,50 kr. for varen, jf. faktura nr. 12.", "sentences", 1),
    ("Das gilt z.B. ab dem 1. Mai, d.h. sofort.", "sentences", 1),
    ("Kære Klient_001,\n\nTak for brevet.\n\nMed venlig hilsen\nKundeservice", "sentences", 1),
    ("Det er\nén sætning over to linjer.", "sentences", 1),
    ("Her er tre ting:\n1. En faktura\n2. En kvittering\n3. Et svar", "bullets", 3),
    ("- Vi sender en ny faktura\n- Vi ringer til dig i morgen", "sentences", 2),
    ("Hvad nu?! Vent … Godt.", "sentences", 3),
    ("et – to - tre", "words", 3),
    ("a\n\nb\n \nc", "paragraphs", 3),
    ("a\n\nb", "lines", 2),
    (" abc ", "characters", 3),
    ("", "sentences", 0),
]


@pytest.mark.parametrize(("prompt", "wish"), ASKED)
def test_a_length_asked_for_is_understood(prompt: str, wish: dict[str, object]) -> None:
    assert asked(request_for(prompt)) == {"wanted": [wish]}


@pytest.mark.parametrize("prompt", NOT_ASKED)
def test_a_number_that_asks_for_nothing_is_left_alone(prompt: str) -> None:
    assert asked(request_for(prompt)) == {}


@pytest.mark.parametrize(("answer", "unit", "count"), COUNTED)
def test_an_answer_is_counted_as_a_person_would(answer: str, unit: str, count: int) -> None:
    assert found(answer)[unit] == count


def test_the_wish_that_was_met_worst_decides() -> None:
    wanted = asked(request_for("Skriv højst 3 sætninger og højst 10 ord."))

    verdict = judged(wanted, found("Ja. Nej. Det kommer helt an på, hvad du gerne selv vil."))

    assert (verdict.value, verdict.expected) == (0.8, "max-10-words")


def test_the_further_beyond_the_lower_the_score() -> None:
    wanted = asked(request_for("Svar i højst 4 sætninger."))

    values = [judged(wanted, found("Ja, det er fint. " * count)).value for count in (4, 5, 6, 9)]

    assert values == [1.0, 0.75, 0.5, 0.0]

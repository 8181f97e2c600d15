"""Which language a prompt asks for, and how often the metric is wrong about real text."""

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.evals.metrics.answer_language import asked, found, judged
from shared.contracts.requests import Message, Role
from shared.contracts.values import Language
from tests.unit.evals.requests import request_for

ASKED = [
    ("Svar på engelsk", "en"),
    ("Skriv et svar på tysk til kunden", "de"),
    ("Oversæt fra dansk til tysk: Kære Klient_001", "de"),
    ("På dansk, tak", "da"),
    ("Kan du skrive det på engelsk?", "en"),
    ("Svaret skal være på engelsk", "en"),
    ("Skriv brevet om på norsk bokmål", "nb"),
    ("på nynorsk, takk", "nn"),
    ("Gi meg svaret på norsk", "no"),
    ("Svara på svenska", "sv"),
    ("Auf Deutsch", "de"),
    ("Antworten Sie bitte auf Dänisch", "da"),
    ("Übersetze den Text ins Englische.", "en"),
    ("Kannst du das auf Deutsch sagen?", "de"),
    ("Please answer in plain English, with three points", "en"),
    ("Summarise the following in German:\nKære Klient_001", "de"),
    ("The answer must be in German", "de"),
    ("Translate into Swedish: hello", "sv"),
    ("Write it in German and Danish", "several"),
    ("Oversæt til polsk", "other"),
]
MENTIONED = [
    "Brevet er skrevet på tysk. Hvad står der?",
    "Kunden svarede på engelsk, at pakken var væk",
    "Jeg taler ikke så godt dansk. Kan du hjælpe?",
    "Hun bor i Tyskland og er god til tysk",
    "Der Brief ist auf Dänisch geschrieben. Worum geht es?",
    "Explain the rules in English law",
    "Write a letter to the German embassy",
    "He is good at translating from Danish to German",
]
DATA = Path(__file__).parents[4] / "shared" / "data" / "ner"
TEXTS = {
    "da": "da-uner-train",
    "nb": "nb-norne-dev",
    "nn": "nn-norne-dev",
    "sv": "sv-uner-train",
    "de": "de-germeval-dev",
    "en": "en-uner-dev",
}


@pytest.mark.parametrize(("prompt", "language"), ASKED)
def test_a_language_asked_for_is_expected(prompt: str, language: str) -> None:
    assert asked(request_for(prompt, Language.ENGLISH)) == {"language": language}


@pytest.mark.parametrize("prompt", MENTIONED)
def test_a_language_only_mentioned_is_not_expected(prompt: str) -> None:
    assert asked(request_for(prompt, Language.NYNORSK)) == {"language": "nn"}


def test_a_system_prompt_may_ask_and_the_user_has_the_last_word() -> None:
    system = "Always answer in English."

    assert asked(request_for("Hvad er status?", Language.DANISH, system=system)) == {
        "language": "en"
    }
    assert asked(request_for("Svar på dansk.", Language.DANISH, system=system)) == {
        "language": "da"
    }


def test_an_earlier_turn_still_holds() -> None:
    turns = ("Svar på tysk fra nu af.", "Hvad er status på sagen?")
    request = request_for("x", Language.DANISH).model_copy(
        update={"messages": tuple(Message(role=Role.USER, content=turn) for turn in turns)}
    )

    assert asked(request) == {"language": "de"}


def test_an_instruction_in_another_language_than_the_letter_leaves_it_open() -> None:
    letter = (
        "Sehr geehrte Damen und Herren, ich habe vor drei Wochen eine Kaffeemaschine bei Ihnen "
        "bestellt und sie ist noch nicht da. Bitte teilen Sie mir mit, wann ich mit der Lieferung "
        "rechnen kann, oder ob ich mein Geld zurück bekommen kann."
    )
    instruction = "Lav et udkast til et svar, som vi kan sende til kunden i dag, og vær venlig."

    for prompt in (f"{instruction}\n{letter}", f"{letter}\n\n{instruction}"):
        assert asked(request_for(prompt, Language.GERMAN)) == {"language": "several"}
    assert asked(request_for(f"{letter}\n{letter}", Language.GERMAN)) == {"language": "de"}


def test_placeholders_and_code_are_no_language() -> None:
    placeholders = "Klient_001 Adresse_002 Telefon_003 E-mail_004 Kontonummer_005 " * 3
    code = "```python\nfor the_thing in all_of_them:\n    print(that, is, this, and, the, of)\n```"

    assert found(placeholders) == found(code) == {"by": "too-short"}


def test_a_script_that_the_detector_does_not_know_is_left_open() -> None:
    verdict = judged({"language": "da"}, found("Спасибо за ваше письмо и за терпение. " * 5))

    assert verdict.unscored == "no_known_language"


@pytest.mark.parametrize("language", TEXTS)
def test_at_most_one_answer_in_a_hundred_is_wrongly_held_against_a_model(language: str) -> None:
    texts = list(_texts(language, chars=200, count=400))

    verdicts = Counter(judged({"language": language}, found(text)).value for text in texts)

    assert verdicts[0.0] <= 0.01 * len(texts)
    assert verdicts[1.0] >= 0.9 * len(texts)


def _texts(language: str, chars: int, count: int) -> Iterator[str]:
    file = DATA / f"{TEXTS[language]}.jsonl.gz"
    if not file.exists():
        message = f"{file.name} is not here: texts for measuring lie beside the repository"
        assert os.environ.get("STELLWERK_REQUIRE_DATA") != "1", message
        pytest.skip(message)
    text = ""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            sentence = re.sub(r" ([.,!?;:])", r"\1", " ".join(json.loads(line)[0]))
            text = f"{text} {sentence}".strip()
            if len(text) >= chars:
                yield text[:chars]
                text, count = "", count - 1
            if not count:
                return

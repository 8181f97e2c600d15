"""Recall over hundreds of invented numbers of each kind, and silence over numbers of things."""

import random
from collections.abc import Iterator

import pytest

from tests.unit.redactor.invented import BARE, MADE, WORDED
from tests.unit.redactor.masking import detector

NUMBERS = 300
FALSE_PER_1000_WORDS_MAX = 5
NOISE = (
    "Ordrenummer 4711208901 blev sendt den 24-11-2026 og vejer 12.500 kg.",
    "Faktura 20231145 på 12.345,00 kr. forfalder 03.05.2026, CVR 25 31 37 63.",
    "Varenr. 4111111111111111 og varenr. 36574261809 er udgået.",
    "Bestillingen 2024/118-7743 ble levert kl. 12:30 til lager 4, KID 0044829175513.",
    "Versjon 1.2.3.4 støtter modell XY98765 og RTX 4090.",
    "Parkeringshuset har 412 platser och öppnar 2026-05-01.",
    "Ordernr 850709-9805 skickades med kolli 00373500001234567890.",
    "Rechnungsnummer 2024-000123 über 1.250,00 Euro, Bestellnr. 030 901820.",
    "Artikel A123456780 passt zu Typ B-MW 1234 nach DIN EN 12345.",
    "Order number 20231145 ships on 24 November 2026 with part AB12 CDE.",
    "ISBN 978-3-16-148410-0, EAN 4006381333931, tracking 1Z999AA10123456784.",
    "Release 10.12.3 has 1,204,500 downloads; see https://example.com/docs?page=2.",
    "Sagsnr. 2024-11873 og journalnr. 24-5567 er afsluttet.",
    "Vertragsnummer MV-30177 und Aftalenummer LA-77031 gelten für das Haus.",
    "Sak 12/24 og sak 2025/1187 ble behandlet; firmaet er født i 1968.",
    "Kolli AB12345 og kolli DN58214 er sendt.",
    "Adgangskoden skal have mindst otte tegn, og brugernavn er påkrævet.",
)


def _covered(text: str, value: str) -> bool:
    start = text.index(value)
    spans = detector().detect(text)
    return any(span.start <= start and start + len(value) <= span.end for span in spans)


def _texts(kind: str) -> Iterator[tuple[str, str]]:
    dice = random.Random(kind)
    for at in range(NUMBERS):
        value = MADE[kind][0](dice)
        frames = WORDED.get(kind, BARE)
        yield frames[at % len(frames)].format(value), value


@pytest.mark.parametrize("kind", MADE)
def test_numbers_of_a_kind_are_found_in_any_spelling_and_language(kind: str) -> None:
    missed = [text for text, value in _texts(kind) if not _covered(text, value)]

    assert len(missed) <= (1 - MADE[kind][1]) * NUMBERS, missed[:10]


def test_numbers_of_things_are_left_alone() -> None:
    words = sum(len(text.split()) for text in NOISE)

    wrong = {text: spans for text in NOISE if (spans := detector().detect(text))}

    assert 1000 * len(wrong) / words <= FALSE_PER_1000_WORDS_MAX, wrong


@pytest.mark.parametrize(
    "piece",
    [
        *("0101-", "a@", "(at) ", "1.", "AB 12 ", "x;1\n", "://a:", "eyJ", "*1.1.", "A1 1 A 1/"),
        *(
            "bil, AB 12 345 ",
            "kundenr. 12345 ",
            "kode til a ",
            "password til a ",
            'password="',
            "password=a,",
            "sak 1-1 ",
            "Passnummer er ",
            "krock AB12345 ",
            "Anna Lind født i 1971 ",
        ),
    ],
)
def test_hostile_text_is_read_in_linear_time(piece: str) -> None:
    # The suite's own time limit is the measure: what is quadratic takes minutes here.
    assert len(detector().detect(piece * (100_000 // len(piece)))) >= 0

"""What masking and restoring cost, step by step, in one process without a bus.

Run it with `pytest -s tests/bench/test_redactor_cpu.py`. Timings are printed, none is asserted.
"""

import gzip
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.redactor.leaking import leak_check
from services.redactor.placeholders import Mapping
from services.redactor.restoring import Restorer, restore
from services.redactor.vault.sealing import Envelope, seal, unseal
from shared.contracts.values import new_id
from tests.unit.redactor.masking import mask

pytestmark = pytest.mark.bench

ROUNDS = 200
DATA = Path(__file__).parents[3] / "shared/data/ner"
SETS = ("da-uner-dev", "nb-norne-dev", "nn-norne-dev", "sv-uner-dev", "de-germeval-dev")
LETTER = (
    "Kære kundeservice. Jeg hedder Anders Hansen og bor på Vestergade 12, 2. tv, 8000 Aarhus C. "
    "Jeg skriver, fordi jeg endnu ikke har modtaget min ordre 4711-2089, som jeg bestilte den 3. "
    "november. I kan ringe til mig på 20 23 11 45 eller skrive til anders.hansen@eksempel.dk. Mit "
    "CPR-nummer er 010190-1234. Svar venligst på dansk med højst fire sætninger. Med venlig hilsen "
    "Anders Hansen"
)
ANSWER = "Kære Klient_001. Vi har modtaget Klient_001s brev om Adresse_001 og ringer snart. " * 3


def _cpu_us(step: Callable[[], object]) -> float:
    """Return the median CPU time of one call, in microseconds."""
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time_ns()
        step()
        taken.append((time.process_time_ns() - started) / 1000)
    return sorted(taken)[len(taken) // 2]


def test_print_cpu_of_each_step() -> None:
    found = mask(LETTER)
    serialised = json.dumps(found.texts, ensure_ascii=False).encode()
    request_id, key, nonce = new_id(), b"k" * 32, b"n" * 12
    envelope = Envelope(found.mapping, "ab" * 32)
    sealed = seal(key, 1, nonce, request_id, envelope)
    deltas = [ANSWER[at : at + 4] for at in range(0, len(ANSWER), 4)]
    steps: dict[str, Callable[[], object]] = {
        f"mask {len(LETTER.split())} words": lambda: mask(LETTER),
        "leak check": lambda: leak_check(serialised, found.surfaces),
        "seal": lambda: seal(key, 1, nonce, request_id, envelope),
        "unseal": lambda: unseal({1: key}, sealed, request_id),
        f"restore {len(ANSWER.split())} words": lambda: restore(ANSWER, found.mapping),
        f"restore {len(deltas)} deltas": lambda: _stream(found.mapping, deltas),
    }
    for name, step in steps.items():
        print(f"{name:<24}{_cpu_us(step):>8.0f} us")


def _stream(mapping: Mapping, deltas: list[str]) -> str:
    restorer = Restorer(mapping)
    return "".join(map(restorer.feed, deltas)) + restorer.finish()


@pytest.mark.skipif(
    not DATA.is_dir() and not os.environ.get("STELLWERK_REQUIRE_DATA"),
    reason=f"no data at {DATA}; set STELLWERK_REQUIRE_DATA=1 to fail instead",
)
@pytest.mark.parametrize("name", SETS)
def test_print_word_level_recall_of_persons(name: str) -> None:
    people = covered = others = wrong = 0
    for tokens, tags in _sentences(name):
        text, places = _joined(tokens)
        finds = [find for find in mask(text, language=name[:2]).finds[0] if find.type == "person"]
        for (start, end), tag in zip(places, tags, strict=True):
            hit = any(find.start < end and start < find.end for find in finds)
            people, covered = people + tag.endswith("PER"), covered + (tag.endswith("PER") and hit)
            others, wrong = others + (tag == "O"), wrong + (tag == "O" and hit)
    recall, mistakes = covered / people, 1000 * wrong / others
    print(f"{name:<18}{recall:>7.1%} of {people}, wrong {mistakes:.1f} of 1,000")


def _sentences(name: str) -> Iterator[tuple[list[str], list[str]]]:
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            tokens, tags = json.loads(line)
            yield tokens, tags


def _joined(tokens: list[str]) -> tuple[str, list[tuple[int, int]]]:
    """Return tokens as a sentence would be written, and where each stands."""
    text, places = "", []
    for token in tokens:
        close = token[0] in ",.!?:;)]}»”%" or text.endswith(("(", "[", "«", "„", "“"))
        text += "" if not text or close else " "
        places.append((len(text), len(text) + len(token)))
        text += token
    return text, places

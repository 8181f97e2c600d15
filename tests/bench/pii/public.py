"""The public development sets: sentences of news, law and the web with persons marked.

They may not be copied here. They lie in `shared/data/ner` beside the repository, or where
`STELLWERK_NER_DATA` says; without them their table is left out, or with `STELLWERK_REQUIRE_DATA=1`
the run fails.
"""

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.bench.pii.corpus import Prompt, Span

FOLDER: Final = Path(
    os.environ.get("STELLWERK_NER_DATA")
    or Path(__file__).parents[3].parent / "shared" / "data" / "ner"
)
SETS: Final = {
    "da-uner-dev": "da",
    "nb-norne-dev": "nb",
    "nn-norne-dev": "nn",
    "sv-uner-dev": "sv",
    "de-germeval-dev": "de",
    "de-ler-dev": "de",
    "en-uner-dev": "en",
}
SENTENCES_MAX: Final = 500
"""The first ones of each set: enough to compare, and the slowest peer is done in minutes."""


def sentences(name: str) -> Iterator[Prompt]:
    """Yield the first sentences of a set, each as a prompt of its own.

    Raises `FileNotFoundError` if the set is not there.
    """
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in zip(range(SENTENCES_MAX), lines, strict=False):
            tokens, tags = json.loads(line)
            yield _sentence(f"{name}-{number}", SETS[name], tokens, tags)


def _sentence(name: str, language: str, tokens: Sequence[str], tags: Sequence[str]) -> Prompt:
    gold: list[Span] = []
    at = 0
    for token, tag in zip(tokens, tags, strict=True):
        end = at + len(token)
        if tag == "B-PER":
            gold.append(Span(at, end, "person"))
        elif tag == "I-PER" and gold:
            gold[-1] = Span(gold[-1].start, end, "person")
        at = end + 1
    return Prompt(name, language, " ".join(tokens), tuple(gold))


def missing() -> str | None:
    """Return what to say if the sets are not all there, or None.

    Raises `SystemExit` with it where they are required.
    """
    absent = [name for name in SETS if not (FOLDER / f"{name}.jsonl.gz").exists()]
    if not absent:
        return None
    text = (
        f"NOT MEASURED: public sets are missing ({', '.join(absent)}); "
        "STELLWERK_NER_DATA may name their folder"
    )
    if os.environ.get("STELLWERK_REQUIRE_DATA") == "1":
        raise SystemExit(text)
    return text

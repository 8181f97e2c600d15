"""`python -m tests.bench.pii.quick [--misses] [LANGUAGE ...]`: Stellwerk alone on the corpora.

Takes seconds, so that whoever changes a recogniser sees at once what it gained and lost.
"""

import sys
from collections.abc import Iterable

from services.redactor.detection import Detector
from services.redactor.domain import Masker
from tests.bench.pii.corpus import (
    ADVERSARIAL,
    GROUPS,
    LANGUAGES,
    PROMPTS,
    TRAPS,
    Prompt,
    Span,
    load,
)
from tests.bench.pii.scoring import Score


def score(prompts: Iterable[Prompt], masker: Masker) -> Score:
    """Return how the redactor does on `prompts`, each as a request of its own."""
    total = Score()
    for prompt in prompts:
        masked = masker.mask([prompt.text], prompt.language)
        total.add(prompt, [Span(find.start, find.end, find.type) for find in masked.finds[0]])
    return total


def main() -> None:
    wanted = [name for name in sys.argv[1:] if name in LANGUAGES] or LANGUAGES
    masker = Masker(Detector.shipped())
    print("set             " + "".join(f"{group:>14}" for group in GROUPS) + "   false/1000 words")
    shown: list[Score] = []
    for name in (PROMPTS, ADVERSARIAL, TRAPS):
        for language in wanted:
            one = score(load(language, name), masker)
            shown.append(one)
            cells = "".join(f"{_group(one, kinds):>14}" for kinds in GROUPS.values())
            print(f"{language} {name:12} {cells}   {one.false_per_1000:.1f} of {one.words}")
    if "--misses" in sys.argv:
        for one in shown:
            for miss in one.misses:
                print(f"left   {miss.prompt:34} {miss.kind:16} {miss.text!r}")
            for miss in one.false:
                print(f"false  {miss.prompt:34} {miss.kind:16} {miss.text!r}")


def _group(one: Score, kinds: Iterable[str]) -> str:
    gold = sum(one.gold[kind] for kind in kinds)
    return f"{sum(one.covered[kind] for kind in kinds)}/{gold}" if gold else "-"


if __name__ == "__main__":
    main()

"""The level that detection has reached, which no change may fall below: `levels.json`.

`python -m tests.bench.pii.levels` prints the level of now beside it; with `--write` it becomes the
one to hold. Write it when detection got better, or when a corpus changed; never to let a loss pass.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from services.redactor.detection import Detector
from services.redactor.domain import Masker
from tests.bench.pii.corpus import ADVERSARIAL, GROUPS, LANGUAGES, PROMPTS, TRAPS, load
from tests.bench.pii.quick import score
from tests.bench.pii.scoring import Score

LEVELS: Final = Path(__file__).parent / "levels.json"
SLACK: Final = 1.0
"""One point of a share in percent, or one word in a thousand."""
FALSE: Final = "false"
"""What the levels of words masked by mistake begin with: there less is better."""


def held() -> dict[str, dict[str, float]]:
    """Return the levels to hold, by language."""
    levels: dict[str, dict[str, float]] = json.loads(LEVELS.read_text(encoding="utf-8"))
    return levels


def measured(language: str, masker: Masker) -> dict[str, float]:
    """Return the level of now: shares covered in percent, and false words of 1,000."""
    prompts, adversarial, traps = (
        score(load(language, name), masker) for name in (PROMPTS, ADVERSARIAL, TRAPS)
    )
    level = {group: _covered(prompts, kinds) for group, kinds in GROUPS.items()}
    level["adversarial"] = _covered(adversarial, adversarial.gold)
    level[f"{FALSE} in prompts"] = round(prompts.false_per_1000, 1)
    level[f"{FALSE} in traps"] = round(traps.false_per_1000, 1)
    return level


def fallen(language: str, now: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Return what is worse than held by more than the slack: held and now."""
    return {
        name: (level, now[name])
        for name, level in held()[language].items()
        if (now[name] - level if name.startswith(FALSE) else level - now[name]) > SLACK
    }


def _covered(one: Score, kinds: Iterable[str]) -> float:
    kinds = tuple(kinds)
    gold = sum(one.gold[kind] for kind in kinds)
    return round(100 * sum(one.covered[kind] for kind in kinds) / gold, 1)


def main() -> None:
    masker = Masker(Detector.shipped())
    levels = {language: measured(language, masker) for language in LANGUAGES}
    text = json.dumps(levels, indent=2) + "\n"
    if "--write" in sys.argv:
        LEVELS.write_text(text, encoding="utf-8")
        return
    for language, now in levels.items():
        for name, level in held()[language].items():
            print(f"{language} {name:20} held {level:6.1f}   now {now[name]:6.1f}")


if __name__ == "__main__":
    main()

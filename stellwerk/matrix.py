"""Draws a comparison: cases down, models across, as plain text that is never too wide."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared.contracts.evaluations import Score
from shared.contracts.money import NANO
from stellwerk.experiment import Experiment, Run

WIDTH: Final = 100
LABEL_CHARS_MAX: Final = 22
UNJUDGED: Final = "–"
AWAITED: Final = "…"
_ALL: Final = "mean · p50 · sum"
_BETWEEN_MODELS: Final = "   "
_BETWEEN_COLUMNS: Final = "  "
_MS_A_S: Final = 1000


@dataclass(frozen=True, slots=True)
class _Group:
    """The columns of one model: its rows are cells, or one text over all of them."""

    name: str
    titles: Sequence[str]
    rows: Sequence[Sequence[str] | str]

    @property
    def widths(self) -> list[int]:
        cells = [row for row in self.rows if not isinstance(row, str)]
        widths = [max(map(len, column)) for column in zip(self.titles, *cells, strict=True)]
        texts = [row for row in self.rows if isinstance(row, str)]
        missing = max(map(len, [self.name, *texts])) - _width_of(widths)
        return [widths[0] + max(0, missing), *widths[1:]]

    def lines(self) -> Iterator[str]:
        """Yield the name, the titles and all rows, each as wide as the group."""
        widths = self.widths
        for row in (self.name, self.titles, *self.rows):
            if isinstance(row, str):
                yield row.ljust(_width_of(widths))
            else:
                pairs = zip(row, widths, strict=True)
                yield _BETWEEN_COLUMNS.join(cell.rjust(width) for cell, width in pairs)


def table(experiment: Experiment, width: int = WIDTH) -> str:
    """Return the comparison; models that do not fit beside each other stand below."""
    cases = list(dict.fromkeys(run.case_id for run in experiment.runs))
    labels = ["", "case", *cases, "", _ALL, "judged", "answered", "tokens"]
    shown = [_shortened(label, LABEL_CHARS_MAX) for label in labels]
    label_width = max(map(len, shown))
    groups = [_group(experiment, model, cases) for model in experiment.plan.models]
    blocks = []
    for block in _blocks(groups, width - label_width):
        columns = [(label.ljust(label_width) for label in shown), *(each.lines() for each in block)]
        rows = zip(*columns, strict=True)
        blocks.append("\n".join(_BETWEEN_MODELS.join(row).rstrip() for row in rows))
    return "\n\n".join([*blocks, *_legend(experiment)])


def answers(experiment: Experiment, width: int = WIDTH) -> str:
    """Return all answers, those to one case beside each other."""
    beside = min(len(experiment.plan.models), max(1, width // 48))
    column = (width - len(_BETWEEN_MODELS) * (beside - 1)) // beside
    parts = []
    for case_id in dict.fromkeys(run.case_id for run in experiment.runs):
        runs = [run for run in experiment.runs if run.case_id == case_id]
        parts.append(f"── {case_id} ".ljust(width, "─"))
        firsts = range(0, len(runs), beside)
        parts += [_beside(runs[first : first + beside], column) for first in firsts]
    return "\n\n".join(parts)


def _beside(runs: Sequence[Run], column: int) -> str:
    texts = [[f"[{run.model}]", *_wrapped(_said_by(run), column)] for run in runs]
    height = max(map(len, texts))
    padded = [text + [""] * (height - len(text)) for text in texts]
    rows = zip(*padded, strict=True)
    return "\n".join(
        _BETWEEN_MODELS.join(line.ljust(column) for line in row).rstrip() for row in rows
    )


def _wrapped(text: str, width: int) -> Iterator[str]:
    for line in text.splitlines():
        yield from textwrap.wrap(line, width) or [""]


def _said_by(run: Run) -> str:
    if run.answer is None:
        return _failure(run)
    # A model's answer must not move the cursor or colour the terminal.
    text = "".join(sign for sign in run.answer.text if sign.isprintable() or sign == "\n")
    return text if run.is_evidence else f"({_failure(run)})\n{text}"


def _group(experiment: Experiment, model: str, cases: Sequence[str]) -> _Group:
    metrics, totals = experiment.metrics, experiment.totals(model)
    runs = {run.case_id: run for run in experiment.runs if run.model == model}
    p50 = totals.latency_ms_p50
    means = (totals.means.get(name) for name in metrics)
    answered = f"{totals.answered} of {totals.asked}"
    if totals.by_another:
        answered += f", {totals.by_another} by another"
    return _Group(
        name=model,
        titles=[
            *(name.removeprefix("answer_") for name in metrics),
            *("time", totals.currency or "cost"),
        ],
        rows=[
            *(_row(runs[case], metrics) if case in runs else "not asked" for case in cases),
            "",
            [
                *(UNJUDGED if mean is None else f"{mean:.2f}" for mean in means),
                UNJUDGED if p50 is None else _seconds(p50),
                _amount(totals.cost_nano),
            ],
            [*(str(totals.scored[name]) for name in metrics), "", ""],
            answered,
            f"{totals.input_tokens:,} in, {totals.output_tokens:,} out",
        ],
    )


def _row(run: Run, metrics: Sequence[str]) -> Sequence[str] | str:
    if run.answer is None or not run.is_evidence:
        return _failure(run)
    scores = {score.metric: score for score in run.scores or ()}
    return [
        *(AWAITED if run.scores is None else _score(scores.get(name)) for name in metrics),
        _seconds(run.latency_ms),
        _amount(run.answer.cost_nano),
    ]


def _failure(run: Run) -> str:
    if run.answer is not None:
        return f"answered by {run.answer.model}"
    return run.code.value if run.code else "no answer"


def _score(score: Score | None) -> str:
    return UNJUDGED if score is None or score.value is None else f"{score.value:.2f}"


def _seconds(ms: int) -> str:
    return f"{ms / _MS_A_S:.2f} s"


def _amount(nano: int) -> str:
    return f"{Decimal(nano) / NANO:.6f}"


def _blocks(groups: Sequence[_Group], room: int) -> Iterator[list[_Group]]:
    block: list[_Group] = []
    left = room
    for group in groups:
        needed = _width_of(group.widths) + len(_BETWEEN_MODELS)
        if block and needed > left:
            yield block
            block, left = [], room
        block.append(group)
        left -= needed
    yield block


def _legend(experiment: Experiment) -> Iterable[str]:
    own = [run for run in experiment.runs if run.is_evidence]
    reasons = Counter(score.unscored for run in own for score in run.scores or () if score.unscored)
    lines = []
    if reasons:
        counted = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
        lines.append(f"{UNJUDGED} not judged: {counted}")
    if any(run.scores is None for run in own):
        lines.append(f"{AWAITED} not graded yet; the view evals.experiments_v1 will have it")
    return ["\n".join(lines)] if lines else []


def _width_of(widths: Sequence[int]) -> int:
    return sum(widths) + len(_BETWEEN_COLUMNS) * (len(widths) - 1)


def _shortened(label: str, chars_max: int) -> str:
    return label if len(label) <= chars_max else f"{label[: chars_max - 1]}…"

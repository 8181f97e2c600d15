"""One metric a file. `load` finds them all; `docs/how-to/add-a-metric.md` says how to add one."""

from typing import Final, cast

from services.evals.metrics.base import Metric
from shared import plugins

ENTRY_POINTS: Final = "stellwerk.metrics"


def load() -> list[Metric]:
    """Return every metric of this folder and of the entry-point group, sorted by name."""
    return cast("list[Metric]", plugins.load(__name__, Metric, ENTRY_POINTS))

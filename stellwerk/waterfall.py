"""Draws a trace: one line a span, under what caused it, with a bar for when it ran."""

from collections.abc import Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from shared.contracts.traces import Line, Span, lines_of

BAR_CHARS: Final = 32
_COLOURS: Final = {
    "client": "cyan",
    "gateway": "cyan",
    "redactor": "magenta",
    "router": "green",
    "billing": "yellow",
    "audit": "blue",
    "evals": "bright_black",
    "watch": "bright_black",
}


def waterfall(spans: Sequence[Span]) -> Table:
    """Return the trace as a table that can be read without colours."""
    lines = lines_of(spans)
    total_ms = max((line.start_ms + line.duration_ms for line in lines), default=0.0)
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("service", no_wrap=True)
    table.add_column("what it did", no_wrap=True, overflow="ellipsis", max_width=46)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True, width=BAR_CHARS)
    for line in lines:
        colour = _COLOURS.get(line.span.service, "white")
        branch = "  " * (line.depth - 1) + "└ " if line.depth else ""
        name = f"{branch}{line.span.name}"
        if line.span.error:
            name += f"  ! {line.span.error}"
        table.add_row(
            Text(line.span.service, style=colour),
            Text(name),
            f"{line.duration_ms:.1f}",
            Text(bar(line, total_ms), style=colour),
        )
    return table


def bar(line: Line, total_ms: float, chars: int = BAR_CHARS) -> str:
    """Return a bar for one span; what is too short for a whole sign gets a thin one."""
    if total_ms <= 0:
        return "▏"
    start = min(chars - 1, int(line.start_ms / total_ms * chars))
    length = round(line.duration_ms / total_ms * chars)
    return " " * start + ("█" * min(length, chars - start) or "▏")


def as_json(spans: Sequence[Span]) -> dict[str, Any]:
    """Return the trace for programs; times in ms count from its beginning."""
    lines = lines_of(spans)
    return {
        "trace_ids": sorted({line.span.trace_id for line in lines}),
        "duration_ms": round(max((x.start_ms + x.duration_ms for x in lines), default=0.0), 3),
        "spans": [
            {
                **line.span.model_dump(mode="json", exclude_none=True),
                "parent_span_id": line.span.parent_span_id,
                "start_ms": round(line.start_ms, 3),
                "duration_ms": round(line.duration_ms, 3),
            }
            for line in lines
        ],
    }

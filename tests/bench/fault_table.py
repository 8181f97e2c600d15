"""What callers got under faults, as tables of faults and wires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.fixtures.wires.base import Mode, Script, Wire
from tests.fixtures.wires.faults import Fault, lacking

TEXTS: Final = ("Kære læser. ", "Tak for din henvendelse. ", "Vi vender tilbage.")
SCRIPT: Final = Script(texts=TEXTS)
WHOLE: Final = "".join(TEXTS)
_ANSWERED: Final = (Fault.NONE, Fault.CONTRADICTORY_USAGE, Fault.MISSING_USAGE)
WRONG: Final = "!!"
"""Stands before an ending that nobody stated, a text that is not the answer, or a wrong bill."""
RAW: Final = "raw"
"""Stands before an error that repeats what the provider said."""
_STATED: Final = (Fault.CONTRADICTORY_FINISH, Fault.TEXT_AFTER_END)
"""Faults under which a reason to stop did come, and something that contradicts it."""


@dataclass(frozen=True)
class Case:
    """One question under one fault."""

    wire: Wire
    mode: Mode
    fault: Fault

    @property
    def model(self) -> str:
        """Return the model that is asked: one of its own, so that no case learns from another."""
        return f"{self.wire.name}-{self.mode}-{self.fault}"

    @property
    def may_be_answered(self) -> bool:
        """Return whether a whole answer was there to be had."""
        behind = self.fault is Fault.TEXT_AFTER_END and self.mode.stream and self.wire.reason_ends
        return self.fault in _ANSWERED or behind


@dataclass(frozen=True)
class Got:
    """What a caller got, in a word, and what it took."""

    what: str
    attempts: int | None = None
    billed: str = ""

    @property
    def is_wrong(self) -> bool:
        return WRONG in self.what or WRONG in self.billed

    def __str__(self) -> str:
        calls = "" if self.attempts is None else f"{self.attempts} call"
        calls += "s" if self.attempts not in (None, 1) else ""
        return f"{self.what}\n[dim]{', '.join(filter(None, (calls, self.billed)))}[/]"


Gots = Mapping[Case, Got]


def answered(case: Case, text: str, reason: str | None) -> str:
    """Return the word for what came without an error."""
    if not case.may_be_answered and case.fault not in _STATED:
        return f"{WRONG} invented {reason}" if reason else f"{WRONG} cut, no error"
    if text != WHOLE:
        return f"{WRONG} wrong text"
    if case.fault is Fault.CONTRADICTORY_FINISH:
        return f"{WRONG} {reason} anyway"
    return "answer" if reason == "stop" else f"{WRONG} {reason} for stop"


def cases_of(wires: Sequence[Wire], modes: Sequence[Mode]) -> list[Case]:
    """Return every question under every fault that a wire can show."""
    return [
        Case(wire, mode, fault)
        for wire in wires
        for mode in wire.modes
        if mode in modes
        for fault in Fault
        if lacking(fault, wire, mode) is None
    ]


def show(console: Console, title: str, gots: Gots, wires: Sequence[Wire], mode: Mode) -> None:
    """Print one table; what a wire cannot show is a dash, and why stands below."""
    asked = [wire for wire in wires if any((one.wire, one.mode) == (wire, mode) for one in gots)]
    if not asked:
        return
    table = Table(title=title, title_justify="left", show_lines=False)
    table.add_column("fault")
    for wire in asked:
        table.add_column(wire.name)
    lacks: dict[str, str] = {}
    for fault in Fault:
        cells = []
        for wire in asked:
            got = gots.get(Case(wire, mode, fault))
            reason = lacking(fault, wire, mode)
            if reason is not None:
                lacks[f"{fault}, {wire.name}"] = reason
            cells.append("–" if got is None else f"[red]{got}[/]" if got.is_wrong else str(got))
        table.add_row(str(fault), *cells)
    console.print(table)
    for where, reason in lacks.items():
        console.print(f"– {where}: {reason}.", style="dim")


def summary(name: str, gots: Gots) -> str:
    """Return how many questions ended as they must not."""
    wrong = sum(got.is_wrong for got in gots.values())
    raw = sum(got.what.startswith(RAW) for got in gots.values())
    return (
        f"{name}: {len(gots)} questions; {wrong} with a wrong ending, text or bill ({WRONG}), "
        f"{raw} with an error that repeats the provider's ({RAW})."
    )

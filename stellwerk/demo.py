"""The first thing a newcomer sees: one letter on its whole way, with the evidence for each step."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from shared.contracts.billing import UsagePriced
from shared.contracts.evaluations import EvaluationScored
from shared.contracts.event import Event
from shared.contracts.requests import RequestRedacted
from shared.contracts.usage import UsageRecorded
from stellwerk.answer import Answer
from stellwerk.client import Client
from stellwerk.errors import NoAnswer, NotFound, NotSent, StellwerkError
from stellwerk.exchange import pauses
from stellwerk.explain import audit_table, cost_line
from stellwerk.operator import Operator
from stellwerk.output import console
from stellwerk.platform import DEFAULT_APP, DEFAULT_TENANT, Platform
from stellwerk.record import RequestRecord, read_record
from stellwerk.stream import AnswerStream
from stellwerk.trace import read_spans
from stellwerk.typewriter import Typewriter
from stellwerk.waterfall import waterfall

LETTER: Final = Path(__file__).parents[1] / "docs" / "examples" / "brev-da.txt"
QUESTION: Final = """\
---
Sammenfat brevet på dansk i to sætninger: Hvem skriver, hvad er galt, og hvem venter de på?"""
"""What a clerk would ask, and what a small model that runs on the processor can answer."""
ANSWER_TOKENS_MAX: Final = 100
ANSWER_WAIT_S: Final = 300.0
RECORD_WAIT_S: Final = 10.0
_RECORD_PAUSES_S: Final = (0.2, 2.0)
"""Each look at the record is recorded too, so it is not looked at more often than needed."""
_INDENT: Final = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """How the demonstration ended; `reason` is empty if there was an answer."""

    request_id: UUID | None
    reason: str


async def show(
    platform: Platform, *, has_model: bool, app: str = DEFAULT_APP, model: str = "auto"
) -> Shown:
    """Send the example letter over the bus and print what happened to it, step by step.

    Without a model the request ends in a typed refusal or failure, and that is what is shown:
    nothing stands in for a model. A demonstration that cannot go on says why and ends; the
    platform is not touched by it.
    """
    out, letter = console(), LETTER.read_text(encoding="utf-8")
    seed_file = platform.app_seed_file(DEFAULT_TENANT, app)
    out.print()
    out.print(Rule("One letter over the bus", align="left", style="dim"))
    out.print(
        f"{LETTER.parent.name}/{LETTER.name}, {len(letter.split())} words, from the app {app}"
    )
    if not has_model:
        out.print("No model runs here, so none will answer; everything else is real.")
    try:
        async with (
            Client(platform.nats_url, app=app, seed_file=seed_file) as client,
            Operator(platform) as operator,
        ):
            return await _show(client, operator, f"{letter}\n{QUESTION}", model, out)
    except StellwerkError as error:
        out.print(f"The demonstration ends here: {error}")
        return Shown(error.request_id, str(error))


async def _show(client: Client, operator: Operator, text: str, model: str, out: Console) -> Shown:
    stream = client.stream(
        text,
        model=model,
        task="summary",
        use_case="demo",
        max_tokens=ANSWER_TOKENS_MAX,
        temperature=0.0,
        timeout_s=ANSWER_WAIT_S,
    )
    answering = Answering(stream)
    try:
        return await _show_steps(operator, answering, out)
    finally:
        await answering.stop()


async def _show_steps(operator: Operator, answering: "Answering", out: Console) -> Shown:
    request_id = answering.stream.request_id
    record = await _recorded(operator, request_id, (RequestRedacted,), answering)
    _print_masked(record, out)
    answer = await _print_answer(answering, out)
    wanted = (UsagePriced, EvaluationScored) if answer else (UsageRecorded,)
    record = await _recorded(operator, request_id, wanted, answering)
    _print_cost(record, answer, out)
    out.print(_title("4  What is recorded of it"))
    out.print(_indented(audit_table(record) if record else "Nothing yet."))
    out.print(_title("5  Where the time went"))
    out.print(_indented(waterfall(await read_spans(operator, request_id))))
    _print_next(request_id, out)
    return Shown(request_id, answering.reason)


class Answering:
    """Reads a stream in the background, so that other things can be shown first."""

    def __init__(self, stream: AnswerStream) -> None:
        self.stream = stream
        self.reason = ""
        self.begun = time.monotonic()
        self.ended: float | None = None
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def pieces(self) -> AsyncIterator[str]:
        """Yield what has come and what comes; afterwards `reason` says why there is no more."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
        await self._reading

    async def stop(self) -> None:
        """Stop reading; a request that is still under way goes on without a reader."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self.stream.aclose()

    async def _read(self) -> None:
        try:
            async for piece in self.stream:
                self._pieces.put_nowait(piece)
        except (NoAnswer, NotSent) as error:
            self.reason = f"{error.code or 'no_result'}: {error}"
        self.ended = time.monotonic()
        self._pieces.put_nowait(None)


async def _recorded(
    operator: Operator, request_id: UUID, wanted: Sequence[type[Event]], answering: Answering
) -> RequestRecord | None:
    """Return the record once it holds what is wanted; what there is when it takes too long."""
    record: RequestRecord | None = None
    give_up_at = time.monotonic() + ANSWER_WAIT_S
    for pause_s in pauses(*_RECORD_PAUSES_S):
        try:
            record = await read_record(operator, request_id, reason="demo")
        except NotFound:
            record = None
        if record is not None and all(record.all(each) for each in wanted):
            break
        if answering.ended is not None:
            give_up_at = min(give_up_at, answering.ended + RECORD_WAIT_S)
        if time.monotonic() > give_up_at:
            break
        await asyncio.sleep(pause_s)
    return record


def _print_masked(record: RequestRecord | None, out: Console) -> None:
    out.print(_title("1  What the model sees"))
    redacted = record.last(RequestRedacted) if record else None
    if redacted is None:
        out.print(_indented("Nothing: the request was refused before it was masked."))
        return
    for message in redacted.messages:
        text = Text(message.content.strip())
        text.highlight_words([each.placeholder for each in redacted.subjects], "bold magenta")
        out.print(_indented(text))
    types = Counter(each.type for each in redacted.subjects)
    out.print()
    out.print(_indented(f"masked: {', '.join(f'{n} {kind}' for kind, n in types.items())}"))


async def _print_answer(answering: Answering, out: Console) -> Answer | None:
    out.print(_title("2  The answer, with the real values back in it"))
    typewriter = Typewriter(_write, margin=_INDENT, width=out.width)
    texts = []
    async for piece in answering.pieces():
        texts.append(piece)
        typewriter.type(piece)
    if texts:
        typewriter.finish()
    if answering.reason:
        out.print(_indented(f"No answer: {answering.reason}"))
        return None
    answer = await answering.stream.answer()
    assert "".join(texts) == answer.text
    return answer


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _print_cost(record: RequestRecord | None, answer: Answer | None, out: Console) -> None:
    out.print(_title("3  What it cost"))
    usage = record.last(UsageRecorded) if record else None
    if record is None or usage is None or not usage.attempts:
        out.print(_indented("Nothing: no model was called."))
        return
    out.print(_indented(cost_line(usage, record.last(UsagePriced))))
    if answer is not None:
        out.print(_indented(f"answered by {answer.model} at the provider {answer.provider}"))


def _print_next(request_id: UUID, out: Console) -> None:
    out.print(_title("Look closer"))
    for command, what in (
        (f"stellwerk explain {request_id}", "why this model, what it cost, the evidence"),
        (f"stellwerk trace {request_id}", "this waterfall again"),
        ("stellwerk ask --stream 'Hej'", "a question of your own"),
        ("stellwerk audit verify", "check the whole record"),
    ):
        out.print(_indented(f"{command:<60}  {what}"))
    out.print()


def _title(text: str) -> Padding:
    return Padding(Text(text, style="bold"), (1, 0, 1, 0))


def _indented(body: RenderableType) -> Padding:
    return Padding(body, (0, 0, 0, _INDENT))

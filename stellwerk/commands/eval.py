"""`stellwerk eval`: ask several models the same cases, and see their answers side by side."""

import asyncio
import json as json_format
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from shared.contracts.requests import OUTPUT_TOKENS_MAX, TIMEOUT_MS_MAX
from stellwerk.platform import DEFAULT_APP, DEFAULT_TENANT, find_platform

if TYPE_CHECKING:
    from stellwerk.experiment import Experiment, Plan, Run

_INTERRUPTED: Final = 130
_SEED_MAX: Final = 2**63 - 1
_TIMEOUT_S_MAX: Final = TIMEOUT_MS_MAX / 1000


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Compare models on the same cases.", no_args_is_help=True)
    group.command()(run)
    group.command("list")(list_experiments)
    group.command()(compare)
    app.add_typer(group, name="eval")


def run(  # noqa: PLR0913  The options are the command's interface.
    *,
    suite: Annotated[str, typer.Option(help="A shipped suite's name, or a file.")],
    models: Annotated[str, typer.Option(help="The models' names, with commas between them.")],
    app: Annotated[str, typer.Option(help="The app that asks.")] = DEFAULT_APP,
    tenant: Annotated[str, typer.Option(help="The app's tenant.")] = DEFAULT_TENANT,
    concurrency: Annotated[
        int, typer.Option(help="How many to ask at once; times count the waiting.", min=1, max=32)
    ] = 2,
    seed: Annotated[int, typer.Option(help="Passed on to the models.", min=0, max=_SEED_MAX)] = 7,
    temperature: Annotated[float, typer.Option(help="0 to 2.", min=0, max=2)] = 0.0,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            help="The longest answer; what the suite says by default.", min=1, max=OUTPUT_TOKENS_MAX
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds to wait for one answer.", min=1, max=_TIMEOUT_S_MAX)
    ] = 120.0,
    answers: Annotated[bool, typer.Option(help="Print the answers side by side too.")] = False,
    json: Annotated[bool, typer.Option(help="Print everything as JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON here too.")] = None,
) -> None:
    """Send every case of a suite to every model, and print scores, times and costs side by side.

    Ctrl-C ends it early and keeps what is done. Exit code 1: nothing was answered.
    """
    from stellwerk.experiment import Plan
    from stellwerk.suites import load

    loaded = load(suite)
    plan = Plan(
        suite=loaded,
        models=_names(models),
        app=app,
        tenant=tenant,
        seed=seed,
        temperature=temperature,
        max_tokens=max_tokens or loaded.suite.max_tokens,
        concurrency=concurrency,
        timeout_s=timeout,
    )
    _require_possible(plan, out)
    experiment = asyncio.run(_run(plan))
    _show(experiment, answers=answers, json=json, out=out)
    if experiment.interrupted:
        raise typer.Exit(_INTERRUPTED)
    raise typer.Exit(0 if any(each.answer for each in experiment.runs) else 1)


def list_experiments(
    *,
    limit: Annotated[int, typer.Option(help="How many, the latest first.", min=1, max=500)] = 20,
    json: Annotated[bool, typer.Option(help="Print them as JSON.")] = False,
) -> None:
    """Show the latest experiments."""
    from stellwerk.history import experiments_table, plain, read_experiments
    from stellwerk.output import console, print_json

    rows = asyncio.run(read_experiments(_database(), limit))
    if json:
        print_json({"experiments": [plain(row) for row in rows]})
    else:
        console().print(experiments_table(rows))


def compare(
    before: Annotated[str, typer.Argument(help="An experiment's id, as `eval list` shows it.")],
    after: Annotated[str, typer.Argument(help="The id of another one.")],
    *,
    json: Annotated[bool, typer.Option(help="Print the changes as JSON.")] = False,
) -> None:
    """Show what changed from one experiment to another, over the cases that both could judge."""
    from dataclasses import asdict

    from stellwerk.history import changes, changes_table, plain, read_two
    from stellwerk.output import complain, console, print_json

    ids = (_experiment_id(before), _experiment_id(after))
    first, second = asyncio.run(read_two(_database(), *ids))
    found = changes(first, second)
    if json:
        same = first.suite_sha256 == second.suite_sha256
        print_json({"same_suite": same, "changes": [plain(asdict(change)) for change in found]})
    else:
        console().print(changes_table(found, first, second))
    if first.suite_sha256 != second.suite_sha256:
        complain("The two were run on different files: their cases may differ under the same id.")


async def _run(plan: "Plan") -> "Experiment":
    from stellwerk.client import Client
    from stellwerk.evaluation import Evaluation
    from stellwerk.operator import Operator

    platform = find_platform()
    seed_file = platform.app_seed_file(plan.tenant, plan.app)
    stop, loop, progress = asyncio.Event(), asyncio.get_running_loop(), _Progress(plan.size)

    def interrupted() -> None:
        # A second Ctrl-C finds Python's own handler and ends everything.
        loop.remove_signal_handler(signal.SIGINT)
        stop.set()

    client = Client(platform.nats_url, app=plan.app, tenant=plan.tenant, seed_file=seed_file)
    async with client, Operator(platform) as operator:
        loop.add_signal_handler(signal.SIGINT, interrupted)
        return await Evaluation(plan, client, operator, stop, progress.add).run()


class _Progress:
    """One line on a terminal that says how far it is."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._done = self._failed = 0

    def add(self, run: "Run") -> None:
        self._done += 1
        self._failed += run.answer is None
        if sys.stderr.isatty():
            failed = f", {self._failed} failed" if self._failed else ""
            end = "\n" if self._done == self._size else ""
            sys.stderr.write(f"\r{self._done} of {self._size} asked{failed}{end}")
            sys.stderr.flush()


def _show(experiment: "Experiment", *, answers: bool, json: bool, out: Path | None) -> None:
    from stellwerk.matrix import answers as answers_text
    from stellwerk.matrix import table
    from stellwerk.output import complain, print_json

    facts = experiment.facts()
    if out is not None:
        _write(facts, out)
    if json:
        print_json(facts)
    else:
        print(_headline(experiment), end="\n\n")
        print(table(experiment))
        if answers:
            print(f"\n{answers_text(experiment)}")
    for note in experiment.notes:
        complain(note)
    if experiment.interrupted:
        complain(f"Interrupted after {len(experiment.runs)} of {experiment.plan.size}.")


def _write(facts: dict[str, Any], file: Path) -> None:
    from stellwerk.output import complain

    try:
        file.write_text(json_format.dumps(facts, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        # What was paid for is printed all the same.
        complain(f"{file} cannot be written: {type(error).__name__}.")


def _headline(experiment: "Experiment") -> str:
    plan, suite = experiment.plan, experiment.plan.suite.suite
    return (
        f"{suite.name} version {suite.version} · sha256 {plan.suite.sha256[:12]} · "
        f"seed {plan.seed} · temperature {plan.temperature:g} · {experiment.duration_s:.1f} s\n"
        f"experiment {experiment.id}"
    )


def _database() -> str:
    from deploy.provision.database import role_of

    return find_platform().database_url("evals", role_of("evals"))


def _experiment_id(text: str) -> UUID:
    from stellwerk.errors import BadInput

    try:
        return UUID(text)
    except ValueError:
        raise BadInput("That is no experiment's id. `stellwerk eval list` shows them.") from None


def _names(models: str) -> tuple[str, ...]:
    from pydantic import TypeAdapter, ValidationError

    from shared.contracts.values import ModelName
    from stellwerk.errors import BadInput

    names = tuple(name.strip() for name in models.split(","))
    try:
        TypeAdapter(tuple[ModelName, ...]).validate_python(names)
    except ValidationError:
        names = ()
    if not names or len(set(names)) < len(names):
        raise BadInput(
            "--models takes names with commas between them, each once, such as "
            "local-default,local-small. `stellwerk model list` shows them."
        )
    return names


def _require_possible(plan: "Plan", out: Path | None) -> None:
    """Raise `BadInput` before anything is spent on what could not be kept."""
    from shared.contracts.evaluations import RUNS_MAX
    from stellwerk.errors import BadInput

    if plan.size > RUNS_MAX:
        raise BadInput(
            f"{len(plan.suite.suite.cases)} cases on {len(plan.models)} models are {plan.size} "
            f"requests, and the limit is {RUNS_MAX}. Split the suite, or name fewer models."
        )
    if out is not None and (out.is_dir() or not os.access(out.absolute().parent, os.W_OK)):
        raise BadInput(f"{out} cannot be written. Name a file in a folder of yours.")

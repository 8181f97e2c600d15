"""`stellwerk incident`: what is in trouble, who takes care, and whether people can be told."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from stellwerk.platform import find_platform

if TYPE_CHECKING:
    from rich.table import Table

    from shared.contracts.incidents import Incident
    from stellwerk.errors import NotFound
    from stellwerk.operator import Operator

LIST_MAX: Final = 500
SHORT_ID: Final = 8
WHOLE_ID: Final = 32
_Id = Annotated[str, typer.Argument(help="The incident's id, or the beginning of it.")]
_Reason = Annotated[str, typer.Option(help="Why, as a token; it is kept.")]
_Json = Annotated[bool, typer.Option(help="Print the incident as JSON.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="See incidents, take care of them, end them.", no_args_is_help=True)
    group.command("list")(list_incidents)
    group.command()(ack)
    group.command()(resolve)
    group.command("test")(send_test)
    app.add_typer(group, name="incident")


def list_incidents(
    *,
    all: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,  # noqa: A002
    json: Annotated[bool, typer.Option(help="Print the incidents as JSON.")] = False,
) -> None:
    """Show what is in trouble, the latest first."""
    asyncio.run(_list(resolved_too=all, json=json))


def ack(incident_id: _Id, *, reason: _Reason = "routine", json: _Json = False) -> None:
    """Say that you take care of an incident."""
    asyncio.run(_change(incident_id, reason, resolve=False, json=json))


def resolve(incident_id: _Id, *, reason: _Reason = "routine", json: _Json = False) -> None:
    """Say that an incident is over; if it is not, its next failure opens a new one."""
    asyncio.run(_change(incident_id, reason, resolve=True, json=json))


def send_test(
    *, json: Annotated[bool, typer.Option(help="Print the counts as JSON.")] = False
) -> None:
    """Send a test message through every channel and say how many took it.

    Exit code 1 if one did not, or if there is none.
    """
    raise typer.Exit(asyncio.run(_send_test(json=json)))


async def _list(*, resolved_too: bool, json: bool) -> None:
    from stellwerk.operator import Operator
    from stellwerk.output import console, print_json

    async with Operator(find_platform()) as operator:
        incidents = await _read(operator, resolved_too=resolved_too)
    if json:
        print_json({"incidents": [one.model_dump(mode="json") for one in incidents]})
    elif incidents:
        console().print(_table(incidents))
    else:
        print("There has been no incident." if resolved_too else "No incident is open.")


async def _read(operator: "Operator", *, resolved_too: bool) -> "Sequence[Incident]":
    from shared.contracts.catalog import OPERATOR
    from shared.contracts.incidents import IncidentList, IncidentListReply

    command = IncidentList(actor=OPERATOR, resolved_too=resolved_too, limit=LIST_MAX)
    return (await operator.ask(command, IncidentListReply)).incidents


async def _change(text: str, reason: str, *, resolve: bool, json: bool) -> None:
    from shared.contracts.catalog import OPERATOR
    from shared.contracts.errors import ErrorCode
    from shared.contracts.incidents import IncidentAck, IncidentReply, IncidentResolve
    from stellwerk.operator import Operator
    from stellwerk.output import print_json

    prefix, why = _prefix(text), _token(reason)
    kind = IncidentResolve if resolve else IncidentAck
    async with Operator(find_platform()) as operator:
        if len(prefix) == WHOLE_ID:
            incident_id = UUID(prefix)
        else:
            incident_id = _one(await _read(operator, resolved_too=True), prefix).incident_id
        command = kind(actor=OPERATOR, reason=why, incident_id=incident_id)
        reply = await operator.ask(command, IncidentReply)
    if reply.incident is None or reply.code is ErrorCode.NOT_FOUND:
        raise _unknown(prefix)
    if json:
        print_json({"incident": reply.incident.model_dump(mode="json")})
    else:
        print(_sentence(reply.incident))


def _prefix(text: str) -> str:
    from stellwerk.errors import BadInput

    prefix = text.strip().lower().replace("-", "")
    if not prefix or len(prefix) > WHOLE_ID or not set(prefix) <= set("0123456789abcdef"):
        raise BadInput(
            "That is no incident id, nor the beginning of one. `stellwerk incident list` shows "
            "them."
        )
    return prefix


def _token(reason: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from shared.contracts.values import Token
    from stellwerk.errors import BadInput

    try:
        return TypeAdapter[str](Token).validate_python(reason)
    except ValidationError:
        raise BadInput(
            "A reason is one word in small letters, or several with hyphens: provider-is-back."
        ) from None


def _one(incidents: "Sequence[Incident]", prefix: str) -> "Incident":
    """Return the incident whose id begins so; raise if there is none, or more than one."""
    from stellwerk.errors import BadInput

    found = [one for one in incidents if one.incident_id.hex.startswith(prefix)]
    if not found:
        raise _unknown(prefix)
    if len(found) > 1:
        shown = ", ".join(str(one.incident_id) for one in found[:3])
        raise BadInput(f"{len(found)} incidents' ids begin with {prefix}: {shown}. Type more.")
    return found[0]


def _unknown(prefix: str) -> "NotFound":
    from stellwerk.errors import NotFound

    return NotFound(
        f"No incident's id begins with {prefix}. `stellwerk incident list --all` shows what there "
        "is."
    )


def _sentence(incident: "Incident") -> str:
    what = f"{str(incident.incident_id)[:SHORT_ID]}: {incident.rule} about {incident.about}"
    if incident.resolved_at is not None:
        return f"{what} is over since {incident.resolved_at:%Y-%m-%d %H:%M:%S} UTC."
    return f"{what} is taken care of by {incident.acknowledged_by}."


def _table(incidents: "Sequence[Incident]") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("id", "severity", "rule", "about", "state", "since (UTC)", "count", "cause"):
        table.add_column(column)
    for one in incidents:
        table.add_row(
            *(str(one.incident_id)[:SHORT_ID], one.severity.value, one.rule, one.about),
            *(one.state.value, f"{one.opened_at:%Y-%m-%d %H:%M:%S}", str(one.count)),
            str(one.facts.get("cause", "")),
        )
    return table


async def _send_test(*, json: bool) -> int:
    from shared.contracts.catalog import OPERATOR
    from shared.contracts.incidents import NotificationReply, NotificationTest
    from stellwerk.operator import Operator
    from stellwerk.output import print_json

    async with Operator(find_platform()) as operator:
        reply = await operator.ask(NotificationTest(actor=OPERATOR), NotificationReply)
    total = reply.delivered + reply.failed
    if json:
        print_json({"delivered": reply.delivered, "failed": reply.failed})
    elif not total:
        print(
            "No channel is set: nobody is told of incidents. Write one apprise address a line "
            "into a file, and name it in SW_WATCH_CHANNELS_FILE."
        )
    elif reply.failed:
        print(
            f"{reply.delivered} of {total} channels took the test message. Watch's log names the "
            "lines of those that did not."
        )
    else:
        print(f"{reply.delivered} of {total} channels took the test message.")
    return 0 if total and not reply.failed else 1

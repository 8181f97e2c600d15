"""`stellwerk ask`: send one text over the bus and print the answer."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stellwerk.platform import DEFAULT_APP, DEFAULT_TENANT, find_platform

if TYPE_CHECKING:
    from stellwerk.answer import Answer


def register(app: typer.Typer) -> None:
    app.command()(ask)


def ask(  # noqa: PLR0913  The options are the command's interface.
    text: Annotated[str, typer.Argument(help="What to ask; - reads standard input.")],
    *,
    app: Annotated[str, typer.Option(help="The app that asks.")] = DEFAULT_APP,
    tenant: Annotated[str, typer.Option(help="The app's tenant.")] = DEFAULT_TENANT,
    user: Annotated[str | None, typer.Option(help="Who asks, as a token.")] = None,
    use_case: Annotated[str | None, typer.Option(help="What for, as a token.")] = None,
    case: Annotated[str | None, typer.Option(help="The case that it belongs to.")] = None,
    task: Annotated[str | None, typer.Option(help="The kind of task, for the policy.")] = None,
    model: Annotated[str | None, typer.Option(help="A model's name; auto by default.")] = None,
    translate_to: Annotated[
        str | None, typer.Option(help="Translate the text into this language, such as de.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The longest answer.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds to wait, 120 by default.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: asked once, paid once.")] = None,
    stream: Annotated[bool, typer.Option(help="Print the answer as it comes.")] = False,
    json: Annotated[bool, typer.Option(help="Print the answer and its facts as JSON.")] = False,
) -> None:
    """Send one text over the bus and print the answer, or a translation of it."""
    options: dict[str, Any] = {
        "operation": "translate" if translate_to is not None else None,
        "target_language": translate_to,
        "user": user,
        "use_case": use_case,
        "case_id": case,
        "task": task,
        "model": model,
        "max_tokens": max_tokens,
        "timeout_s": timeout,
        "idempotency_key": key,
    }
    given = {name: value for name, value in options.items() if value is not None}
    asyncio.run(_ask(text_of(text), tenant, app, given, stream=stream, json=json))


async def _ask(
    text: str, tenant: str, app: str, options: dict[str, Any], *, stream: bool, json: bool
) -> None:
    from stellwerk.client import Client
    from stellwerk.output import print_json

    platform = find_platform()
    seed_file = platform.app_seed_file(tenant, app)
    async with Client(platform.nats_url, app=app, tenant=tenant, seed_file=seed_file) as client:
        if not stream:
            answer = await client.complete(text, **options)
        else:
            streamed = client.stream(text, **options)
            async for piece in streamed:
                if not json:
                    sys.stdout.write(piece)
                    sys.stdout.flush()
            answer = await streamed.answer()
    if json:
        print_json(_facts(answer))
        return
    print(answer.text if not stream else "")
    print(facts_line(answer), file=sys.stderr)


def facts_line(answer: "Answer") -> str:
    """Return what an answer took, in one line: a translator counts characters, not tokens."""
    usage = answer.usage
    used = f"{usage.input_tokens}+{usage.output_tokens} tokens"
    if usage.characters:
        used = f"{usage.characters} characters"
    return f"{answer.model} · {used} · {answer.cost} · stellwerk trace {answer.request_id}"


def _facts(answer: "Answer") -> dict[str, Any]:
    from dataclasses import asdict

    facts = asdict(answer) | {"cost": answer.cost}
    return {
        **facts,
        "request_id": str(answer.request_id),
        "usage": answer.usage.model_dump(mode="json"),
        "tool_calls": [call.model_dump(mode="json") for call in answer.tool_calls],
    }


def text_of(text: str) -> str:
    """Return the text that is meant: `-` stands for standard input."""
    from stellwerk.errors import BadInput

    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("The input is not UTF-8 text. Convert it and try again.") from None

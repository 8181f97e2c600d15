"""Every fault of every wire through the whole platform; what was billed is read from billing."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import yaml

from shared.contracts.configuration import Document
from shared.contracts.requests import Operation
from stellwerk.client import Client
from stellwerk.errors import NoAnswer, StillWaiting
from tests.bench.fault_table import RAW, WRONG, Case, Got, answered
from tests.fixtures.platform import Platform
from tests.fixtures.wires.base import SAID, Wire
from tests.fixtures.wires.server import WireServer

QUESTION: Final = "Skriv et kort svar om vores åbningstider."
TIMEOUT_S: Final = 8.0
SIDE_BY_SIDE: Final = 12
BILLED_S_MAX: Final = 30.0
SETTINGS: Final = {
    "SW_ROUTER_CONNECT_S_MAX": "1",
    "SW_ROUTER_FIRST_TOKEN_S_MAX": "1",
    "SW_ROUTER_IDLE_S_MAX": "1",
    "SW_ROUTER_PROBE_EVERY_S": "3600",
}
_BILLED: Final = """
SELECT usage.request_id, usage.input_tokens, usage.output_tokens, usage.characters,
    usage.token_source, usage.cost_nano, resolution.posted_nano, resolution.state,
    (SELECT count(*) FROM billing.attempt WHERE usage_id = usage.event_id) AS attempts
FROM billing.usage AS usage
LEFT JOIN billing.resolution AS resolution ON resolution.hold_id = usage.hold_id
WHERE usage.request_id = ANY($1)
"""


def configure(platform: Platform, server: WireServer, cases: Sequence[Case]) -> None:
    """Add a model for each case to what the platform starts with."""
    path = platform.config / Document.MODELS
    models: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for case in cases:
        wire = case.wire
        key = f"SW_BENCH_{wire.name.upper().replace('-', '_')}_KEY"
        platform.environment[key] = wire.key
        models["providers"][wire.name] = _provider(wire, key)
        models["models"][case.model] = _model(wire, server.base_url(wire, case.fault))
    path.write_text(yaml.safe_dump(models, sort_keys=False), encoding="utf-8")


def _provider(wire: Wire, key: str) -> dict[str, Any]:
    return {
        "wire": wire.name,
        "base_url": "${SW_ROUTER_SCRIPTED_URL}",  # Each model has an address of its own.
        "key": f"${{{key}}}",
        "local": True,
        "region": "house",
        "residency": "local",
        "legal_country": None,
        "dpa": None,
        "options": dict(wire.options),
    }


def _model(wire: Wire, base_url: str) -> dict[str, Any]:
    translates = any(mode.operation is Operation.TRANSLATE for mode in wire.modes)
    price = {"characters_per_million": "20.00"} if translates else {}
    tokens = {"input_per_million": "1.00", "output_per_million": "5.00"}
    return {
        "provider": wire.name,
        "upstream": "m",
        "base_url": base_url,
        "capabilities": ["translate"] if translates else ["chat", "stream"],
        "context_tokens": 8192,
        "output_tokens_max": 1024,
        "price": {
            "currency": "EUR",
            **(price or tokens),
            "source": "invented for this bench",
            "valid_from": "2026-01-01",
        },
    }


async def measured(platform: Platform, cases: Sequence[Case]) -> dict[Case, Got]:
    """Ask all cases over the bus and return what callers got and what was billed."""
    room = asyncio.Semaphore(SIDE_BY_SIDE)

    async def asked(client: Client, case: Case) -> tuple[str, UUID | None]:
        async with room:
            return await _ask(client, case)

    async with platform.client() as client:
        ends = await asyncio.gather(*(asked(client, case) for case in cases))
    billed = await _billed(platform, [one for _, one in ends if one is not None])
    return {
        case: _got(what, billed.get(request_id) if request_id else None)
        for case, (what, request_id) in zip(cases, ends, strict=True)
    }


async def _ask(client: Client, case: Case) -> tuple[str, UUID | None]:
    """Return what the caller got, and by which id the record has it."""
    request_id: UUID | None = None
    options: dict[str, Any] = {"model": case.model, "timeout_s": TIMEOUT_S}
    try:
        if case.mode.stream:
            stream = client.stream(QUESTION, **options)
            request_id = stream.request_id
            heard = [piece async for piece in stream]
            answer = await stream.answer()
            if "".join(heard) != answer.text:
                return f"{WRONG} two texts", request_id
        else:
            if case.mode.operation is Operation.TRANSLATE:
                options |= {"operation": "translate", "target_language": "en"}
            answer = await client.complete(QUESTION, **options)
    except StillWaiting as error:
        return f"{WRONG} no answer", error.request_id or request_id
    except NoAnswer as error:
        raw = f"{RAW} " if SAID in str(error) else ""
        return f"{raw}{error.code}", error.request_id or request_id
    reason = answer.finish_reason.value if answer.finish_reason else None
    return answered(case, answer.text, reason), answer.request_id


async def _billed(platform: Platform, wanted: Sequence[UUID]) -> Mapping[UUID, Any]:
    """Return billing's own record, once it has all of them."""
    found: dict[UUID, Any] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(BILLED_S_MAX):
            while len(found) < len(wanted):
                rows = await platform.query(_BILLED, list(wanted))
                found = {row["request_id"]: row for row in rows}
                await asyncio.sleep(0.2)
    return found


def _got(what: str, row: Mapping[str, Any] | None) -> Got:
    if row is None:
        return Got(what, billed=f"{WRONG} no record")
    if (row["posted_nano"] or 0) != row["cost_nano"]:
        return Got(what, row["attempts"], f"{WRONG} {row['state']} {row['posted_nano']}")
    if row["cost_nano"] == 0:
        return Got(what, row["attempts"], "nothing")
    about = "~" if row["token_source"] == "estimated" else ""
    used = f"{row['input_tokens']}+{row['output_tokens']}"
    if row["characters"]:
        used = f"{row['characters']} characters"
    return Got(what, row["attempts"], f"{about}{used}")

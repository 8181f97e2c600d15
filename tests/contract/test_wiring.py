"""Each service takes and answers exactly what the catalogue says, read from its `__main__`."""

import ast
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from shared.contracts.catalog import APP, COMMANDS, CONSUMERS, EVENTS, SERVICES

SERVICES_FOLDER: Final = Path(__file__).parents[2] / "services"
CONSUMING: Final = frozenset({"batch", "transaction", "slot"})


@dataclass(frozen=True)
class Wiring:
    """What a `__main__` hands to `service.…`, by how it is taken."""

    consumers: Counter[str]
    slots: frozenset[str]
    live: Counter[str]
    commands: Counter[str]


def wiring_of(source: str) -> Wiring:
    """Return the wiring in a module; the name of a consumer or class stands in the call itself."""
    found: dict[str, list[str]] = {name: [] for name in (*CONSUMING, "live", "command")}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        receiver, method = node.func.value, node.func.attr
        if isinstance(receiver, ast.Name) and receiver.id == "service" and method in found:
            first = node.args[0]
            found[method].append(
                str(first.value) if isinstance(first, ast.Constant) else ast.unparse(first)
            )
    return Wiring(
        consumers=Counter(name for method in CONSUMING for name in found[method]),
        slots=frozenset(found["slot"]),
        live=Counter(found["live"]),
        commands=Counter(found["command"]),
    )


def expected_of(service: str) -> Wiring:
    own = [consumer for consumer in CONSUMERS if consumer.service == service]
    live = [
        row.event.__name__
        for row in EVENTS
        if (service in row.heard_by or (row.stream is None and service in row.takers))
        # What callers take is heard by whoever called, one request at a time.
        and APP not in row.takers
    ]
    commands = [row.command.__name__ for row in COMMANDS if row.command.service == service]
    return Wiring(
        consumers=Counter(consumer.name for consumer in own),
        slots=frozenset(consumer.name for consumer in own if consumer.slots),
        live=Counter(live),
        commands=Counter(commands),
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_wired_as_the_catalogue_says(service: str) -> None:
    source = (SERVICES_FOLDER / service / "__main__.py").read_text(encoding="utf-8")
    assert wiring_of(source) == expected_of(service)


def test_every_folder_with_a_main_is_in_the_catalogue() -> None:
    folders = {file.parent.name for file in SERVICES_FOLDER.glob("*/__main__.py")}
    assert folders == set(SERVICES)


def test_a_missing_a_foreign_and_a_double_subscription_are_seen() -> None:
    good = 'service.transaction("billing-usage", x)\nservice.command(HoldRequest, x)\n'
    assert wiring_of(good) == expected_of("billing")
    for wrong in (
        "service.command(HoldRequest, x)\n",
        good + 'service.batch("audit-meta", x)\n',
        good + 'service.batch("billing-usage", x)\n',
        good + "service.live(ChunkProduced, x)\n",
        good.replace("transaction", "slot"),
    ):
        assert wiring_of(wrong) != expected_of("billing")

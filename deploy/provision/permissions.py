"""Who may publish and subscribe to what on the bus, worked out from the catalogue.

Every rule is an allow-list: what is not named here is denied by the server. A service may talk to
JetStream about its own durable consumers only, so it can neither make a consumer, nor read a
stream, nor have anything delivered to a subject that it could not publish to itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from shared.contracts.catalog import (
    APP,
    COMMANDS,
    CONSUMERS,
    EVENTS,
    OPERATOR,
    EventRow,
    dead_subject,
)
from shared.contracts.stores import ANSWERS, BUCKETS
from shared.contracts.traces import SpanRecorded

PROVISION: Final = "provision"
"""The user that makes streams and consumers. Whoever has its seed can read everything."""

DIRECT_GET: Final = f"$JS.API.DIRECT.GET.{ANSWERS.name}"
REPLIES_TO_APPS: Final = "_R_.>"
"""How the server names, among services, the way back to an app that sent a command."""

_PROVISION_CALLS: Final = (
    "$JS.API.INFO",
    "$JS.API.STREAM.CREATE.*",
    "$JS.API.STREAM.UPDATE.*",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.LIST",
    "$JS.API.CONSUMER.CREATE.>",
    "$JS.API.CONSUMER.DURABLE.CREATE.>",
    "$JS.API.CONSUMER.DELETE.>",
    "$JS.API.CONSUMER.INFO.>",
    "$JS.API.CONSUMER.NAMES.*",
    "$JS.API.CONSUMER.LIST.*",
)


@dataclass(frozen=True, slots=True)
class Permissions:
    """The subjects that one user may publish and subscribe to; sorted, each once."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]

    @classmethod
    def of(cls, publish: Iterable[str], subscribe: Iterable[str]) -> "Permissions":
        return cls(tuple(sorted(set(publish))), tuple(sorted(set(subscribe))))


@dataclass(frozen=True, slots=True)
class AppImports:
    """What one app's account takes over from the services' account."""

    services: tuple[str, ...]
    streams: tuple[str, ...]


def service_permissions(service: str) -> Permissions:
    """Return what a service may do."""
    return Permissions.of(
        publish=[
            *_sends(service),
            *_dead_letters(service),
            *_pulls(service),
            *_asks(service),
            *_replies(service),
            *_looks_up(service),
        ],
        subscribe=[inbox_of(service), *_live_events(service), *_answers(service)],
    )


def operator_permissions() -> Permissions:
    """Return what the command line may do for a person: send commands, and nothing else."""
    return Permissions.of(publish=_asks(OPERATOR), subscribe=[inbox_of(OPERATOR)])


def provision_permissions() -> Permissions:
    return Permissions.of(publish=_PROVISION_CALLS, subscribe=[inbox_of(PROVISION)])


def app_permissions(tenant: str, app: str) -> Permissions:
    """Return what an app may do: everything it names holds its own tokens."""
    imports = app_imports(tenant, app)
    return Permissions.of(
        publish=imports.services,
        subscribe=[inbox_of(f"app-{tenant}-{app}"), *imports.streams],
    )


def app_imports(tenant: str, app: str) -> AppImports:
    """Return the subjects of the services that an app's account can see at all."""
    services = [_own(row, tenant, app) for row in EVENTS if APP in row.senders]
    services += [row.subject for row in COMMANDS if APP in row.callers]
    kept = [row for row in EVENTS if APP in row.takers and row.stream is ANSWERS]
    services += [f"{DIRECT_GET}.{_own(row, tenant, app)}" for row in kept]
    streams = [_own(row, tenant, app) for row in EVENTS if APP in row.takers]
    return AppImports(tuple(services), tuple(streams))


def exported_services() -> tuple[str, ...]:
    """Return what the services' account offers to apps as requests; each app sees its own part."""
    sent = [f"{row.prefix}{_any_tokens(row)}" for row in EVENTS if APP in row.senders]
    commands = [row.subject for row in COMMANDS if APP in row.callers]
    return (*sent, *commands, f"{DIRECT_GET}.>")


def exported_streams() -> tuple[str, ...]:
    return tuple(row.filter for row in EVENTS if APP in row.takers)


def inbox_of(user: str) -> str:
    return f"_INBOX.{user}.>"


def _sends(service: str) -> Iterator[str]:
    for row in EVENTS:
        if service not in row.senders:
            continue
        if row.event is SpanRecorded:
            # In place of the app's token stands the service's name: no one speaks for another.
            yield f"{row.prefix}.*.{service}"
        else:
            yield f"{row.prefix}{_any_tokens(row)}"


def _dead_letters(service: str) -> Iterator[str]:
    for consumer in CONSUMERS:
        if consumer.service == service:
            for row in EVENTS:
                if row.event in consumer.events:
                    yield dead_subject(row.data_class, service)


def _pulls(service: str) -> Iterator[str]:
    for consumer in CONSUMERS:
        if consumer.service == service:
            place = f"{consumer.stream.name}.{consumer.name}"
            yield f"$JS.API.CONSUMER.INFO.{place}"
            yield f"$JS.API.CONSUMER.MSG.NEXT.{place}"
            yield f"$JS.ACK.{place}.>"


def _asks(caller: str) -> Iterator[str]:
    return (row.subject for row in COMMANDS if caller in row.callers)


def _answers(service: str) -> Iterator[str]:
    return (row.subject for row in COMMANDS if row.command.service == service)


def _replies(service: str) -> Iterator[str]:
    # Named one by one: allow_responses would let a caller choose where an answer is published.
    for row in COMMANDS:
        if row.command.service == service:
            for caller in row.callers:
                yield REPLIES_TO_APPS if caller == APP else inbox_of(caller)


def _live_events(service: str) -> Iterator[str]:
    for row in EVENTS:
        if service in row.heard_by or (row.stream is None and service in row.takers):
            yield f"{row.prefix}{_any_tokens(row)}"


def _looks_up(service: str) -> Iterator[str]:
    """Yield where a service may read the last message of a subject, and what it may write."""
    for row in EVENTS:
        if service in row.heard_by and row.stream is not None and row.stream.direct_get:
            yield f"$JS.API.DIRECT.GET.{row.stream.name}.{row.prefix}{_any_tokens(row)}"
    for bucket in BUCKETS:
        if service in (bucket.writer, *bucket.readers):
            yield f"$JS.API.DIRECT.GET.{bucket.stream}.{bucket.subject('*')}"
        if service == bucket.writer and service in bucket.readers:
            # Its replicas find each other there: all keys at once, of this one bucket.
            yield f"$JS.API.DIRECT.GET.{bucket.stream}"
        if service == bucket.writer:
            yield bucket.subject("*")


def _any_tokens(row: EventRow) -> str:
    addressed = 1 if row.per_replica else 2
    return ".*" * (addressed + (1 if row.per_request else 0))


def _own(row: EventRow, tenant: str, app: str) -> str:
    return f"{row.prefix}.{tenant}.{app}" + (".*" if row.per_request else "")

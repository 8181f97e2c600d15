"""One service on the bus: what it takes and answers, from start to drained stop."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import uvloop

from shared.bus.batches import (
    BatchConsuming,
    BatchHandler,
    TransactionConsuming,
    TransactionHandler,
)
from shared.bus.buckets import POLL_S, Apply, Following
from shared.bus.commands import Commanding, Handler, ask
from shared.bus.connection import Connection
from shared.bus.deliveries import outgoing
from shared.bus.failures import GiveUp
from shared.bus.health import Health
from shared.bus.live import Listening, LiveHandler
from shared.bus.outbox import Outbox
from shared.bus.publishing import Publisher
from shared.bus.slots import SlotConsuming, SlotHandler
from shared.contracts.catalog import command_row_of, consumer_named
from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event
from shared.contracts.stores import MASKED_RETENTION_S
from shared.contracts.traces import SpanRecorded
from shared.db import Database, forget_inbox
from shared.errors import DependencyDown
from shared.logs import log_as
from shared.settings import ServiceSettings
from shared.telemetry import SpanBuffer, start_tracing

_log = logging.getLogger(__name__)

SPANS_EVERY_S: Final = 0.25
SPANS_MAX: Final = 512
LAST_SPANS_S_MAX: Final = 2.0
RELAY_EVERY_S: Final = 2.0
FORGET_EVERY_S: Final = 600.0
INBOX_KEPT_S: Final = MASKED_RETENTION_S + 24 * 3600
PROBE_EVERY_S: Final = 1.0
COLLECTOR_THRESHOLDS: Final = (20_000, 50, 50)
TENANT: Final = "default"
POSTGRESQL: Final = "postgresql"

Job = Callable[[], Awaitable[Sequence[Event] | None]]
Hook = Callable[[], Awaitable[None]]


class Service:
    """Collects what a service takes and answers, then runs it: `__main__` reads as a map."""

    def __init__(
        self, name: str, settings: ServiceSettings, database: Database | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self.database = database
        self.notes: dict[str, str] = {}
        """Problems that a service finds itself; while one stands, the service is not ready."""
        self.remarks: dict[str, str] = {}
        """What an operator should know although the service is ready; /readyz shows it."""
        self.connection = Connection(settings.nats_url, name, settings.nats_seed_file)
        self._parts: list[Callable[[], Any]] = []
        self._running: list[Any] = []
        self._jobs: list[tuple[float, Job]] = []
        self._starts: list[Hook] = []
        self._stops: list[Hook] = []
        self._stopped = asyncio.Event()
        self._publisher: Publisher | None = None
        self._outbox: Outbox | None = None
        self._uses_outbox = False

    def batch(
        self, consumer: str, handler: BatchHandler, *, given_up: GiveUp | None = None
    ) -> None:
        """Take a consumer's events in batches; effects are published, then causes acknowledged."""
        self._parts.append(lambda: self._taking(BatchConsuming, consumer, handler, given_up))

    def transaction(
        self, consumer: str, handler: TransactionHandler, *, given_up: GiveUp | None = None
    ) -> None:
        """Take a consumer's events in batches, each batch in one database transaction."""

        def build() -> Any:  # noqa: ANN401
            part = self._taking(TransactionConsuming, consumer, handler, given_up)
            part.database, part.outbox = self._storage()
            return part

        self._parts.append(build)

    def slot(self, consumer: str, handler: SlotHandler, *, given_up: GiveUp | None = None) -> None:
        """Take a consumer's events side by side, one running handler each."""
        self._parts.append(lambda: self._taking(SlotConsuming, consumer, handler, given_up))

    def live(self, event: type[Event], handler: LiveHandler) -> None:
        """Take the live events that are addressed to this replica, or to every one."""
        where = (self.name, self.settings.replica)
        self._parts.append(lambda: Listening(*where, event, handler, self.connection.client))

    def command(self, command: type[Command], handler: Handler, *, stored: bool = True) -> None:
        """Answer a command; if `stored`, all that wait are answered in one transaction."""

        def build() -> Commanding:
            database, outbox = self._storage() if self.database and stored else (None, None)
            row = command_row_of(command)
            return Commanding(self.name, row, handler, self.connection.client, database, outbox)

        self._parts.append(build)

    def part(self, part: Any) -> None:  # noqa: ANN401  Whatever has these four.
        """Run something of the service's own beside the rest, such as an HTTP server.

        It has a `name`, a `problem` (None while it works), an async `stop()`, and an async `run()`
        that returns when all in hand is done after `stop`.
        """
        self._parts.append(lambda: part)

    def configured(self, apply: Apply) -> None:
        """Call `apply` with the configuration in force, at the start and whenever it changes.

        While the bucket is empty nothing is called. `apply` raises `ConfigError` for what it cannot
        use; the service then goes on as it was, and says so.
        """
        following = Following(self.connection, apply, self.remarks)
        self.on_start(following.begin)
        self.every(POLL_S, following.look)

    def every(self, seconds: float, job: Job) -> None:
        """Run a job again and again; the events it returns are published."""
        self._jobs.append((seconds, job))

    def on_start(self, hook: Hook) -> None:
        """Run `hook` once connected, before anything is taken."""
        self._starts.append(hook)

    def on_stop(self, hook: Hook) -> None:
        """Run `hook` when nothing is in hand any more."""
        self._stops.append(hook)

    async def ask(self, command: Command, timeout_s: float = 2.0) -> Reply:
        """Send a command to another service; see `shared.bus.commands.ask` for what it raises."""
        return await ask(self.connection.client, command, timeout_s)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, then drain; with `--check`, only prove that it could."""
        log_as(self.name, self.settings.replica)
        main = self._check() if "--check" in sys.argv[1:] else self.serve()
        sys.exit(uvloop.run(main))

    def stop(self) -> None:
        self._stopped.set()

    def problems(self) -> dict[str, str]:
        """Return what keeps this service from being ready; empty when it really consumes."""
        found = dict(self.notes)
        if not self.connection.is_up:
            found["bus"] = "the link is down"
        if self._stopped.is_set():
            found["stopping"] = "draining"
        if not self._running:
            found["starting"] = "not yet connected"
        for part in self._running:
            if problem := getattr(part, "problem", None):
                found[part.name] = problem
        return found

    async def serve(self) -> int:
        """Run in the running event loop until `stop`, and return the exit code."""
        spans = start_tracing(self.name, self.settings.replica)
        health = Health(
            self.settings.http_host, self.settings.http_port, self.problems, self.remarks
        )
        await health.open()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_unnoticed)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        opening = asyncio.create_task(self._open())
        stopping = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            return 0
        await opening
        self.every(SPANS_EVERY_S, lambda: self._spans(spans))
        if self._uses_outbox:
            self.every(RELAY_EVERY_S, self._relay)
            self.every(FORGET_EVERY_S, self._forget)
        tasks = [asyncio.create_task(part.run()) for part in self._running]
        jobs = [asyncio.create_task(self._repeat(*job)) for job in self._jobs]
        spare_the_collector()
        _log.info("started", extra={"facts": {"port": health.port, "parts": len(tasks)}})
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        crashed = await self._drain(tasks, jobs)
        await self._publish_last(await self._spans(spans))
        await self._close(health)
        _log.info("stopped", extra={"facts": {"crashed": crashed}})
        return 1 if crashed else 0

    async def _open(self) -> None:
        await self.connection.open()
        self._publisher = Publisher(self.connection.client)
        await self._publisher.open()
        if self.database is not None:
            self._outbox = Outbox(self.database, self._publisher)
            while not await self._database_is_up():  # noqa: ASYNC110  It is in another process.
                await asyncio.sleep(PROBE_EVERY_S)
            self.every(PROBE_EVERY_S, self._probe)
        for hook in self._starts:
            await hook()
        self._running = [build() for build in self._parts]

    async def _database_is_up(self) -> bool:
        if self.database is None or await self.database.is_up():
            self.notes.pop(POSTGRESQL, None)
            return True
        self.notes[POSTGRESQL] = "the database is away"
        return False

    async def _probe(self) -> None:
        # An idle service would not find out otherwise.
        await self._database_is_up()

    async def _drain(self, tasks: list[Any], jobs: list[Any]) -> int:
        """Stop taking, finish what is in hand, and return how many parts had crashed."""
        self._stopped.set()
        for job in jobs:
            job.cancel()
        for part in self._running:
            stopping = part.stop()
            if stopping is not None:
                await stopping
        done, late = await asyncio.wait(tasks, timeout=self.settings.stop_s_max)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, *jobs, return_exceptions=True)
        crashes = [task for task in done if not task.cancelled() and task.exception()]
        for task in crashes:
            _log.error("a part crashed", exc_info=task.exception())
        return len(crashes)

    async def _close(self, health: Health) -> None:
        for hook in self._stops:
            await hook()
        await health.close()
        await self.connection.close()
        if self.database is not None:
            await self.database.close()

    async def _repeat(self, seconds: float, job: Job) -> None:
        while not self._stopped.is_set():  # asyncio.wait_for may swallow a cancellation.
            try:
                with suppress(DependencyDown):
                    await self.publish(await job())
            except Exception:
                _log.exception("a job failed")  # It runs again soon.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), seconds)

    async def publish(self, events: Sequence[Event] | None) -> None:
        """Publish what follows from no message; raises `DependencyDown` while the bus is away."""
        if events and self._publisher is not None:
            await self._publisher.durable([outgoing(one, self.name, None) for one in events])

    async def _publish_last(self, spans: Sequence[Event]) -> None:
        """Publish what is left of the trace; a bus that is away must not hold up the end."""
        with suppress(DependencyDown, TimeoutError):
            async with asyncio.timeout(LAST_SPANS_S_MAX):
                await self.publish(spans)

    async def _spans(self, buffer: SpanBuffer) -> list[Event]:
        spans = buffer.take(SPANS_MAX, self.name)
        return [SpanRecorded(tenant=TENANT, app=self.name, spans=spans)] if spans else []

    async def _relay(self) -> None:
        if self._outbox is not None and (relayed := await self._outbox.relay()):
            _log.warning("relayed", extra={"facts": {"messages": relayed}})

    async def _forget(self) -> None:
        if self.database is not None:
            async with self.database.transaction() as tx:
                await forget_inbox(tx, INBOX_KEPT_S)

    def _taking(self, kind: Any, consumer: str, handler: Any, give_up: GiveUp | None) -> Any:  # noqa: ANN401
        row = consumer_named(consumer)
        part = kind(self.name, row, self.connection, self._publisher, give_up)
        part.handler = handler
        return part

    def _storage(self) -> tuple[Database, Outbox]:
        if self.database is None or self._outbox is None:
            raise RuntimeError(f"{self.name} needs a database: set SW_<SERVICE>_DATABASE_URL")
        self._uses_outbox = True
        return self.database, self._outbox

    async def _check(self) -> int:
        """Prove that settings, bus and database would do, in a few seconds."""
        try:
            async with asyncio.timeout(10):
                await self._open()
        except TimeoutError:
            print(f"{self.name}: bus or database did not answer in 10 s", file=sys.stderr)  # noqa: T201
            return 1
        print(f"{self.name}: ready to start")  # noqa: T201
        return 0


def _unnoticed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception that nobody awaited; asyncio's own line would hold its text."""
    _log.error("an exception went unnoticed", exc_info=context.get("exception"))


def spare_the_collector() -> None:
    """Take what was loaded at start out of the garbage collector's rounds, and make them rarer.

    Messages are freed by reference counting; walking all modules every 700 allocations in search
    of cycles cost billing 15 % of its CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)

"""Runs the whole platform: starts every part, heals those that die, drains them in order."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from deploy.local.errors import LocalError
from deploy.local.folder import DataFolder
from deploy.local.http_keys import make_first_keys
from deploy.local.left_overs import end_left_overs
from deploy.local.local_models import fetch_in_background
from deploy.local.logs import keep_small
from deploy.local.model_server import ModelServer
from deploy.local.options import Options
from deploy.local.part import Part
from deploy.local.platform import Platform
from deploy.local.provisioning import provision
from deploy.local.services import STOP_ORDER
from deploy.local.state import Phase, State
from stellwerk.errors import StellwerkError

SERVICE_STOP_S_MAX: Final = 30.0  # a service gives its own work in hand 25 s
MODEL_READY_S_MAX: Final = 180.0
LOGS_EVERY_S: Final = 60.0

OnReady = Callable[["Supervisor"], Awaitable[None]]


class Supervisor:
    """One platform, from its first process to its last. `say` is given one line at a time."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self.options = options
        self.folder = DataFolder(options.data)
        self._say_line = say
        self._began = time.monotonic()
        self._phase = Phase.STARTING
        self._stop = asyncio.Event()
        self._platform: Platform | None = None
        self._parts: dict[str, Part] = {}
        self._models: dict[str, asyncio.Task[bool]] = {}
        self._notes: list[str] = []

    async def run(self, on_ready: OnReady | None = None) -> None:
        """Run until SIGTERM, SIGINT or `stop`; raise a LocalError when the start does not succeed.

        `on_ready` runs beside the platform once every service is ready; models may still load.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.stop)
        with self.folder.locked():
            end_left_overs(self.folder, self._say)
            trimming = asyncio.create_task(self._trim_logs())
            try:
                if await self._unless_stopped(self._start()):
                    self._say(f"ready; `stellwerk status` shows everything ({self.folder.root})")
                    self._phase = Phase.READY
                    self._write_state()
                    if on_ready is not None:
                        await self._unless_stopped(on_ready(self))
                    await self._stop.wait()
            finally:
                trimming.cancel()
                await self._drain()

    def stop(self) -> None:
        """Begin to drain; asked a second time, kill what still drains."""
        if self._stop.is_set():
            for part in self._parts.values():
                if part.running is not None:
                    part.running.signal(signal.SIGKILL)
        self._stop.set()

    async def models_ready(self) -> bool:
        """Wait until every wanted model answers or is known not to; tell whether any answers."""
        return any(await asyncio.gather(*self._models.values()))

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Return True when the work is done, False when a stop came first."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            return False
        await working
        return True

    # --- start ----------------------------------------------------------------------------------

    async def _start(self) -> None:
        platform = self._platform = Platform(self.options)
        await self._start_servers(platform)
        changes = await provision(platform.nats_url, platform.admin_url, platform.secrets)
        if changes:
            self._say(f"provisioned {len(changes)} things on the bus and in the database")
        for name, server in platform.models.items():
            self._models[name] = asyncio.create_task(self._run_model(server))
        if not platform.models:
            self._note("No model runs here (--no-model): requests need another provider.")
        await self._start_services(platform)

    async def _start_servers(self, platform: Platform) -> None:
        if platform.nats is not None:
            self._keep(
                Part(
                    platform.nats.program(),
                    prepare=platform.prepare_nats,
                    port=platform.nats.monitor_port,
                    health_path="/healthz",
                )
            )
        if platform.postgres is not None:
            if platform.postgres.is_new():
                self._say("postgres is being set up")
            self._keep(
                Part(
                    platform.postgres.program(),
                    prepare=platform.postgres.prepare,
                    port=platform.postgres.port,
                )
            )
        await self._all_ready(list(self._parts))

    async def _start_services(self, platform: Platform) -> None:
        services = platform.services()
        for endpoint in services.values():
            self._keep(
                Part(
                    endpoint.program,
                    port=endpoint.port,
                    health_path="/readyz",
                    stop_wait_s_max=SERVICE_STOP_S_MAX,
                )
            )
        await self._all_ready(services)
        await self._make_first_keys(platform)

    async def _make_first_keys(self, platform: Platform) -> None:
        """Make the keys of the HTTP doors; without them the platform runs on, and says so."""
        try:
            made = await make_first_keys(platform.seen_by_people())
        except (LocalError, StellwerkError) as error:
            self._note(f"The HTTP doors have no first keys: {error}")
            return
        if made:
            self._say(f"made the keys of the HTTP doors: {', '.join(file.stem for file in made)}")

    async def _run_model(self, server: ModelServer) -> bool:
        """Fetch and serve a model; without it the platform runs on, and says so."""
        try:
            await fetch_in_background(server, self._say)
            part = self._keep(Part(server.program(), port=server.port, health_path="/health"))
            await part.wait_ready(MODEL_READY_S_MAX)
        except LocalError as error:
            self._note(f"{server.name} does not run: {error}")
            return False
        self._say(f"{part.name} is ready")
        self._write_state()
        return True

    def _keep(self, part: Part) -> Part:
        part.say, part.changed = self._say, self._write_state
        self._parts[part.name] = part
        part.start()
        return part

    async def _all_ready(self, names: Iterable[str]) -> None:
        async def wait(name: str) -> None:
            await self._parts[name].wait_ready()
            self._say(f"{name} is ready")

        await asyncio.gather(*(wait(name) for name in names))

    # --- stop -----------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Stop the takers before the servers they need, so that work in hand can be finished."""
        self._phase = Phase.STOPPING
        self._write_state()
        if self._parts:
            self._say("stopping: finishing what is in hand")
        for model in self._models.values():
            model.cancel()
        for group in STOP_ORDER:
            await self._stop_parts(group)
        servers = ("nats", "postgres")
        await self._stop_parts(name for name in list(self._parts) if name not in servers)
        await self._stop_parts(servers)
        self.folder.state.unlink(missing_ok=True)
        self._say("stopped")

    async def _stop_parts(self, names: Iterable[str]) -> None:
        found = [self._parts.pop(name) for name in names if name in self._parts]
        await asyncio.gather(*(part.stop() for part in found))

    # --- what others see ------------------------------------------------------------------------

    def _write_state(self) -> None:
        platform = self._platform
        if platform is None:
            return
        nats = {"url": platform.nats_url}
        if platform.nats is not None:
            nats["monitor"] = platform.nats.monitor_address
        parts = [part.state() for part in self._parts.values()]
        State(
            supervisor=os.getpid(),
            phase=self._phase,
            nats=nats,
            postgres={"url": platform.shown_database()},
            doors=platform.doors(),
            models=platform.shown_models(),
            credentials=platform.credentials(),
            parts=[part for part in parts if part is not None],
            notes=self._notes,
        ).write(self.folder)

    def _note(self, sentence: str) -> None:
        self._notes.append(sentence)
        self._say(sentence)
        self._write_state()

    def _say(self, line: str) -> None:
        self._say_line(f"{time.monotonic() - self._began:6.1f} s  {line}")

    async def _trim_logs(self) -> None:
        while True:
            keep_small(self.folder.logs)
            await asyncio.sleep(LOGS_EVERY_S)

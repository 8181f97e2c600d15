"""One running part of the platform: started, watched, started again when it dies, stopped."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from deploy.local.errors import LocalError, StartFailed
from deploy.local.program import STOP_WAIT_S_MAX, Program, Running
from deploy.local.state import PartState, started_at

POLL_S: Final = 0.05
WATCH_S: Final = 0.2
READY_S_MAX: Final = 60.0
BACKOFF_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_S: Final = 30.0  # a part that ran this long begins again with the shortest wait
STARTS_MAX: Final = 3  # of a part that was never ready

Say = Callable[[str], None]


@dataclass
class Part:
    """A program under our care. `prepare` runs before each start and must do no harm twice."""

    program: Program
    say: Say = print
    changed: Callable[[], None] = lambda: None
    prepare: Callable[[], None] = lambda: None
    port: int | None = None
    health_path: str | None = None
    stop_wait_s_max: float = STOP_WAIT_S_MAX
    restarts: int = 0
    running: Running | None = None
    _stopping: bool = False
    _watching: "asyncio.Task[None] | None" = None

    @property
    def name(self) -> str:
        return self.program.name

    def start(self) -> None:
        """Start it and watch over it from now on."""
        self._begin()
        self._watching = asyncio.create_task(self._watch(), name=f"watch {self.name}")

    async def wait_ready(self, wait_s_max: float = READY_S_MAX) -> None:
        """Return once it is ready; raise StartFailed when it keeps ending or stays silent."""
        deadline = time.monotonic() + wait_s_max
        while not await self.is_ready():
            if self.restarts >= STARTS_MAX:
                raise StartFailed(f"{self.name} ends while starting: {self._last_words()}")
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{self.name} was not ready after {wait_s_max:g} s; see {self.program.log}."
                )
            await asyncio.sleep(POLL_S)

    async def is_ready(self) -> bool:
        running = self.running
        # In a thread, because a part that hangs would hold up the care for all others.
        return running is not None and await asyncio.to_thread(running.ready)

    async def stop(self) -> None:
        """Ask it to drain, wait, and kill it when it takes too long."""
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
        running = self.running
        if running is not None and not running.ended():
            running.signal(self.program.stop_signal)
            try:
                async with asyncio.timeout(self.stop_wait_s_max):
                    await self._ended(running)
            except TimeoutError:
                self.say(f"{self.name} did not stop in {self.stop_wait_s_max:g} s and is killed")
                running.kill()

    def state(self) -> PartState | None:
        if self.running is None:
            return None
        return PartState(
            name=self.name,
            pid=self.running.pid,
            started_at=started_at(self.running.pid),
            restarts=self.restarts,
            log=str(self.program.log),
            port=self.port,
            health_path=self.health_path,
        )

    def _begin(self) -> None:
        self.prepare()
        self.running = self.program.start()
        self.changed()

    async def _watch(self) -> None:
        failures = 0
        while not self._stopping:
            await asyncio.sleep(WATCH_S)
            if self.running is None or not self.running.ended() or self._stopping:
                continue
            lived_s = time.monotonic() - self.running.since
            failures = 0 if lived_s > STEADY_S else failures
            wait_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            failures += 1
            self.restarts += 1
            code = self.running.process.returncode
            self.say(f"{self.name} ended with {_in_words(code)}; starting it again in {wait_s:g} s")
            await asyncio.sleep(wait_s)
            try:
                self._begin()
            except LocalError as error:
                self.say(f"{self.name} cannot start: {error}")

    @staticmethod
    async def _ended(running: Running) -> None:
        while not running.ended():  # noqa: ASYNC110 -- the kernel's word, which is polled
            await asyncio.sleep(POLL_S)

    def _last_words(self) -> str:
        return self.running.last_words() if self.running else "it never began"


def _in_words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"

"""`make bench-faults`: what callers get, how often providers are called and what is billed.

Every fault of every wire goes through the whole platform: over the bus, with real time-outs, and
`billed` is what billing has recorded. LiteLLM stands beside it where it is installed. Prints, and
asserts nothing: tests/integration/test_router_wires.py does.
"""

import asyncio
import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

from services.router.providers.base import PACKAGE, ProviderModule
from shared.plugins import load
from tests.bench import fault_litellm, fault_platform, litellm
from tests.bench.fault_table import SCRIPT, Gots, cases_of, show, summary
from tests.fixtures.platform import Platform
from tests.fixtures.wires.base import CHAT, STREAM, TRANSLATE, Wire, wire_of
from tests.fixtures.wires.server import WireServer, wire_server

MODES: Final = (STREAM, CHAT, TRANSLATE)
NEVER_S: Final = 120.0
HEADINGS: Final = {STREAM: "streamed", CHAT: "not streamed", TRANSLATE: "translation"}


def main() -> None:
    """Print the tables."""
    logging.disable(logging.WARNING)
    console = Console(width=150)
    wires = [wire_of(module.WIRE) for module in load(PACKAGE, ProviderModule)]
    with tempfile.TemporaryDirectory(prefix="stellwerk-faults-") as name, served() as server:
        folder = Path(name)
        ours = _through_the_platform(folder, server, wires)
        theirs, heading = _through_litellm(folder, server, wires, console)
    for mode in MODES:
        show(console, f"Stellwerk, {HEADINGS[mode]}", ours, wires, mode)
    for mode in MODES:
        show(console, f"{heading}, {HEADINGS[mode]}", theirs, wires, mode)
    console.print("~ is an estimate: nobody counted, or what was counted contradicts itself.")
    console.print(summary("Stellwerk", ours))
    if theirs:
        console.print(summary(heading, theirs))
        console.print(fault_litellm.FAIR)


@contextmanager
def served() -> Iterator[WireServer]:
    """Run the servers in a thread of their own, so that nothing here holds them up."""
    started = threading.Event()
    made: list[tuple[WireServer, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        async with wire_server(SCRIPT) as server:
            server.slow_s = NEVER_S
            ended = asyncio.Event()
            made.append((server, asyncio.get_running_loop(), ended))
            started.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait()
    server, loop, ended = made[0]
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


def _through_the_platform(folder: Path, server: WireServer, wires: list[Wire]) -> Gots:
    folder.chmod(0o755)
    platform = Platform(folder, dict(fault_platform.SETTINGS))
    try:
        cases = cases_of(wires, MODES)
        fault_platform.configure(platform, server, cases)
        platform.start()
        gots = asyncio.run(fault_platform.measured(platform, cases))
    finally:
        platform.stop()
    for problem in server.problems:
        raise RuntimeError(f"a request is not as documented: {problem}")
    return gots


def _through_litellm(
    folder: Path, server: WireServer, wires: list[Wire], console: Console
) -> tuple[Gots, str]:
    program = litellm.executable()
    if program is None:
        console.print(f"LiteLLM is not here to compare with; {litellm.VARIABLE} may name it.")
        return {}, ""
    cases = cases_of(wires, MODES)
    configuration = fault_litellm.configuration(server, cases)
    with litellm.running(program, folder, configuration) as proxy:
        measuring = fault_litellm.measured(proxy.target, server, cases)
        return asyncio.run(measuring), f"LiteLLM {proxy.version}"


if __name__ == "__main__":
    main()

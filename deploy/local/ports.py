"""Chooses each part's port on its first start and remembers it, so that addresses stay."""

import json
import os
import random
import socket
from pathlib import Path

from deploy.local.errors import PortInUse
from deploy.local.files import write_atomically

LOOPBACK = "127.0.0.1"
# Below the kernel's range for outgoing connections (32768 and up on Linux): a port from
# that range could be taken by somebody's outgoing connection when we come back for it.
EPHEMERAL_PORTS = range(20_000, 32_000)
ATTEMPTS_MAX = 200

# The number a person expects, taken when it is free on the first start.
USUAL_PORTS = {
    "nats": 4222,
    "nats-monitor": 8222,
    "postgres": 5432,
    "gateway-door": 4080,
    "console-door": 4090,
}


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(taken: set[int] | None = None) -> int:
    """Return a port nobody listens on; random, so that two starting platforms rarely meet."""
    chance = random.SystemRandom()
    for _ in range(ATTEMPTS_MAX):
        port = chance.choice(EPHEMERAL_PORTS)
        if port not in (taken or set()) and is_free(port):
            return port
    raise PortInUse("No free port was found on the loopback address; stop other programs first.")


class Ports:
    """The remembered ports of one data directory."""

    def __init__(self, file: Path, *, usual: bool = True) -> None:
        self._file = file
        self._usual = USUAL_PORTS if usual and "STELLWERK_RANDOM_PORTS" not in os.environ else {}
        self._known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def claim(self, name: str) -> int:
        """Return the port of a part, choosing it once; raise PortInUse if another has taken it."""
        port = self.chosen(name)
        if not is_free(port):
            raise PortInUse(
                f"Port {port} of {name} is in use by another program; stop that program, "
                f"or remove {name!r} from {self._file} to have another port chosen."
            )
        return port

    def chosen(self, name: str) -> int:
        """Return the port of a part, choosing it once; who listens there now is not asked."""
        if name not in self._known:
            self._known[name] = self._choose(name)
            write_atomically(self._file, json.dumps(self._known, indent=1))
        return self._known[name]

    def taken_by_others(self) -> dict[str, int]:
        """Return the remembered ports that something listens on now."""
        return {name: port for name, port in self._known.items() if not is_free(port)}

    def _choose(self, name: str) -> int:
        usual = self._usual.get(name)
        if usual is not None and is_free(usual):
            return usual
        return free_port(set(self._known.values()) | set(USUAL_PORTS.values()))

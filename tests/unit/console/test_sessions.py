"""Keys, cookies and the gateway's word: what opens a session, and what ends one."""

import time
from hashlib import sha256

import pytest

from services.console.domain import Visitor
from services.console.sessions import Attempts, Denials, Gatekeeper, Seal, Session
from shared.contracts.access import AccessCheck, AccessDenied, AccessReply, Denial, Right, Role
from shared.contracts.commands import Command, Reply
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.errors import DependencyDown

SECRET = "a1B2" * 10 + "xyz"
KEY = f"sw-abcdefghij01-{SECRET}"
OPS = Visitor("default", "ops", Role.ADMINISTRATOR)


def opened() -> Session:
    session = Session.of_key(KEY)
    assert session is not None
    return session


class Gateway:
    """Answers as the gateway would, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.code: ErrorCode | None = None
        self.away = False

    async def ask(self, command: Command) -> Reply:
        assert isinstance(command, AccessCheck)
        self.asked += 1
        if self.away:
            raise DependencyDown("gateway")
        if self.code:
            return AccessReply(id=command.id, code=self.code)
        return AccessReply(id=command.id, app="ops", role=Role.ADMINISTRATOR)


def test_a_session_holds_the_hash_of_the_secret_and_shows_nothing() -> None:
    session = opened()
    assert session.key_id == "abcdefghij01"
    assert session.secret_sha256 == sha256(SECRET.encode()).hexdigest()
    assert session.secret_sha256 not in repr(session)
    assert session.token not in repr(session)


@pytest.mark.parametrize(
    "text", ["", "sw-", KEY[:-1], KEY + "x", KEY.replace("sw-", "sk-"), f"{KEY} {KEY}", "sw-ü"]
)
def test_what_is_no_whole_key_opens_nothing(text: str) -> None:
    assert Session.of_key(text) is None


def test_a_cookie_opens_until_it_is_too_old_and_only_under_its_own_key() -> None:
    seal, other = Seal(b"k" * 32, 60), Seal(b"o" * 32, 60)
    session = opened()
    cookie = seal.sealed(session)

    assert seal.opened(cookie) == session
    assert seal.opened(cookie, now=time.time() + 61) is None
    assert other.opened(cookie) is None
    assert seal.opened(cookie[:-2] + "AA") is None
    assert seal.opened(None) is None
    assert session.secret_sha256 not in cookie


async def test_the_gateways_word_is_believed_for_a_while_and_then_asked_for_again() -> None:
    gateway, clock = Gateway(), [100.0]
    keeper = Gatekeeper(gateway.ask, believed_s=20, clock=lambda: clock[0])

    assert await keeper.visitor(opened()) == OPS
    clock[0] += 19
    assert await keeper.visitor(opened()) == OPS
    assert gateway.asked == 1

    clock[0] += 2
    gateway.code = ErrorCode.UNAUTHENTICATED
    assert await keeper.visitor(opened()) is None
    assert await keeper.visitor(opened()) is None
    assert gateway.asked == 3


async def test_a_key_that_cannot_be_confirmed_opens_nothing() -> None:
    gateway, clock = Gateway(), [100.0]
    keeper = Gatekeeper(gateway.ask, believed_s=20, clock=lambda: clock[0])
    await keeper.visitor(opened())

    gateway.away = True
    clock[0] += 21

    with pytest.raises(DependencyDown):
        await keeper.visitor(opened())


def test_an_address_that_tried_too_many_keys_waits() -> None:
    clock = [100.0]
    attempts = Attempts(failures_max=3, clock=lambda: clock[0])

    for _ in range(3):
        assert attempts.wait_s("192.0.2.1") == 0
        attempts.failed("192.0.2.1")

    assert 0 < attempts.wait_s("192.0.2.1") <= 301
    assert attempts.wait_s("192.0.2.2") == 0
    clock[0] += 301
    assert attempts.wait_s("192.0.2.1") == 0


async def test_pages_that_stayed_shut_are_one_event_and_none_is_lost_with_the_bus() -> None:
    denials, published = Denials(), list[Event]()

    async def away(_events: object) -> None:
        raise DependencyDown("bus")

    async def publish(events: object) -> None:
        assert isinstance(events, list)
        published.extend(events)

    for _ in range(5):
        denials.note(OPS, "abcdefghij01", Right.READ_AUDIT)
    with pytest.raises(DependencyDown):
        await denials.publish(away)
    denials.note(OPS, "abcdefghij01", Right.READ_AUDIT)
    await denials.publish(publish)

    (event,) = published
    assert isinstance(event, AccessDenied)
    assert (event.count, event.why, event.right) == (6, Denial.ROLE, Right.READ_AUDIT)
    assert (event.app, event.door, event.key_id) == ("ops", "console", "abcdefghij01")

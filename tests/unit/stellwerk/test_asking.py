"""A request is made as the contract wants it, or refused without repeating what is in it."""

from uuid import UUID

import pytest

from shared.contracts.requests import PAYLOAD_BYTES_MAX, Message, Role
from shared.contracts.values import keyed_request_id
from stellwerk.asking import GRACE_S, Options, payload_of, request_of, ticket_of
from stellwerk.errors import InvalidRequest, TooLarge

SECRET = "Karla Eksempel"


def test_one_text_is_one_message_of_the_user() -> None:
    request = request_of("Hej", "default", "crm", stream=False)
    assert request.messages == (Message(role=Role.USER, content="Hej"),)


def test_the_request_id_is_the_message_id() -> None:
    request = request_of("Hej", "default", "crm", stream=False)
    assert request.id == request.request_id
    assert request.request_id.version == 7


def test_the_same_key_is_the_same_request() -> None:
    first = request_of("Hej", "default", "crm", stream=False, idempotency_key="order-4711")
    second = request_of("Hej igen", "default", "crm", stream=False, idempotency_key="order-4711")
    assert first.request_id == second.request_id
    assert first.request_id == keyed_request_id("default", "crm", "order-4711")
    assert ticket_of(first).request_sha256 != ticket_of(second).request_sha256


def test_the_same_key_of_another_app_is_another_request() -> None:
    first = request_of("Hej", "default", "crm", stream=False, idempotency_key="x")
    second = request_of("Hej", "default", "hr", stream=False, idempotency_key="x")
    assert first.request_id != second.request_id


def test_a_caller_waits_a_little_longer_than_the_platform_may_take() -> None:
    request = request_of("Hej", "default", "crm", stream=True, timeout_s=1.5)
    assert request.timeout_ms == 1500
    assert ticket_of(request).wait_s == 1.5 + GRACE_S


def test_every_option_reaches_the_request() -> None:
    options: Options = {
        "model": "small",
        "task": "reply",
        "max_tokens": 7,
        "temperature": 0.5,
        "user": "u-17",
        "use_case": "support",
        "case_id": "case-1",
        "conversation_id": "conv-1",
        "metadata": {"channel": "mail"},
        "sensitivity": "personal",
    }
    request = request_of([Message(role=Role.USER, content="x")], "t", "a", stream=True, **options)
    assert request.stream
    for name, value in options.items():
        assert getattr(request, name) == value


@pytest.mark.parametrize(
    "options",
    [
        {"model": f"{SECRET}!"},
        {"user": SECRET},
        {"max_tokens": 0},
        {"metadata": {SECRET: 7}},
        {"timeout_s": 0},
        {"timeout_s": SECRET},
        {"sensitivity": SECRET},
        {"unknown": SECRET},
    ],
)
def test_a_broken_option_is_named_and_its_value_is_not(options: Options) -> None:
    with pytest.raises(InvalidRequest) as caught:
        request_of("Hej", "default", "crm", stream=False, **options)
    assert SECRET not in str(caught.value)
    assert next(iter(options)).removesuffix("_s") in str(caught.value)


def test_an_empty_conversation_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="messages"):
        request_of([], "default", "crm", stream=False)


def test_text_that_is_no_unicode_is_refused() -> None:
    request = request_of("\ud800", "default", "crm", stream=False)
    with pytest.raises(InvalidRequest, match="UTF-8"):
        ticket_of(request)


def test_a_request_over_the_limit_is_not_sent() -> None:
    request = request_of("x" * PAYLOAD_BYTES_MAX, "default", "crm", stream=False)
    with pytest.raises(TooLarge, match="524,288"):
        payload_of(request)


def test_a_ticket_can_be_written_down() -> None:
    ticket = ticket_of(request_of("Hej", "default", "crm", stream=False))
    assert UUID(str(ticket.request_id)) == ticket.request_id

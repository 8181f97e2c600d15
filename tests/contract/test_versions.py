"""A message that breaks its contract is named by field and rule, never by value."""

import json

import pytest

from shared.contracts.catalog import known_types
from shared.contracts.completions import CompletionRestored
from shared.contracts.errors import ErrorCode
from shared.contracts.event import ContractError, decode
from shared.contracts.requests import RequestSubmitted, request_digest
from tests.contract.golden import FOLDER

SECRET = "Karla Eksempel"
SUBMITTED = json.loads((FOLDER / "examples" / "request.submitted.v1.json").read_text("utf-8"))
KNOWN = known_types(RequestSubmitted)


def changed(**data: object) -> bytes:
    return json.dumps(SUBMITTED | {"data": SUBMITTED["data"] | data}).encode()


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(SUBMITTED | {"type": "eu.stellwerk.request.submitted.v2"}).encode(),
        json.dumps(SUBMITTED | {"type": SECRET}).encode(),
        json.dumps(SUBMITTED | {"data": SECRET}).encode(),
        json.dumps([SECRET]).encode(),
        f'{{"data": "{SECRET}'.encode(),
        b"\xff\xfe" + SECRET.encode(),
        b"",
        changed(messages=[]),
        changed(messages=[{"role": SECRET, "content": SECRET}]),
        changed(model=SECRET),
        changed(user=SECRET),
        changed(metadata={SECRET: 7}),
        changed(metadata={f"{SECRET} {number}": "x" for number in range(17)}),
        changed(timeout_ms=SECRET),
        changed(temperature=99),
    ],
)
def test_a_broken_message_is_refused_without_its_values(payload: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        decode(payload, KNOWN)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_unknown_version_is_answered_with_the_known_ones() -> None:
    payload = json.dumps(SUBMITTED | {"type": "eu.stellwerk.request.submitted.v2"}).encode()
    with pytest.raises(ContractError, match=r"request\.submitted\.v1"):
        decode(payload, KNOWN)


def test_an_unknown_field_is_ignored_so_that_fields_can_be_added() -> None:
    request = decode(changed(warmth=3), KNOWN)
    assert not hasattr(request, "warmth")


def test_a_digest_is_the_same_for_the_same_body_and_no_other() -> None:
    first = digest()
    others: list[dict[str, object]] = [
        {"max_tokens": 5},
        {"metadata": {}},
        {"model": "small"},
        {"task": None},
        {"messages": [{"role": "user", "content": "Hej"}]},
    ]
    assert digest(timeout_ms=1, stream=False) == first
    assert len({first, *(digest(**other) for other in others)}) == len(others) + 1


def digest(**data: object) -> str:
    request = decode(changed(**data), KNOWN)
    assert isinstance(request, RequestSubmitted)
    return request_digest(request)


def test_an_error_code_that_is_not_known_yet_reads_as_internal() -> None:
    file = FOLDER / "examples" / "completion.restored.v1.failed.json"
    newer = json.loads(file.read_text("utf-8"))
    newer["data"]["error"]["code"] = "out_of_season"
    result = decode(json.dumps(newer).encode(), known_types(CompletionRestored))
    assert isinstance(result, CompletionRestored)
    assert result.error is not None
    assert result.error.code is ErrorCode.INTERNAL

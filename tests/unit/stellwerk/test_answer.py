"""A result is an answer or one of the errors a caller can tell apart."""

from dataclasses import replace

import pytest

from shared.contracts.completions import CompletionRestored, Outcome
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.values import Language, new_id
from stellwerk.answer import Answer
from stellwerk.errors import Conflict, Failed, Refused

DIGEST = "a" * 64
RESULT = CompletionRestored(
    tenant="default",
    app="crm",
    request_id=new_id(),
    outcome=Outcome.COMPLETION,
    text="Kære Karla",
    cost_nano=420_000,
    request_sha256=DIGEST,
    config_version="c0ffee",
)


def refused(code: ErrorCode, outcome: Outcome) -> CompletionRestored:
    detail = ErrorDetail.of(code, Language.DANISH)
    return RESULT.model_copy(update={"text": None, "outcome": outcome, "error": detail})


def test_a_completion_is_an_answer_with_its_cost() -> None:
    answer = Answer.of(RESULT, DIGEST)
    assert answer.text == "Kære Karla"
    assert answer.cost == "0.00042 EUR"
    assert answer.config_version == "c0ffee"


def test_an_answer_does_not_show_its_text() -> None:
    assert "Karla" not in repr(Answer.of(RESULT, DIGEST))
    assert "Karla" not in repr(replace(Answer.of(RESULT, DIGEST), model="other"))


def test_the_answer_to_another_body_is_a_conflict() -> None:
    with pytest.raises(Conflict):
        Answer.of(RESULT, "b" * 64)


def test_a_caller_with_the_bare_id_gets_the_answer() -> None:
    assert Answer.of(RESULT, None).text == "Kære Karla"


@pytest.mark.parametrize(
    ("outcome", "error", "code"),
    [
        (Outcome.REFUSED, Refused, ErrorCode.BUDGET_EXHAUSTED),
        (Outcome.FAILED, Failed, ErrorCode.PROVIDER_UNAVAILABLE),
    ],
)
def test_a_bad_end_is_raised_with_its_reason(
    outcome: Outcome, error: type[Refused | Failed], code: ErrorCode
) -> None:
    with pytest.raises(error) as caught:
        Answer.of(refused(code, outcome), DIGEST)
    assert isinstance(caught.value, Refused | Failed)
    assert caught.value.code is code
    assert caught.value.detail.http_status == code.http_status
    assert caught.value.request_id == RESULT.request_id
    assert str(caught.value) == code.sentence(Language.DANISH)


def test_a_completion_without_text_is_a_failure_not_an_empty_answer() -> None:
    with pytest.raises(Failed):
        Answer.of(RESULT.model_copy(update={"text": None}), DIGEST)

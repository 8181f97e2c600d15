"""Google's translations: plain text both ways, in its own names of languages, counted by us."""

import json
from typing import Any, Final

import pytest
from pydantic import SecretStr

from services.router.answer import Answer, BrokenAnswerError
from services.router.faults import ErrorClass
from services.router.providers import google_translate
from services.router.providers.base import Endpoint, Piece
from services.router.wire.http import UNASKABLE, BadAnswerError, StatusError
from shared.contracts.requests import Message, Operation, Part, PartKind, RequestRedacted, Role
from tests.unit.router.world import request

HOST: Final = "https://translate-eu.googleapis.com"
SAID: Final = "hemmelig-4711"
NEW: Final = {"project": "stellwerk-demo"}
OLD: Final = {"version": "v2"}


def translation(options: dict[str, str]) -> google_translate.Translation:
    endpoint = Endpoint("google", HOST, 1.0, key=SecretStr("hemmelig"), options=options)
    return google_translate.Translation(endpoint)


def asks(*texts: str, into: str = "nb") -> RequestRedacted:
    messages = tuple(Message(role=Role.USER, content=text) for text in texts)
    return request(operation=Operation.TRANSLATE, target_language=into, messages=messages)


def asked(
    options: dict[str, str], ask: RequestRedacted, model: str = "nmt"
) -> tuple[str, dict[str, Any]]:
    outgoing = translation(options).request(ask, model, 1)
    return outgoing.path, json.loads(outgoing.body)


def texts_of(pieces: list[Piece], messages: int) -> tuple[str, ...]:
    answer = Answer(Operation.TRANSLATE, messages)
    for piece in pieces:
        answer.add(piece)
    return answer.whole().texts


# --- what is asked -----------------------------------------------------------------------


def test_version_3_is_asked_for_plain_text() -> None:
    path, body = asked({**NEW, "location": "europe-west1"}, asks("Hej & farvel", "Æøå"))

    assert path == "/v3/projects/stellwerk-demo/locations/europe-west1:translateText"
    assert body == {
        "contents": ["Hej & farvel", "Æøå"],
        "targetLanguageCode": "no",
        "mimeType": "text/plain",
    }


def test_version_2_is_asked_for_plain_text() -> None:
    path, body = asked(OLD, asks("Hej & farvel"))

    assert path == "/language/translate/v2"
    assert body == {"q": ["Hej & farvel"], "target": "no", "format": "text"}


@pytest.mark.parametrize(
    ("model", "written"),
    [
        ("nmt", None),
        (
            "general/translation-llm",
            "projects/stellwerk-demo/locations/global/models/general/translation-llm",
        ),
        (
            "projects/p/locations/l/models/TRL123",
            "projects/p/locations/l/models/TRL123",
        ),
    ],
)
def test_an_upstream_with_a_slash_is_a_model(model: str, written: str | None) -> None:
    assert asked(NEW, asks("Hej."), model)[1].get("model") == written


def test_each_version_has_its_key() -> None:
    assert list(translation(NEW).headers(b"POST", "/x", b"")) == [
        (b"Authorization", b"Bearer hemmelig")
    ]
    assert list(translation(OLD).headers(b"POST", "/x", b"")) == [(b"x-goog-api-key", b"hemmelig")]


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("da", "da"),
        ("nb", "no"),
        ("nb-NO", "no"),
        ("no", "no"),
        ("nn", "nn"),
        ("de-AT", "de"),
        ("en-GB", "en"),
        ("es-419", "es"),
        ("pt-br", "pt-BR"),
        ("pt-PT", "pt-PT"),
        ("fr-CA", "fr-CA"),
        ("fr-CH", "fr"),
        ("zh", "zh-CN"),
        ("zh-Hans", "zh-CN"),
        ("zh-Hans-TW", "zh-CN"),
        ("zh-Hant", "zh-TW"),
        ("zh-hant-HK", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("mni-Mtei", "mni-Mtei"),
        ("ms-Arab-MY", "ms-Arab"),
        ("de-CH-1996", "de"),
        ("sl-rozaj", "sl"),
        ("fil", "fil"),
    ],
)
def test_languages_are_named_as_google_names_them(tag: str, code: str) -> None:
    assert google_translate.language_of(tag) == code


def test_texts_in_parts_are_one_text() -> None:
    parts = (Part(kind=PartKind.TEXT, text="Hej "), Part(kind=PartKind.TEXT, text="igen."))
    ask = asks("x").model_copy(
        update={"messages": (Message(role=Role.USER, content="", parts=parts),)}
    )

    assert asked(NEW, ask)[1]["contents"] == ["Hej igen."]


@pytest.mark.parametrize(
    "ask",
    [
        request(),
        asks("x").model_copy(
            update={
                "messages": (
                    Message(
                        role=Role.USER,
                        content="",
                        parts=(Part(kind=PartKind.IMAGE, data="QUJD"),),
                    ),
                )
            }
        ),
    ],
)
def test_nothing_but_texts_is_translated(ask: RequestRedacted) -> None:
    provider = google_translate.connect(Endpoint("google", HOST, 1.0, options=OLD))

    assert provider.request(ask, "nmt", 1) is UNASKABLE


@pytest.mark.parametrize(
    "options", [{}, {"version": "v1"}, {**NEW, "place": "global"}, {"version": "v3"}]
)
def test_what_cannot_be_connected_is_said(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="option"):
        google_translate.connect(Endpoint("google", HOST, 1.0, options=options))


# --- what is answered --------------------------------------------------------------------


def answered(options: dict[str, str], translations: object) -> list[Piece]:
    said: object = {"translations": translations}
    body = said if options is NEW else {"data": said}
    return list(translation(options).whole(json.dumps(body).encode()))


@pytest.mark.parametrize("options", [NEW, OLD])
def test_each_text_has_its_translation(options: dict[str, str]) -> None:
    said = [{"translatedText": "Hei & ha det"}, {"translatedText": "Æøå"}]

    assert texts_of(answered(options, said), 2) == ("Hei & ha det", "Æøå")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_translations_is_no_answer(count: int) -> None:
    said = [{"translatedText": f"Hei {number}"} for number in range(count)]

    with pytest.raises(BrokenAnswerError):
        texts_of(answered(NEW, said), 2)


@pytest.mark.parametrize("options", [NEW, OLD])
@pytest.mark.parametrize(
    "body",
    [
        SAID,
        json.dumps([SAID]),
        json.dumps({"data": SAID}),
        json.dumps({"translations": SAID, "data": {"translations": SAID}}),
        json.dumps({"translations": [SAID], "data": {"translations": [SAID]}}),
        json.dumps({"translations": [{}], "data": {"translations": [{}]}}),
        json.dumps({"translations": [{"translatedText": [SAID]}]}),
        json.dumps({"error": {"message": SAID}}),
    ],
)
def test_a_body_that_is_not_the_format_is_refused(options: dict[str, str], body: str) -> None:
    with pytest.raises(BadAnswerError) as raised:
        list(translation(options).whole(body.encode()))

    assert SAID not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"message": "Text is too long."}, ErrorClass.CONTEXT_TOO_LONG),
        (400, {"message": "Too many text segments"}, ErrorClass.CONTEXT_TOO_LONG),
        (400, {"message": "Target language is invalid."}, ErrorClass.REJECTED),
        (413, {"message": "no"}, ErrorClass.CONTEXT_TOO_LONG),
        (401, {"status": "UNAUTHENTICATED"}, ErrorClass.UNAUTHORISED),
        (403, {"status": "PERMISSION_DENIED"}, ErrorClass.UNAUTHORISED),
        (403, {"message": "User Rate Limit Exceeded"}, ErrorClass.RATE_LIMITED),
        (403, {"errors": [{"reason": "userRateLimitExceeded"}]}, ErrorClass.RATE_LIMITED),
        (403, {"message": "Daily Limit Exceeded"}, ErrorClass.QUOTA_SPENT),
        (403, {"details": [{"reason": "BILLING_DISABLED"}]}, ErrorClass.QUOTA_SPENT),
        (404, {"status": "NOT_FOUND"}, ErrorClass.NOT_FOUND),
        (429, {"status": "RESOURCE_EXHAUSTED"}, ErrorClass.RATE_LIMITED),
        (500, {"status": "INTERNAL"}, ErrorClass.SERVER_ERROR),
        (503, {"status": "UNAVAILABLE"}, ErrorClass.OVERLOADED),
    ],
)
def test_errors_are_known_by_status_and_reason(
    status: int, error: dict[str, Any], expected: ErrorClass
) -> None:
    body = json.dumps({"error": {"code": status, **error}}).encode()

    assert google_translate.classify(StatusError(status, body)) is expected

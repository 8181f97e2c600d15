"""Google Cloud Translation: whole texts into another language, paid by their characters.

Version 3 (the default) wants an access token as its key and the options `project` and, unless it
is `global`, `location`; version 2 (option `version: v2`) an API key. An upstream with a slash names
a model of version 3, such as `general/translation-llm`; any other gets Google's usual one.

Google takes about 30,000 characters a request, version 2 in at most 128 texts; what is more it
refuses, and another model is tried. `context_tokens` keeps most of that away beforehand.
"""

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import orjson

from services.router.faults import ErrorClass
from services.router.providers.base import (
    ClearedRequest,
    Counted,
    Ended,
    Endpoint,
    Outgoing,
    Piece,
    Stopped,
    Text,
)
from services.router.wire.connections import Headers
from services.router.wire.fields import array_in, object_in, text_in
from services.router.wire.http import (
    BadAnswerError,
    HttpProvider,
    Reader,
    StatusError,
    UnaskableError,
    classified,
)
from services.router.wire.options import checked, one_of
from shared.contracts.completions import FinishReason, TokenUsage
from shared.contracts.requests import Operation, PartKind, RequestRedacted

WIRE: Final = "google-translate"
OPTIONS: Final = frozenset({"version", "project", "location"})
_OLD: Final = "/language/translate/v2"
_TAG: Final = re.compile(
    r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?(?:-.*)?", re.IGNORECASE
)
# https://docs.cloud.google.com/translate/docs/languages: regions that are languages of their own.
_REGIONAL: Final = frozenset({"fa-AF", "fr-CA", "ndc-ZW", "pt-BR", "pt-PT"})
_TRADITIONAL: Final = frozenset({"HK", "MO", "TW"})
_TOO_LONG: Final = re.compile(
    rb"text is too long|too many text segments|payload size exceeds|textTooLong", re.IGNORECASE
)
_SPENT: Final = re.compile(rb'"(?:dailyLimitExceeded|BILLING_DISABLED)"|Daily Limit Exceeded')
_TOO_FAST: Final = re.compile(rb'"(?:userR|r)ateLimitExceeded"|Rate Limit Exceeded')
_BAD_REQUEST: Final = 400
_FORBIDDEN: Final = 403


def connect(endpoint: Endpoint) -> "GoogleTranslate":
    """Return a provider; raises `ValueError` for a bad address or option, or one that lacks."""
    return GoogleTranslate(endpoint, Translation(checked(endpoint, OPTIONS)), classify)


def classify(error: Exception) -> ErrorClass:
    """Return what kind of failure an exception of the transport or of this wire is."""
    if isinstance(error, StatusError):
        if error.status == _BAD_REQUEST and _TOO_LONG.search(error.body):
            return ErrorClass.CONTEXT_TOO_LONG
        if _SPENT.search(error.body):
            return ErrorClass.QUOTA_SPENT
        if error.status == _FORBIDDEN and _TOO_FAST.search(error.body):
            return ErrorClass.RATE_LIMITED
    return classified(error)


class GoogleTranslate(HttpProvider):
    """Google's answers do not say what they cost; what was asked does."""

    async def call(self, request: ClearedRequest, attempt_id: UUID) -> AsyncGenerator[Piece, None]:
        """Send a request once and yield what comes, with its count; see `Provider.call`.

        Every code point sent is a character, also white space and what stays as it is
        (https://cloud.google.com/translate/pricing, "Charged characters").
        """
        async with aclosing(super().call(request, attempt_id)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Stopped):
                    sent = sum(map(len, _texts_in(request.body)))
                    yield Counted(TokenUsage(input_tokens=0, output_tokens=0, characters=sent))
                yield piece


class Translation:
    """What Google's wire says its own way."""

    stream_type = b""

    def __init__(self, endpoint: Endpoint) -> None:
        key, options = endpoint.key, endpoint.options
        self._is_old = one_of(endpoint, "version", "v3", "v2") == "v2"
        project = options.get("project", "")
        if not self._is_old and not project:
            raise ValueError("its option project is missing")
        location = options.get("location", "global")
        self._place = f"projects/{quote(project, safe='')}/locations/{quote(location, safe='')}"
        self._auth: list[tuple[bytes, bytes]] = []
        if key is not None and self._is_old:
            self._auth = [(b"x-goog-api-key", key.get_secret_value().encode())]
        elif key is not None:
            self._auth = [(b"Authorization", f"Bearer {key.get_secret_value()}".encode())]

    def request(self, ask: RequestRedacted, model: str, output_tokens_max: int) -> Outgoing:
        """Return a translation of all messages."""
        del output_tokens_max
        if ask.operation is not Operation.TRANSLATE or ask.target_language is None:
            raise UnaskableError("something else than a translation")
        texts, target = list(_texts(ask)), language_of(ask.target_language)
        if self._is_old:
            # Its default is HTML, in which an ampersand comes back as five characters.
            old = {"q": texts, "target": target, "format": "text"}
            return Outgoing(_OLD, orjson.dumps(old))
        wanted: dict[str, Any] = {
            "contents": texts,
            "targetLanguageCode": target,
            "mimeType": "text/plain",
        }
        if "/" in model:
            is_whole = model.startswith("projects/")
            wanted["model"] = model if is_whole else f"{self._place}/models/{model}"
        return Outgoing(f"/v3/{self._place}:translateText", orjson.dumps(wanted))

    def headers(self, method: bytes, path: str, body: bytes) -> Headers:
        """Return the key."""
        del method, path, body
        return self._auth

    def whole(self, body: bytes) -> Iterator[Piece]:
        """Yield one text for each that was sent; how many these are, `answer.py` knows."""
        answer = object_in(body)
        said: object = answer.get("data") if self._is_old else answer
        if not isinstance(said, dict) or "translations" not in said:
            raise BadAnswerError("no translations")
        for index, one in enumerate(array_in(said, "translations")):
            if not isinstance(one, dict) or "translatedText" not in one:
                raise BadAnswerError("a translation without a text")
            yield Text(text_in(one, "translatedText"), index)
        yield Stopped(FinishReason.STOP)
        yield Ended()

    def reader(self) -> Reader:
        """Raise, since there are no streams; no request asks for one."""
        raise BadAnswerError("a stream")

    def probe_path(self) -> str:
        """Return the list of languages; it costs nothing."""
        return f"{_OLD}/languages" if self._is_old else f"/v3/{self._place}/supportedLanguages"


def language_of(tag: str) -> str:
    """Return what Google calls a language: mostly its tag without the region.

    A language that Google does not know is refused there. Nynorsk is one: it is not Bokmål.
    """
    found = _TAG.fullmatch(tag)
    if found is None:
        return tag
    language, script, region = found[1].lower(), (found[2] or "").title(), (found[3] or "").upper()
    if language == "zh":
        is_traditional = script == "Hant" if script else region in _TRADITIONAL
        return "zh-TW" if is_traditional else "zh-CN"
    if language == "nb":
        return "no"
    if f"{language}-{region}" in _REGIONAL:
        return f"{language}-{region}"
    return f"{language}-{script}" if script else language


def _texts(ask: RequestRedacted) -> Iterator[str]:
    for message in ask.messages:
        if any(part.kind is not PartKind.TEXT for part in message.parts):
            raise UnaskableError("something else than a text")
        parts = "".join(part.text or "" for part in message.parts)
        yield parts if message.parts else message.content


def _texts_in(body: bytes) -> list[str]:
    """Return what a request of ours holds."""
    sent = orjson.loads(body)
    texts: list[str] = sent["q"] if "q" in sent else sent["contents"]
    return texts

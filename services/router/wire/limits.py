"""What a provider's headers say about how much more, and how soon, it can be asked."""

import email.utils
import re
from datetime import UTC, datetime
from typing import Final

from services.router.providers.base import Limits
from services.router.wire.connections import Response

WAIT_S_MAX: Final = 3600.0
"""Whoever asks for more is taken by this word; nothing here waits an hour."""
_NAME: Final = re.compile(
    rb"(?:x|anthropic)-ratelimit-(?:"
    rb"(?P<what>limit|remaining|reset)-(?P<of>requests|tokens)"
    rb"|(?P<of2>requests|tokens)-(?P<what2>limit|remaining|reset))"
)
_DELAY: Final = re.compile(rb'"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d{1,9})?)s"')
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FIELDS: Final = {
    ("requests", "limit"): "requests_a_minute",
    ("requests", "remaining"): "requests_left",
    ("requests", "reset"): "requests_back_in_s",
    ("tokens", "limit"): "tokens_a_minute",
    ("tokens", "remaining"): "tokens_left",
    ("tokens", "reset"): "tokens_back_in_s",
}


def limits_in(response: Response, at: datetime | None = None) -> Limits | None:
    """Return what OpenAI's or Anthropic's headers say; None where there are none."""
    said: dict[str, float | int] = {}
    for name, value in response.headers:
        if b"ratelimit" not in name.lower():
            continue
        found = _NAME.fullmatch(name.lower())
        if found is None:
            continue
        of = (found["of"] or found["of2"]).decode()
        what = (found["what"] or found["what2"]).decode()
        text = value.decode("latin-1").strip()
        number = _seconds(text, at) if what == "reset" else _count(text)
        if number is not None:
            said[_FIELDS[of, what]] = number
    return Limits(**said) if said else None  # type: ignore[arg-type]


def retry_after_in(response: Response, at: datetime | None = None) -> float | None:
    """Return after how many seconds to come back: `retry-after-ms`, else `retry-after`."""
    milliseconds = _count(response.header(b"retry-after-ms").decode("latin-1").strip())
    if milliseconds is not None:
        return min(milliseconds / 1000, WAIT_S_MAX)
    stated = response.header(b"retry-after").decode("latin-1").strip()
    if not stated:
        return None
    seconds = _seconds(stated, at)
    if seconds is None:
        try:
            moment = email.utils.parsedate_to_datetime(stated)
        except ValueError:
            return None
        seconds = (moment - (at or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), WAIT_S_MAX)


def retry_after_said(body: bytes) -> float | None:
    """Return after how many seconds to come back, as Google says it in the body of an error."""
    found = _DELAY.search(body)
    return min(float(found[1]), WAIT_S_MAX) if found else None


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004


def _seconds(text: str, at: datetime | None) -> float | None:
    """Return a span such as `6m0s`, `20ms` or `7.5`, or the time until a moment."""
    try:
        return max(float(text), 0.0) if "nan" not in text.lower() else None
    except ValueError:
        pass
    spans = _SPAN.findall(text)
    if spans and "".join(number + unit for number, unit in spans) == text:
        return sum(float(number) * _SECONDS[unit] for number, unit in spans)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max((moment - (at or datetime.now(UTC))).total_seconds(), 0.0)

"""Judges how far a text may travel by what was found in it and by what it speaks of."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.redactor.canonical import canonicalise
from services.redactor.domain import Masked
from services.redactor.kinds import COMPANY, PROJECT, SECRET, kind_named
from services.redactor.policy import Rules
from services.redactor.topics import CONFIDENTIAL, INTERNAL, topics_of
from shared.contracts.masking import Override
from shared.contracts.requests import Classification, PartKind, RequestSubmitted
from shared.contracts.values import Sensitivity

STATED: Final = "stated"
OTHER_PART: Final = "unknown_part"
FILE: Final = "file"
_DATA_URL: Final = re.compile(r"data:(image|audio|video|application|text)/[\w.+-]+[;,]")
_ENCODED_CHARS_MIN: Final = 256
"""Longer than any key or hash: it is a file that somebody has pasted."""
_ENCODED: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{_ENCODED_CHARS_MIN},}}")

_ALWAYS: Final = {INTERNAL: Sensitivity.INTERNAL, CONFIDENTIAL: Sensitivity.CONFIDENTIAL}
"""Topics that need nobody who can be recognised; all others do (Art. 9 and 10 GDPR)."""


@dataclass(frozen=True, slots=True)
class Classified:
    """How far a request may travel, and how that came about."""

    sensitivity: Sensitivity
    account: Classification


def classify(masked: Masked, event: RequestSubmitted, rules: Rules, today: date) -> Classified:
    """Return how far a request may travel, and why.

    What the caller states can only raise it. An override of the policy lowers what was detected,
    and never what the caller stated.
    """
    found = dict(_by_kinds(masked.types))
    found |= dict(_by_topics(masked, someone=_is_someone(masked.types)))
    found |= dict.fromkeys(_media(masked, event), rules.policy.media)
    detected = max(found.values(), key=_strictness, default=Sensitivity.PUBLIC)
    stated = event.sensitivity or Sensitivity.PUBLIC
    reasons = [*sorted(found), *([STATED] if _strictness(stated) > _strictness(detected) else [])]
    override = _override(rules.policy.overrides, event, today)
    judged = min(detected, override.to, key=_strictness) if override else detected
    level = max(judged, stated, key=_strictness)
    is_used = _strictness(level) < _strictness(detected)
    account = Classification(
        detected=detected,
        stated=event.sensitivity,
        reasons=tuple(reasons),
        override=override.reason if override and is_used else None,
    )
    return Classified(level, account)


def _strictness(level: Sensitivity) -> int:
    return level.strictness


def _by_kinds(types: Iterable[str]) -> Iterator[tuple[str, Sensitivity]]:
    for name in types:
        kind = kind_named(name)
        if kind.is_national or name == SECRET:
            yield name, Sensitivity.SPECIAL
        elif kind.is_personal:
            yield name, Sensitivity.PERSONAL
        elif name in {PROJECT, COMPANY}:
            yield name, Sensitivity.CONFIDENTIAL


def _is_someone(types: Iterable[str]) -> bool:
    """Return whether somebody can be recognised; a key or password alone is nobody."""
    return any(kind_named(one).is_personal for one in types if one != SECRET)


def _by_topics(masked: Masked, *, someone: bool) -> Iterator[tuple[str, Sensitivity]]:
    for text in masked.texts:
        for topic in topics_of(canonicalise(text).text.lower(), masked.mapping.language):
            if topic in _ALWAYS:
                yield topic, _ALWAYS[topic]
            elif someone:
                yield topic, Sensitivity.SPECIAL


def _media(masked: Masked, event: RequestSubmitted) -> Iterator[str]:
    """Yield what nobody can mask: parts that are no text, and files written as text."""
    for message in event.messages:
        for part in message.parts:
            if part.kind is PartKind.OTHER:
                yield OTHER_PART
            elif part.kind is not PartKind.TEXT:
                yield part.kind.value
    for text in masked.texts:
        for match in _DATA_URL.finditer(text):
            yield match[1] if match[1] in set(PartKind) - {PartKind.TEXT} else FILE
        if len(text) >= _ENCODED_CHARS_MIN and any(map(_is_mixed, _ENCODED.findall(text))):
            yield FILE


def _is_mixed(run: str) -> bool:
    """Return whether a run of signs is a file in base64, and no drawn line or long hash."""
    return run != run.lower() and run != run.upper() and any(map(str.isdigit, run))


def _override(
    overrides: Iterable[Override], event: RequestSubmitted, today: date
) -> Override | None:
    """Return the override that holds for a request; one for its use case goes before its app's."""
    fitting = [
        one
        for one in overrides
        if one.app == event.app and one.use_case in {None, event.use_case} and today <= one.until
    ]
    return min(fitting, key=lambda one: one.use_case is None, default=None)

"""What a metric is; every other module of this folder is one, found by `shared.plugins`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from shared.contracts.requests import RequestRedacted
from shared.contracts.values import Language, Token

Facts = Mapping[str, JsonValue]
"""What was asked or found: numbers and tokens that survive JSON, never a word from a text."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How good one answer was: `value` from 0 to 1, or why nothing can be said.

    A metric that is not sure says `unscored`. A guess that is counted as a fault would be held
    against a model that made none.
    """

    value: float | None = None
    unscored: Token | None = None
    expected: Token | None = None
    found: Token | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One prompt, one answer and the verdict that the metric must give; the test suite runs all."""

    prompt: str = field(repr=False)
    answer: str = field(repr=False)
    verdict: Verdict
    language: Language = Language.UNDETERMINED
    """What the redactor takes the prompt's language to be."""
    system: str | None = field(default=None, repr=False)


class Metric(Protocol):
    """The names that a metric's module must have."""

    NAME: Token
    VERSION: int
    """Raise it with every change that may give another verdict: scores of two versions differ."""
    UNASKED: Token
    """The reason given where `asked` finds nothing that an answer could be held against."""
    EXAMPLES: Sequence[Example]

    def asked(self, request: RequestRedacted) -> Facts:
        """Return what the request asks of its answer; nothing if this metric cannot tell."""

    def found(self, answer: str) -> Facts:
        """Return what the answer is like."""

    def judged(self, asked: Facts, found: Facts) -> Verdict:
        """Return the verdict. `asked` is never empty here."""

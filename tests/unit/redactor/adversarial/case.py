"""One adversarial case: a text, what must not be seen of it, and what must stay readable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """All persons, numbers and addresses are invented."""

    text: str
    hidden: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def readable(text: str) -> Case:
    """Return the case of a text without personal data: all of it stays readable."""
    return Case(text, kept=(text,))

"""What the redactor's tests share: one masker, made once, and a mask of one text."""

from functools import cache

from services.redactor.detection import Detector
from services.redactor.domain import Masked, Masker


@cache
def detector() -> Detector:
    return Detector.shipped()


@cache
def masker() -> Masker:
    return Masker(detector())


def mask(*texts: str, language: str | None = None) -> Masked:
    return masker().mask(texts, language)


def masked(text: str, language: str | None = None) -> str:
    """Return one text as a model would see it."""
    return mask(text, language=language).texts[0]

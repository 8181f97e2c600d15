"""How vectors are written: little-endian 32-bit floats in base64, as OpenAI's clients ask."""

import base64
import struct
from typing import Final

from services.router.wire.http import BadAnswerError

FLOAT_BYTES: Final = 4


def packed(vector: object) -> str:
    """Return numbers as little-endian 32-bit floats in base64; some come as that already."""
    if isinstance(vector, str):
        return _already(vector)
    if not isinstance(vector, list) or not vector:
        raise BadAnswerError("no vector")
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (struct.error, OverflowError):
        raise BadAnswerError("a vector of something else than numbers") from None


def _already(vector: str) -> str:
    try:
        floats = base64.b64decode(vector, validate=True)
    except ValueError:
        raise BadAnswerError("a vector that is not in base64") from None
    if not floats or len(floats) % FLOAT_BYTES:
        raise BadAnswerError("a vector of something else than 32-bit floats")
    return vector

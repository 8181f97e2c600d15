"""How vectors are written: little-endian 32-bit floats in base64, as OpenAI's clients ask."""

import base64
import struct

from services.router.wire.http import BadAnswerError


def packed(vector: object) -> str:
    """Return numbers as little-endian 32-bit floats in base64."""
    if not isinstance(vector, list) or not vector:
        raise BadAnswerError("no vector")
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except (struct.error, OverflowError):
        raise BadAnswerError("a vector of something else than numbers") from None

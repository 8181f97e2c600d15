"""Looks for personal values in bytes, in every form in which software writes them."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


def found_in(haystack: bytes, values: Iterable[str]) -> set[str]:
    """Return the values that stand in the bytes: in any case, escaped, encoded, or as base64."""
    layers = [haystack.lower(), b"\n".join(_decoded(haystack)).lower()]
    return {
        value
        for value in values
        if any(form.lower() in layer for form in _forms(value) for layer in layers)
    }


def _forms(value: str) -> set[bytes]:
    """Return the bytes that a value may have become."""
    spellings = {value, value.lower(), value.upper()}
    written = {form for one in spellings for form in (one, json.dumps(one)[1:-1], quote(one))}
    encoded = {one.encode() for one in written}
    encoded |= {one.encode("latin-1", "ignore") for one in spellings}
    encoded |= {one.encode("utf-16-le") for one in spellings}
    return encoded | {one.hex().encode() for one in encoded}


def _decoded(haystack: bytes) -> Iterator[bytes]:
    """Yield what stands in base64, whichever alphabet it is in."""
    for run in set(_BASE64.findall(haystack)):
        text = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            part = text[start:]
            yield base64.b64decode(part[: len(part) // 4 * 4])

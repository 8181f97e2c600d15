"""Seals the map from placeholders to values, and hashes values so that they can be looked up.

The sealed envelope travels beside the masked request in a header. It opens only with its hour's
key, and for its own request; when that key is destroyed, nobody can open it again.
"""

import base64
import hashlib
import hmac
import json
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from collections.abc import Mapping as Keys
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.redactor.labels import Naming
from services.redactor.placeholders import Mapping, normalise
from shared.contracts.masking import Style

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
EPOCH_S: Final = 3600
_FORMAT: Final = 1
_HEAD: Final = struct.Struct(">BI")
_LITERAL: Final = "literal"
_PERSON: Final = "person"


class SealError(ValueError):
    """An envelope cannot be opened: another request's, altered, or its key is destroyed."""


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """What a replica needs to restore an answer to a request that another one masked.

    That of a case or conversation holds no values, only which placeholders the request used: the
    values stay in the vault, so that erasing them there ends restoring.
    """

    mapping: Mapping
    request_sha256: str
    scope: int | None = None
    codes: tuple[str, ...] = ()
    answer_language: str | None = None
    """Into which language the answer translates; else it is the request's own."""


def epoch_of(unix_s: float) -> int:
    """Return the number of the hour whose key seals at this time."""
    return int(unix_s // EPOCH_S)


def seal(key: bytes, epoch: int, nonce: bytes, request_id: UUID, envelope: Envelope) -> str:
    """Return the envelope for a header: base64 of format, epoch, nonce and ciphertext.

    `nonce` must be random and never used again with this key.
    """
    mapping = envelope.mapping
    content: dict[str, object] = {"l": mapping.language, "h": envelope.request_sha256}
    if mapping.naming != Naming():
        content["n"] = [mapping.naming.style, mapping.naming.stated]
    if envelope.answer_language is not None:
        content["t"] = envelope.answer_language
    if envelope.scope is None:
        content["m"] = mapping.dump()
    else:
        content |= {"s": envelope.scope, "c": [code for code, _ in mapping.items()]}
    plain = zlib.compress(
        json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), level=1
    )
    head = _HEAD.pack(_FORMAT, epoch)
    sealed = AESGCM(key).encrypt(nonce, plain, head + request_id.bytes)
    return base64.b64encode(head + nonce + sealed).decode("ascii")


def epoch_in(sealed: str) -> int:
    """Return which hour's key opens an envelope. Raises `SealError` if it is none."""
    return _unpacked(sealed)[0]


def unseal(keys: Keys[int, bytes], sealed: str, request_id: UUID) -> Envelope:
    """Return what `seal` sealed for this request. Raises `SealError`: then restore nothing."""
    epoch, head, nonce, body = _unpacked(sealed)
    if epoch not in keys:
        raise SealError("the key of the envelope's hour is destroyed")
    try:
        plain = AESGCM(keys[epoch]).decrypt(nonce, body, head + request_id.bytes)
    except InvalidTag:
        raise SealError("the envelope was altered or belongs to another request") from None
    content = json.loads(zlib.decompress(plain))
    style, stated = content.get("n", (Style.NUMBERED, ()))
    naming = Naming(Style(style), tuple((kind, word) for kind, word in stated))
    mapping = Mapping.load(content.get("m", ()), content["l"], naming)
    codes, scope = tuple(content.get("c", ())), content.get("s")
    return Envelope(mapping, content["h"], scope, codes, content.get("t"))


def _unpacked(sealed: str) -> tuple[int, bytes, bytes, bytes]:
    try:
        blob = base64.b64decode(sealed, validate=True)
        version, epoch = _HEAD.unpack_from(blob)
    except (ValueError, struct.error):
        raise SealError("the header holds no envelope") from None
    if version != _FORMAT or len(blob) <= _HEAD.size + NONCE_BYTES:
        raise SealError("the envelope's format is unknown")
    nonce_end = _HEAD.size + NONCE_BYTES
    return epoch, blob[: _HEAD.size], blob[_HEAD.size : nonce_end], blob[nonce_end:]


def wrap(master: bytes, epoch: int, nonce: bytes, key: bytes) -> bytes:
    """Return an hour's key as the database may hold it."""
    return nonce + AESGCM(master).encrypt(nonce, key, _HEAD.pack(_FORMAT, epoch))


def unwrap(master: bytes, epoch: int, wrapped: bytes) -> bytes:
    """Return an hour's key. Raises `SealError` if the master key is not the one that wrapped it."""
    nonce, body = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        return AESGCM(master).decrypt(nonce, body, _HEAD.pack(_FORMAT, epoch))
    except InvalidTag:
        raise SealError("the master key does not open the vault's keys") from None


def derived_key(master: bytes, purpose: str) -> bytes:
    """Return a key for one purpose, from which the master key cannot be found."""
    derivation = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"stellwerk/{purpose}".encode())
    return derivation.derive(master)


# --- hashes to look people up by ----------------------------------------------------------------


def keyed_hash(key: bytes, text: str) -> str:
    """Return a hash that nobody can test a guess against without the key, in hex."""
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def subject_hashes(key: bytes, kind: str, value: str) -> tuple[str, ...]:
    """Return the keyed hashes under which a value can be found: of its whole and telling parts."""
    return tuple(keyed_hash(key, f"{kind}|{form}") for form in dict.fromkeys(_forms(kind, value)))


def _forms(kind: str, value: str) -> Iterator[str]:
    if kind != _PERSON:
        yield normalise(kind, value)
        return
    name, _, given = value.partition(",")
    parts = folded(f"{given} {name}").split()
    yield " ".join(parts)
    if len(parts) > 1:
        yield f"{parts[0]} {parts[-1]}"
        yield parts[-1]


def folded(text: str) -> str:
    """Return `text` without case, accents and signs."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    kept = (sign if sign.isalnum() else " " for sign in spread if not unicodedata.combining(sign))
    return " ".join("".join(kept).split())

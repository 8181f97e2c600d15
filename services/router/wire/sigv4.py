"""Signs requests as AWS wants it: Signature Version 4, over exactly what is sent.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from pydantic import SecretStr

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """One access key in one region, for one service. A session token goes with short-lived keys."""

    access_key_id: str
    secret: SecretStr
    region: str
    service: str
    session_token: SecretStr | None = None

    def headers(
        self,
        method: bytes,
        target: bytes,
        signed: Iterable[tuple[bytes, bytes]],
        body: bytes,
        at: datetime,
    ) -> list[tuple[bytes, bytes]]:
        """Return the headers to add to a request that has `signed`, `Host` among them.

        `target` is path and query as they are sent, without dot segments. `at` is in UTC; AWS
        takes a signature for five minutes.
        """
        stamp = f"{at:%Y%m%dT%H%M%SZ}"
        added = [(b"X-Amz-Date", stamp.encode())]
        if self.session_token is not None:
            token = self.session_token.get_secret_value().encode()
            added.append((b"X-Amz-Security-Token", token))
        lines = sorted((_lower(name), _trimmed(value)) for name, value in [*signed, *added])
        names = ";".join(name for name, _ in lines)
        path, _, query = target.decode().partition("?")
        canonical = "\n".join(
            [
                method.decode(),
                quote(path or "/", safe="/~"),  # A second time: only S3 is content with once.
                "&".join(sorted(query.split("&"))),
                *(f"{name}:{value}" for name, value in lines),
                "",
                names,
                sha256(body).hexdigest(),
            ]
        )
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        digest = sha256(canonical.encode()).hexdigest()
        signature = _hmac(self._key(stamp[:8]), f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()
        said = f"Credential={self.access_key_id}/{scope}, SignedHeaders={names}"
        authorization = f"{_ALGORITHM} {said}, Signature={signature}"
        return [*added, (b"Authorization", authorization.encode())]

    def _key(self, day: str) -> bytes:
        key = b"AWS4" + self.secret.get_secret_value().encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = _hmac(key, part)
        return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _lower(name: bytes) -> str:
    return name.decode().lower()


def _trimmed(value: bytes) -> str:
    return " ".join(value.decode().split())

"""Bedrock over real sockets: signatures over what is really sent, and what a probe may conclude."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pydantic import SecretStr

from services.router.faults import ErrorClass
from services.router.providers import bedrock
from services.router.providers.base import Endpoint, ProviderError
from shared.contracts.completions import FinishReason
from tests.fixtures.asking import answered
from tests.unit.router.converse import counted, delta, event, stopped
from tests.unit.router.world import request

MODEL: Final = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0"
SIGNED: Final = {"access_key_id": "AKIDEXAMPLE", "aws_region": "eu-central-1"}
STREAM: Final = b"".join(
    [
        event("messageStart", {"role": "assistant"}),
        delta(0, text="Hej "),
        delta(0, text="æøå."),
        stopped(),
        counted(),
    ]
)


@dataclass
class Aws:
    """A server with one answer, and the last request that it got."""

    body: bytes = b"{}"
    kind: str = "application/json"
    status: int = 200
    error: str = ""
    port: int = 0
    target: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    sent: bytes = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            self.target = first.split(" ")[1]
            self.headers = dict(line.split(": ", 1) for line in lines)
            self.sent = await reader.readexactly(int(self.headers["Content-Length"]))
            length = len(self.body)
            told = f"Content-Type: {self.kind}\r\nx-amzn-ErrorType: {self.error}\r\n"
            more = f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
            writer.write(f"HTTP/1.1 {self.status} Invented\r\n{told}{more}".encode())
            for byte in self.body:
                writer.write(bytes([byte]))
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def connected(
    aws: Aws, options: dict[str, str], base_path: str = ""
) -> AsyncIterator[bedrock.Bedrock]:
    server = await asyncio.start_server(aws.serve, "127.0.0.1", 0)
    async with server:
        aws.port = server.sockets[0].getsockname()[1]
        base_url = f"http://127.0.0.1:{aws.port}{base_path}"
        key = SecretStr("hemmelig")
        provider = bedrock.connect(Endpoint("aws", base_url, 1.0, key=key, options=options))
        yield provider
        await provider.close()


@pytest.mark.parametrize("base_path", ["", "/bag/en/port"])
@pytest.mark.parametrize("token", [None, "token-4711"])
async def test_what_is_sent_is_what_is_signed(token: str | None, base_path: str) -> None:
    aws = Aws(STREAM, "application/vnd.amazon.eventstream")
    options = SIGNED if token is None else {**SIGNED, "session_token": token}

    async with connected(aws, options, base_path) as provider:
        answer = await answered(provider, request("Hej æøå.", stream=True), MODEL)

    assert (answer.text, answer.whole.reason) == ("Hej æøå.", FinishReason.STOP)
    ours = aws.headers["Authorization"]
    names = ours.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    said = {name.lower(): value for name, value in aws.headers.items()}
    theirs = AWSRequest(
        method="POST",
        url=f"http://127.0.0.1:{aws.port}{aws.target}",
        data=aws.sent,
        headers={name: said[name] for name in names if not name.startswith("x-amz-")},
    )
    at = datetime.strptime(said["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    with patch("botocore.auth.get_current_datetime", return_value=at):
        credentials = Credentials("AKIDEXAMPLE", "hemmelig", token)
        SigV4Auth(credentials, "bedrock", "eu-central-1").add_auth(theirs)
    assert ours == theirs.headers["Authorization"]
    assert {"host", "content-type", "x-amz-date"} <= set(names)


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (200, "", ""),
        (
            403,
            "AccessDeniedException",
            "astrid is not authorized to perform: bedrock:ListAsyncInvokes",
        ),
    ],
)
async def test_whoever_is_known_has_reached_it(status: int, error: str, message: str) -> None:
    aws = Aws(json.dumps({"message": message}).encode(), status=status, error=error)

    async with connected(aws, SIGNED) as provider:
        await provider.probe()

    assert aws.target == "/async-invoke?maxResults=1"
    assert aws.sent == b""


@pytest.mark.parametrize(
    ("status", "error", "message", "expected"),
    [
        (403, "UnrecognizedClientException", "hemmelig", ErrorClass.UNAUTHORISED),
        (403, "InvalidSignatureException", "hemmelig", ErrorClass.UNAUTHORISED),
        (
            403,
            "AccessDeniedException:http://internal.amazon.com/coral/",
            "Authentication failed: Please make sure your API Key is valid.",
            ErrorClass.UNAUTHORISED,
        ),
        (503, "ServiceUnavailableException", "hemmelig", ErrorClass.OVERLOADED),
    ],
)
async def test_whoever_is_not_known_has_not(
    status: int, error: str, message: str, expected: ErrorClass
) -> None:
    aws = Aws(json.dumps({"Message": message}).encode(), status=status, error=error)

    async with connected(aws, {}) as provider:
        with pytest.raises(ProviderError) as raised:
            await provider.probe()

    assert raised.value.error_class is expected
    assert "hemmelig" not in str(raised.value)
    assert aws.headers["Authorization"] == "Bearer hemmelig"


async def test_nobody_is_reached_where_nobody_listens() -> None:
    async with connected(Aws(), {}) as provider:
        pass

    with pytest.raises(ProviderError) as raised:
        await provider.probe()
    assert raised.value.error_class is ErrorClass.UNREACHABLE

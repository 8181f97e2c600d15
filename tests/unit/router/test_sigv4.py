"""Our signatures are those of AWS's own library, over whatever is sent."""

from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.router.wire.sigv4 import Signer

AT = datetime(2026, 11, 24, 8, 30, 15, tzinfo=UTC)
HOST = "bedrock-runtime.eu-central-1.amazonaws.com"
MODEL_IDS = st.one_of(
    st.sampled_from(
        [
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0",
        ]
    ),
    st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda one: one.strip(".")),
)
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
VALUES = st.one_of(
    st.just("two  spaces"),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)).map(str.strip),
)


def signed_by_botocore(
    signer: Signer, method: str, target: str, headers: dict[str, str], body: bytes, at: datetime
) -> dict[str, str]:
    token = signer.session_token
    credentials = Credentials(
        signer.access_key_id,
        signer.secret.get_secret_value(),
        token.get_secret_value() if token else None,
    )
    request = AWSRequest(method=method, url=f"https://{HOST}{target}", data=body, headers=headers)
    with patch("botocore.auth.get_current_datetime", return_value=at):
        SigV4Auth(credentials, signer.service, signer.region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    model=MODEL_IDS,
    body=st.one_of(st.binary(), st.text(st.characters(codec="utf-8")).map(str.encode)),
    token=st.none() | SECRETS,
    secret=SECRETS,
    note=VALUES,
    query=st.sampled_from(["", "?maxResults=1", "?b=2&a=1"]),
    at=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2099, 1, 1)),  # noqa: DTZ001
)
def test_signatures_are_those_of_botocore(
    *, model: str, body: bytes, token: str | None, secret: str, note: str, query: str, at: datetime
) -> None:
    session = SecretStr(token) if token is not None else None
    signer = Signer("AKIDEXAMPLE", SecretStr(secret), "eu-central-1", "bedrock", session)
    target = f"/model/{quote(model, safe='~')}/converse{query}"
    sent = {"Host": HOST, "Content-Type": "application/json", "X-Note": note}

    ours = signer.headers(
        b"POST",
        target.encode(),
        [(name.encode(), value.encode()) for name, value in sent.items()],
        body,
        at.replace(tzinfo=UTC),
    )

    theirs = signed_by_botocore(signer, "POST", target, sent, body, at)
    added = {name.decode().lower(): value.decode() for name, value in ours}
    assert added == {name: theirs[name] for name in added}
    assert ("x-amz-security-token" in theirs) == (token is not None)


def test_another_byte_is_another_signature() -> None:
    signer = Signer("AKIDEXAMPLE", SecretStr("hemmelig"), "eu-central-1", "bedrock")

    def signature(body: bytes, target: bytes = b"/model/m/converse") -> bytes:
        return signer.headers(b"POST", target, [(b"Host", HOST.encode())], body, AT)[-1][1]

    assert len({signature(b"{}"), signature(b"{ }"), signature(b"{}", b"/model/n/converse")}) == 3


def test_a_signer_shows_no_secret() -> None:
    session = SecretStr("token-4711")
    signer = Signer("AKIDEXAMPLE", SecretStr("hemmelig"), "eu-central-1", "bedrock", session)

    assert "hemmelig" not in repr(signer)
    assert "4711" not in repr(signer)

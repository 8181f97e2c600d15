"""No personal value is anywhere but at its app, in the redactor and on the clear streams."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from stellwerk.client import Client
from tests.fixtures.bus import eventually
from tests.fixtures.platform import REPOSITORY, Platform
from tests.integration.platform_letters import EXAMPLE_VALUES, Letter, invented
from tests.integration.platform_search import found_in

pytestmark = pytest.mark.timeout(90)

EXAMPLE = Letter((REPOSITORY / "docs/examples/brev-da.txt").read_text(), EXAMPLE_VALUES)
LETTERS = [EXAMPLE, *invented()]
VALUES = {value for letter in LETTERS for value in letter.values}
SEALED = "Sw-Sealed"
SEALED_CLASSES = ("sw.masked.request.redacted.", "sw.masked.completion.produced.")


@pytest.fixture(scope="module")
def told(platform: Platform) -> Platform:
    """Return a platform that every letter has gone through, streamed and whole."""
    asyncio.run(_tell(platform))
    return platform


async def _tell(platform: Platform) -> None:
    async with platform.client() as client:
        whole = [_whole(client, letter) for letter in LETTERS]
        streamed = [_streamed(client, letter) for letter in LETTERS]
        await asyncio.gather(*whole, *streamed)
    assert len(LETTERS) == 25
    await eventually(lambda: _all_is_recorded(platform, 2 * len(LETTERS)), 20.0)


async def _whole(client: Client, letter: Letter) -> None:
    answer = await client.complete(letter.text, model="scripted")
    # The provider repeats each placeholder: so the caller sees the values, and only the caller.
    assert letter.values[0] in answer.text
    assert answer.masked_count > 0


async def _streamed(client: Client, letter: Letter) -> None:
    said = "".join([piece async for piece in client.stream(letter.text, model="scripted")])
    assert letter.values[0] in said


async def _all_is_recorded(platform: Platform, requests: int) -> bool:
    (row,) = await platform.query(
        """
        SELECT (SELECT count(DISTINCT request_id) FROM evals.score) AS graded,
               (SELECT count(DISTINCT request_id) FROM audit.entry
                WHERE type = 'eu.stellwerk.usage.priced.v1') AS priced,
               (SELECT count(DISTINCT request_id) FROM watch.span
                WHERE name = 'process billing-usage') AS traced
        """
    )
    # Requests that were settled together share their spans.
    return bool(row["graded"] == row["priced"] == requests and row["traced"] > 0)


def test_the_search_finds_a_value_in_every_disguise() -> None:
    value = "Åse Skovlund"
    disguises = (
        value.upper().encode(),
        b'{"text": "\\u00c5se Skovlund"}',
        value.encode().hex().encode(),
        base64.b64encode(f"to {value}, with regards".encode()),
        base64.urlsafe_b64encode(f"{value} and more text".encode()),
    )
    assert [found_in(b"xx" + one + b"xx", [value]) for one in disguises] == [{value}] * 5
    assert found_in(b"nothing of the kind", [value]) == set()


def test_the_provider_receives_no_personal_value(told: Platform) -> None:
    received = told.record.read_bytes()
    assert received.count(b"\n--- ") + received.startswith(b"--- ") == 2 * len(LETTERS)
    assert b"4711-2089" in received  # what is not personal goes through
    assert found_in(received, VALUES) == set()


async def test_no_database_holds_a_personal_value_or_an_envelope(told: Platform) -> None:
    stored = await _everything_stored(told)
    assert b"Klient_001" in stored  # masked text is there: the search looks in the right place
    assert found_in(stored, VALUES) == set()
    envelopes = {envelope async for envelope in _envelopes(told)}
    assert len(envelopes) == 2 * len(LETTERS)
    for envelope in envelopes:
        assert envelope.encode() not in stored
        assert base64.b64decode(envelope)[8:40] not in stored


@pytest.mark.parametrize("stream", ["SW_MASKED", "SW_META"])
async def test_no_masked_or_meta_stream_holds_a_personal_value(told: Platform, stream: str) -> None:
    async with _messages(told, stream) as messages:
        assert messages
        for message in messages:
            carried = b"\n".join([message.data, *_header_lines(message)])
            assert found_in(carried, VALUES) == set(), message.subject
            sealed = SEALED in (message.headers or {})
            assert sealed == message.subject.startswith(SEALED_CLASSES), message.subject


def test_no_log_holds_a_personal_value(told: Platform) -> None:
    logs = sorted(path for path in told.folder.glob("*.log") if path != told.record)
    assert len(logs) == len(told.processes) + 2
    for log in logs:
        assert found_in(log.read_bytes(), VALUES) == set(), log.name


async def test_no_span_holds_a_personal_value_or_text(told: Platform) -> None:
    spans = await told.query("SELECT * FROM watch.span")
    assert spans
    text = b"\n".join(_flat(spans))
    assert found_in(text, VALUES) == set()
    assert found_in(text, {"Klient_001", "Kære kundeservice", "Sehr geehrte"}) == set()


# --- reading everything ------------------------------------------------------------------


async def _everything_stored(platform: Platform) -> bytes:
    """Return every value of every column of every table and view, of all schemas of ours."""
    connection = await asyncpg.connect(platform.postgres.address())
    try:
        tables = await connection.fetch(
            "SELECT schemaname || '.' || quote_ident(tablename) AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        assert len(tables) > 15
        rows = [await connection.fetch(f"SELECT * FROM {table['name']}") for table in tables]
    finally:
        await connection.close()
    return b"\n".join(_flat(rows))


def _flat(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode()
    elif isinstance(value, asyncpg.Record):
        yield from _flat(list(value.values()))
    elif isinstance(value, Iterable):
        for part in value:
            yield from _flat(part)
    else:
        yield str(value).encode()


def _header_lines(message: Msg) -> Iterator[bytes]:
    for name, value in (message.headers or {}).items():
        # An envelope's base64 spells a name of four letters by chance every hundred messages, so
        # what it encodes is searched, not how it is written.
        yield base64.b64decode(value) if name == SEALED else f"{name}: {value}".encode()


async def _envelopes(platform: Platform) -> AsyncIterator[str]:
    async with _messages(platform, "SW_MASKED") as messages:
        for message in messages:
            envelope = (message.headers or {}).get(SEALED)
            if envelope is not None:
                yield envelope


@asynccontextmanager
async def _messages(platform: Platform, stream: str) -> AsyncIterator[list[Msg]]:
    """Yield everything that a stream holds."""
    async with platform.provisioner() as js:
        count = (await js.stream_info(stream)).state.messages
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL)
        subscription = await js.subscribe(">", stream=stream, config=config)
        yield [await subscription.next_msg(timeout=5) for _ in range(count)]
        await subscription.unsubscribe()

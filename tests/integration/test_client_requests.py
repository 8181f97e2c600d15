"""The client against a real bus: what it sends, what it gets back, and what it survives."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import nkeys
import pytest

from shared.contracts.errors import ErrorCode
from shared.contracts.stores import ANSWERS, INBOX
from shared.contracts.values import new_id
from stellwerk import Client
from stellwerk.answer import Ticket
from stellwerk.errors import (
    BusUnavailable,
    Conflict,
    Failed,
    NotAllowed,
    QueueFull,
    Refused,
    StillWaiting,
)
from tests.fixtures.servers import NatsServer, start_nats
from tests.integration.client_platform import ScriptedPlatform

LETTER = "Jeg hedder Karla Eksempel. Hvor er min pakke?"
ANSWER = "Kære Karla Eksempel, den er på vej."


@pytest.fixture
async def platform(own_nats_server: NatsServer) -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform.at(own_nats_server.url) as opened:
        await opened.provision()
        yield opened


@pytest.fixture
async def client(own_nats_server: NatsServer, platform: ScriptedPlatform) -> AsyncIterator[Client]:
    async with Client(own_nats_server.url, app="crm") as opened:
        yield opened


async def test_a_request_is_answered(client: Client, platform: ScriptedPlatform) -> None:
    asked = asyncio.create_task(client.complete(LETTER, use_case="support"))
    taken = await platform.take()
    await platform.answer(taken.request, ANSWER)

    answer = await asked

    assert answer.text == ANSWER
    assert answer.request_id == taken.request.request_id
    assert (taken.request.tenant, taken.request.app) == ("default", "crm")


async def test_the_message_id_is_the_request_id(client: Client, platform: ScriptedPlatform) -> None:
    ticket = await client.submit(LETTER)
    taken = await platform.take()
    assert taken.headers["Nats-Msg-Id"] == str(taken.request.id) == str(ticket.request_id)


async def test_the_root_span_is_the_parent_of_the_request(
    client: Client, platform: ScriptedPlatform
) -> None:
    caller = f"00-{'a' * 32}-{'b' * 16}-01"
    asked = asyncio.create_task(client.complete(LETTER, traceparent=caller))
    taken = await platform.take()
    await platform.answer(taken.request, ANSWER)
    await asked

    (span,) = await platform.spans()

    assert taken.headers["traceparent"] == f"00-{'a' * 32}-{span.span_id}-01"
    assert (span.trace_id, span.parent_span_id) == ("a" * 32, "b" * 16)
    assert (span.service, span.name, span.error) == ("client", "complete", None)
    assert span.request_id == taken.request.request_id


async def test_many_requests_share_one_client_and_keep_apart(
    client: Client, platform: ScriptedPlatform
) -> None:
    asked = [asyncio.create_task(client.complete(f"nr. {number}")) for number in range(20)]
    for _ in asked:
        request = (await platform.take()).request
        await platform.answer(request, request.messages[0].content)
    assert [(await each).text for each in asked] == [f"nr. {number}" for number in range(20)]


async def test_an_answer_can_be_collected_later_by_another_process(
    client: Client, platform: ScriptedPlatform, own_nats_server: NatsServer
) -> None:
    ticket = await client.submit(LETTER)
    await platform.answer((await platform.take()).request, ANSWER)
    async with Client(own_nats_server.url, app="crm") as another:
        assert (await another.collect(ticket)).text == ANSWER
        assert (await another.collect(ticket.request_id)).text == ANSWER


async def test_the_same_key_is_asked_once_and_answered_twice(
    client: Client, platform: ScriptedPlatform
) -> None:
    first = asyncio.create_task(client.complete(LETTER, idempotency_key="order-4711"))
    request = (await platform.take()).request
    await platform.answer(request, ANSWER)

    second = await client.complete(LETTER, idempotency_key="order-4711")

    assert (await first).text == second.text == ANSWER
    assert await platform.waiting() == 0


async def test_the_same_key_with_another_body_is_a_conflict(
    client: Client, platform: ScriptedPlatform
) -> None:
    first = asyncio.create_task(client.complete(LETTER, idempotency_key="order-4711"))
    await platform.answer((await platform.take()).request, ANSWER)
    await first
    with pytest.raises(Conflict):
        await client.complete("Noget helt andet", idempotency_key="order-4711")


@pytest.mark.parametrize(
    ("code", "error"),
    [(ErrorCode.BUDGET_EXHAUSTED, Refused), (ErrorCode.PROVIDER_UNAVAILABLE, Failed)],
)
async def test_a_bad_end_is_raised_in_the_language_of_the_caller(
    client: Client, platform: ScriptedPlatform, code: ErrorCode, error: type[Refused | Failed]
) -> None:
    asked = asyncio.create_task(client.complete(LETTER))
    await platform.refuse((await platform.take()).request, code)
    with pytest.raises(error, match=r"udbyder|Budgettet") as caught:
        await asked
    assert caught.value.code is code
    assert (await platform.spans())[0].error == code


async def test_an_answer_that_came_while_the_line_was_down_is_found(
    client: Client, platform: ScriptedPlatform, own_nats_server: NatsServer
) -> None:
    asked = asyncio.create_task(client.complete(LETTER))
    request = (await platform.take()).request
    async with Client(own_nats_server.url, app="hr"):
        own_nats_server.restart()
    await platform.answer(request, ANSWER)
    assert (await asked).text == ANSWER


async def test_a_request_is_sent_again_until_the_bus_has_it(own_nats_server: NatsServer) -> None:
    async with (
        ScriptedPlatform.at(own_nats_server.url) as platform,
        Client(own_nats_server.url, app="crm") as client,
    ):
        submitted = asyncio.create_task(client.submit(LETTER))
        await asyncio.sleep(0.5)  # no stream yet: nobody acknowledges
        assert not submitted.done()
        await platform.provision()
        ticket = await submitted
        assert (await platform.take()).request.request_id == ticket.request_id


async def test_a_request_that_no_bus_takes_says_so(own_nats_server: NatsServer) -> None:
    async with Client(own_nats_server.url, app="crm") as client:
        with pytest.raises(BusUnavailable):
            await client.complete(LETTER, timeout_s=0.3)


async def test_a_result_that_does_not_come_leaves_the_id(client: Client) -> None:
    ticket = await client.submit(LETTER)
    with pytest.raises(StillWaiting, match=str(ticket.request_id)):
        await client.collect(Ticket(ticket.request_id, wait_s=0.2))


async def test_a_full_queue_refuses_this_app_and_no_other(
    client: Client, platform: ScriptedPlatform, own_nats_server: NatsServer
) -> None:
    config = (await platform.js.stream_info(INBOX.name)).config
    config.max_msgs_per_subject = 2
    await platform.js.update_stream(config)
    await client.submit(LETTER)
    await client.submit(LETTER)
    with pytest.raises(QueueFull):
        await client.submit(LETTER)
    async with Client(own_nats_server.url, app="hr") as other:
        await other.submit(LETTER)


async def test_no_answer_is_read_before_it_is_looked_up_by_its_subject(
    client: Client, platform: ScriptedPlatform
) -> None:
    ticket = await client.submit(LETTER)
    await platform.answer((await platform.take()).request, ANSWER)
    assert (await platform.js.stream_info(ANSWERS.name)).state.messages == 1
    assert (await client.collect(ticket)).text == ANSWER


async def test_nobody_at_the_address_is_one_sentence() -> None:
    with pytest.raises(BusUnavailable, match="stellwerk up"):
        await Client("nats://127.0.0.1:1", app="crm", connect_wait_s=0.2).__aenter__()


# --- keys and permissions -----------------------------------------------------------------------

ACCOUNTS = """\
accounts {{
  TEST {{
    jetstream: enabled
    users: [
      {{ nkey: {public}, permissions: {{
        publish: {{ allow: ["sw.clear.request.submitted.default.crm"] }}
        subscribe: {{ allow: [
          "_INBOX.app-default-crm.>", "sw.clear.completion.restored.default.crm.*",
          "sw.clear.chunk.restored.default.crm.*"
        ] }}
      }} }}
    ]
  }}
}}
"""


@dataclass(frozen=True)
class Key:
    """A fresh NKEY: the file with its seed, and the public half that the server is told."""

    seed_file: Path
    public: str


@pytest.fixture
def key(tmp_path: Path) -> Key:
    seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
    file = tmp_path / "crm.nk"
    file.write_bytes(seed)
    return Key(file, nkeys.from_seed(bytearray(seed)).public_key.decode())


@pytest.fixture
def guarded_server(tmp_path: Path, key: Key) -> Iterator[NatsServer]:
    server = start_nats(tmp_path / "guarded", accounts=ACCOUNTS.format(public=key.public))
    yield server
    server.stop()


async def test_another_apps_tokens_are_refused_at_once(
    guarded_server: NatsServer, key: Key
) -> None:
    client = Client(guarded_server.url, app="hr", seed_file=key.seed_file)
    with pytest.raises(NotAllowed, match=r"sw\.clear\.completion\.restored\.default\.hr"):
        await asyncio.wait_for(client.__aenter__(), 3)


async def test_a_forbidden_look_up_is_an_error_and_not_a_silence(
    guarded_server: NatsServer, key: Key
) -> None:
    async with Client(guarded_server.url, app="crm", seed_file=key.seed_file) as client:
        with pytest.raises(NotAllowed, match=r"DIRECT\.GET"):
            await asyncio.wait_for(client.collect(Ticket(new_id())), 3)


async def test_an_unknown_key_is_refused_at_once(
    guarded_server: NatsServer, tmp_path: Path
) -> None:
    with pytest.raises(NotAllowed, match="does not accept"):
        await asyncio.wait_for(Client(guarded_server.url, app="crm").__aenter__(), 3)


async def test_a_seed_file_that_holds_none_is_named(
    guarded_server: NatsServer, tmp_path: Path
) -> None:
    for file in (tmp_path / "missing.nk", tmp_path / "text.nk"):
        (tmp_path / "text.nk").write_text("Karla Eksempel")
        client = Client(guarded_server.url, app="crm", seed_file=file)
        with pytest.raises(NotAllowed, match=file.name) as caught:
            await client.__aenter__()
        assert "Karla" not in str(caught.value)

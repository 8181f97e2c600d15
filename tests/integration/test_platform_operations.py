"""Embeddings and translations through the whole platform, to providers in three formats."""

import asyncio
import base64
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import openai
import pytest

from shared.contracts.errors import ErrorCode
from shared.contracts.requests import EMBEDDING_NUMBERS_MAX, Operation, texts_max
from shared.contracts.values import new_id
from stellwerk.client import Client
from stellwerk.errors import Failed, Refused
from tests.fixtures.bus import eventually
from tests.fixtures.platform import Platform
from tests.fixtures.wires.base import TEXTS, vector
from tests.integration.platform_backends import HUGE, HUGE_DIMENSIONS, Backends, backends

pytestmark = pytest.mark.timeout(120)

PARAGRAPHS = (
    "Kære kundeservice. Jeg hedder Mette Skovlund og har ikke fået min ordre 4711 endnu.",
    "Mette Skovlund bor på Vestergade 12, 8000 Aarhus C, og kan ringes op på 40 28 11 93.",
    "Sagen behandles af Jens Bæk Holm, som Mette Skovlund har talt med to gange.",
)
NAMES = ("Mette", "Skovlund", "Vestergade", "40 28 11 93", "40281193", "Bæk", "B\\u00e6k", "Holm")
CHARACTER_NANO = 20_000
"""20.00 EUR for a million characters, as the shipped models.yaml states it."""


@pytest.fixture(scope="module")
def providers() -> Iterator[Backends]:
    with backends() as running:
        yield running


@pytest.fixture(scope="module")
def platform(providers: Backends) -> Iterator[Platform]:
    """Return a platform whose outside providers are ours, with the shipped models and policy."""
    with tempfile.TemporaryDirectory(prefix="stellwerk-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        running = Platform(folder, dict(providers.environment))
        providers.configure(running.config)
        try:
            running.start()
            yield running
        finally:
            running.stop()
        assert running.refused_by_the_bus() == []


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[Client]:
    async with platform.client() as one:
        yield one


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{platform.gateway_url}/v1", api_key=platform.key(), max_retries=0
    ) as one:
        yield one


def asked(providers: Backends) -> dict[str, int]:
    return {name: len(providers.bodies(name)) for name in providers.received}


def assert_masked(received: bytes) -> None:
    text = received.decode()
    assert [name for name in NAMES if name in text] == []


async def row(platform: Platform, sql: str, request_id: UUID) -> asyncpg.Record:
    """Return the row of a request as soon as there is one."""
    found: list[asyncpg.Record] = []

    async def is_there() -> bool:
        found[:] = await platform.query(sql, request_id)
        return bool(found)

    await eventually(is_there, 20.0)
    return found[0]


async def test_three_paragraphs_reach_cohere_masked_and_three_vectors_come_back(
    client: Client, providers: Backends
) -> None:
    before = len(providers.bodies("cohere"))

    vectors = await client.embed(PARAGRAPHS, purpose="query")

    assert len(vectors) == 3
    for number, found in enumerate(vectors):
        assert found == pytest.approx(vector(number), abs=1e-6)
    [body] = providers.bodies("cohere")[before:]
    first, second, third = body["texts"]
    assert "Klient_001" in first
    assert "Klient_001" in second  # The same person is the same in all texts.
    assert "Klient_002" in third
    assert (body["model"], body["input_type"]) == ("embed-v4.0", "search_query")
    assert_masked(providers.bytes_of("cohere"))
    assert providers.server.problems == []


async def test_what_was_embedded_is_metered_recorded_by_hashes_and_not_graded(
    platform: Platform, client: Client
) -> None:
    answer = await client.complete(PARAGRAPHS[0], operation="embed")
    chat = await client.complete("Hej", model="open-70b")

    metered = await row(
        platform, "SELECT * FROM billing.requests_v1 WHERE request_id = $1", answer.request_id
    )
    assert (metered["operation"], metered["model"]) == ("embed", "cohere-embed-v4")
    assert (metered["input_tokens"], metered["output_tokens"], metered["characters"]) == (42, 0, 0)
    assert metered["cost"] == Decimal(42 * 120) / 10**9 == Decimal(answer.cost_nano) / 10**9

    kept = await row(
        platform,
        "SELECT payload FROM audit.entry WHERE request_id = $1"
        " AND type = 'eu.stellwerk.completion.produced.v1'",
        answer.request_id,
    )
    data = json.loads(kept["payload"])["data"]
    assert "embeddings" not in data
    [packed] = answer.embeddings
    assert data["embeddings_sha256"] == [sha256(base64.b64decode(packed)).hexdigest()]

    # The chat came later and is graded: so the embedding is not on its way any more.
    graded = "SELECT request_id FROM evals.score WHERE request_id = $1"
    await row(platform, graded, chat.request_id)
    assert await platform.query(graded, answer.request_id) == []
    waiting = "SELECT * FROM evals.waiting WHERE request_id = $1"
    assert await platform.query(waiting, answer.request_id) == []


async def test_a_chat_by_the_alias_of_an_open_model_reaches_together(
    client: Client, providers: Backends
) -> None:
    before = len(providers.bodies("together"))

    answer = await client.complete(PARAGRAPHS[0], model="open-70b")

    assert answer.provider == "together"
    assert answer.text == "".join(TEXTS).replace("Klient_001", "Mette Skovlund")
    [body] = providers.bodies("together")[before:]
    assert body["model"] == "Qwen/Qwen2.5-72B-Instruct"
    assert_masked(providers.bytes_of("together"))


@pytest.mark.parametrize(
    ("operation", "model"),
    [
        (Operation.EMBED, "open-70b"),
        (Operation.EMBED, "google-translate"),
        (Operation.TRANSLATE, "cohere-embed-v4"),
        (Operation.CHAT, "cohere-embed-v4"),
        (Operation.CHAT, "translate"),
    ],
)
async def test_what_a_model_cannot_is_refused_and_never_sent(
    client: Client, providers: Backends, operation: Operation, model: str
) -> None:
    before = asked(providers)
    options: dict[str, Any] = {"operation": operation.value, "model": model}
    if operation is Operation.TRANSLATE:
        options["target_language"] = "de"

    with pytest.raises(Refused) as refused:
        await client.complete(PARAGRAPHS[0], **options)

    assert refused.value.code is ErrorCode.NO_CAPABLE_MODEL
    assert asked(providers) == before


async def test_a_translation_comes_back_with_its_names_and_costs_its_characters(
    platform: Platform, client: Client, providers: Backends
) -> None:
    before = len(providers.bodies("google-translate-eu"))
    messages = [{"role": "user", "content": one} for one in PARAGRAPHS]

    answer = await client.complete(messages, operation="translate", target_language="de")

    [body] = providers.bodies("google-translate-eu")[before:]
    assert (len(body["contents"]), body["targetLanguageCode"]) == (3, "de")
    assert_masked(providers.bytes_of("google-translate-eu"))
    said = "".join(TEXTS).replace("Klient_001", "Mette Skovlund")
    assert answer.translations == (f"{said} 0", f"{said} 1", f"{said} 2")
    assert answer.text == "\n".join(answer.translations)

    sent = sum(len(text) for text in body["contents"])
    assert answer.usage.characters == sent
    assert answer.cost_nano == sent * CHARACTER_NANO
    paid = await row(
        platform,
        "SELECT characters, cost, input_tokens, output_tokens, held_nano, posted_nano"
        " FROM billing.calls_v1 JOIN billing.hold USING (request_id)"
        " JOIN billing.resolution ON resolution.hold_id = hold.id WHERE hold.request_id = $1",
        answer.request_id,
    )
    assert (paid["characters"], paid["input_tokens"], paid["output_tokens"]) == (sent, 0, 0)
    assert paid["cost"] == Decimal(sent * CHARACTER_NANO) / 10**9
    assert paid["held_nano"] == paid["posted_nano"] == sent * CHARACTER_NANO


async def test_the_client_translates_many_texts_at_once(client: Client) -> None:
    said = "".join(TEXTS).replace("Klient_001", "Mette Skovlund")
    assert await client.translate(PARAGRAPHS, into="de") == [f"{said} {n}" for n in range(3)]


async def test_a_model_that_chats_translates_one_text_at_a_time(
    client: Client, providers: Backends
) -> None:
    before = len(providers.bodies("together"))

    translated = await client.translate(PARAGRAPHS[:2], into="de", model="open-70b")

    assert translated == ["".join(TEXTS).replace("Klient_001", "Mette Skovlund")] * 2
    bodies = providers.bodies("together")[before:]
    assert [len(body["messages"]) for body in bodies] == [2, 2]
    assert all("BCP 47 tag de" in body["messages"][0]["content"] for body in bodies)
    assert all("Klient_001" in body["messages"][1]["content"] for body in bodies)
    assert_masked(providers.bytes_of("together"))


async def test_more_vectors_than_a_message_has_room_for_are_a_clear_failure(
    platform: Platform, client: Client, providers: Backends
) -> None:
    """Nobody can know before how long they will be; the caller hears it at once all the same."""
    before = len(providers.bodies(HUGE))

    with pytest.raises(Failed) as failed:
        await client.complete(
            [{"role": "user", "content": "Hej"}] * 40, operation="embed", model=HUGE
        )

    assert failed.value.code is ErrorCode.TOO_LARGE
    assert len(providers.bodies(HUGE)) == before + 1  # Asked once, and not again.
    sql = "SELECT outcome, code, cost FROM billing.requests_v1 WHERE request_id = $1"
    assert failed.value.request_id is not None
    paid = await row(platform, sql, failed.value.request_id)
    assert tuple(paid) == ("failed", "too_large", Decimal(7 * 120) / 10**9)


async def test_as_many_vectors_as_are_allowed_come_through(
    client: Client, providers: Backends
) -> None:
    count = texts_max(HUGE_DIMENSIONS)

    vectors = await client.embed(["Hej"] * count, model=HUGE, dimensions=HUGE_DIMENSIONS)

    assert count * HUGE_DIMENSIONS == EMBEDDING_NUMBERS_MAX
    assert [len(one) for one in vectors] == [HUGE_DIMENSIONS] * count
    assert len(providers.bodies(HUGE)[-1]["input"]) == count


async def test_with_a_case_people_are_the_same_in_every_request_of_many_texts(
    client: Client, providers: Backends
) -> None:
    before = len(providers.bodies("cohere"))
    letters = [f"Brev {number} er fra Mette Skovlund." for number in range(100)]

    vectors = await client.embed(letters, dimensions=1024, case_id="sag-17")

    assert len(vectors) == 100
    bodies = providers.bodies("cohere")[before:]
    assert sorted(len(body["texts"]) for body in bodies) == [4, 96]
    texts = [text for body in bodies for text in body["texts"]]
    assert all(text.endswith("er fra Klient_001.") for text in texts)


async def test_the_same_key_is_asked_and_paid_once(client: Client, providers: Backends) -> None:
    key = str(new_id())
    first = await client.embed(PARAGRAPHS, idempotency_key=key)
    before = asked(providers)
    assert await client.embed(PARAGRAPHS, idempotency_key=key) == first
    assert asked(providers) == before


async def test_nobody_is_in_the_record_of_what_was_embedded_and_translated(
    platform: Platform, client: Client
) -> None:
    ids = []
    for options in ({"operation": "embed"}, {"operation": "translate", "target_language": "de"}):
        answer = await client.complete(PARAGRAPHS[1], **options)  # type: ignore[arg-type]
        ids.append(answer.request_id)
    for request_id in ids:
        await row(
            platform,
            "SELECT 1 FROM audit.entry WHERE request_id = $1"
            " AND type = 'eu.stellwerk.usage.recorded.v1'",
            request_id,
        )
    kept = await platform.query(
        "SELECT payload FROM audit.entry WHERE request_id = ANY($1::uuid[])"
        " UNION ALL SELECT answer || usage FROM router.request_call WHERE answer IS NOT NULL",
        ids,
    )
    assert len(kept) > 2 * len(ids)
    for one in kept:
        assert_masked(one["payload"])


async def test_the_official_client_gets_the_same_vectors_in_both_formats(
    http: openai.AsyncOpenAI, providers: Backends
) -> None:
    model = "embeddings-multilingual"
    before = len(providers.bodies("cohere"))

    by_default = await http.embeddings.create(model=model, input=list(PARAGRAPHS))
    as_numbers = await http.embeddings.create(
        model=model, input=list(PARAGRAPHS), encoding_format="float", user="Mette Skovlund"
    )
    one = await http.embeddings.create(model=model, input=PARAGRAPHS[0], dimensions=256)

    for number in range(3):
        assert by_default.data[number].embedding == pytest.approx(vector(number), abs=1e-6)
        assert by_default.data[number].embedding == as_numbers.data[number].embedding
    assert [item.index for item in by_default.data] == [0, 1, 2]
    assert by_default.model == "cohere-embed-v4"
    assert (by_default.usage.prompt_tokens, by_default.usage.total_tokens) == (42, 42)
    assert len(one.data) == 1
    assert providers.bodies("cohere")[before:][2]["output_dimension"] == 256
    assert_masked(providers.bytes_of("cohere"))


async def test_base64_holds_little_endian_floats(platform: Platform) -> None:
    async with httpx2.AsyncClient() as http:
        answer = await http.post(
            f"{platform.gateway_url}/v1/embeddings",
            json={"model": "auto", "input": "Hej", "encoding_format": "base64"},
            headers={"Authorization": f"Bearer {platform.key()}"},
        )
    packed = base64.b64decode(answer.json()["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(packed) // 4}f", packed)) == pytest.approx(
        vector(0), abs=1e-6
    )


async def test_the_official_client_hears_what_is_not_possible(
    http: openai.AsyncOpenAI, providers: Backends
) -> None:
    before = asked(providers)
    with pytest.raises(openai.BadRequestError, match="cannot be masked"):
        await http.embeddings.create(model="auto", input=[[15339, 1917]])
    with pytest.raises(openai.APIStatusError, match="40 texts") as large:
        await http.embeddings.create(model="auto", input=["Hej"] * 41)
    with pytest.raises(openai.UnprocessableEntityError) as incapable:
        await http.embeddings.create(model="open-70b", input="Hej")
    assert large.value.status_code == 413
    assert incapable.value.code == ErrorCode.NO_CAPABLE_MODEL.value
    assert asked(providers) == before


async def test_the_command_line_embeds_and_translates(platform: Platform) -> None:
    state = {
        "supervisor": os.getpid(),
        "nats": {"url": platform.nats.address},
        "postgres": {"url": f"postgresql://127.0.0.1:{platform.postgres.port}/stellwerk"},
    }
    (platform.folder / "state.json").write_text(json.dumps(state))
    environment = {"STELLWERK_DATA": str(platform.folder), "PATH": "", "PYTHONPATH": "."}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "stellwerk", *arguments, "--app", "crm"]
        ran = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=25
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    numbers = json.loads(await asyncio.to_thread(run, "embed", PARAGRAPHS[0]))
    facts = json.loads(await asyncio.to_thread(run, "embed", PARAGRAPHS[0], "--json"))
    said = await asyncio.to_thread(run, "ask", "--translate-to", "de", PARAGRAPHS[0])

    assert numbers == pytest.approx(vector(0), abs=1e-6) == facts["vector"]
    assert facts["dimensions"] == len(numbers)
    assert said.strip() == "".join(TEXTS).replace("Klient_001", "Mette Skovlund")

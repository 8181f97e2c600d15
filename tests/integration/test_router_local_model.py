"""The router's wire against the real small model: whole, streamed, counted, or refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.model import SMALL
from deploy.local.model_server import ModelServer
from deploy.local.ports import free_port
from deploy.local.secrets import Secrets
from services.router.domain import ErrorClass, decide
from services.router.outbound import cleared
from services.router.providers import openai
from services.router.providers.base import Delta, Endpoint, Finished, Piece, ProviderError
from shared.contracts.completions import FinishReason
from shared.contracts.requests import RequestRedacted
from shared.contracts.values import new_id
from tests.unit.router.world import model, policy, request

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

LETTERS = [
    "Hvad hedder Danmarks hovedstad?",
    "Kære kundeservice, jeg hedder Klient_001 og bor Adresse_001. Min ordre 4711-2089 kom ikke.",
    "Beløb: 1.250,75 kr., 980,00 kr., 12.345,67 kr.; datoer: 2026-11-24, 2026-12-01; nr. 00384756",
    "Grundstücksverkehrsgenehmigungszuständigkeitsübertragungsverordnung für Straßenbahnfahrgäste",
    "x" * 400,
    "æøåäöüß" * 40,
]


@pytest.fixture(scope="module")
def server(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """Return the smallest model, served as `stellwerk up` serves it."""
    folder = tmp_path_factory.mktemp("model")
    key_file = Secrets(folder / "secrets").text_file("model-api")
    made = ModelServer(SMALL.name, small_model, free_port(), key_file, folder / "model.log")
    running = made.program().start()
    running.wait_ready(120)
    yield made
    running.stop()


@pytest.fixture
async def provider(server: ModelServer) -> AsyncIterator[openai.OpenAI]:
    """Return the adapter, signed in to the model."""
    key = SecretStr(server.key_file.read_text(encoding="ascii").strip())
    made = openai.connect(Endpoint("local", server.address, connect_s_max=3.0, key=key))
    yield made
    await made.close()


async def ask(
    provider: openai.OpenAI, event: RequestRedacted, output_tokens_max: int
) -> list[Piece]:
    body = cleared(provider.body(event, SMALL.name, output_tokens_max))
    async with asyncio.timeout(300):
        return [piece async for piece in provider.call(body, new_id(), stream=event.stream)]


@pytest.mark.parametrize("stream", [True, False])
async def test_the_real_model_answers_whole_and_counted(
    provider: openai.OpenAI, *, stream: bool
) -> None:
    pieces = await ask(provider, request(LETTERS[0], stream=stream, temperature=0.0), 12)

    end = pieces[-1]
    assert isinstance(end, Finished)
    assert end.reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert end.usage is not None
    assert 0 < end.usage.output_tokens <= 12
    assert any(isinstance(piece, Delta) and piece.text for piece in pieces)


@pytest.mark.parametrize("text", LETTERS)
async def test_a_hold_covers_what_the_real_model_counts(provider: openai.OpenAI, text: str) -> None:
    event = request(text)
    (leg,) = decide(event, {"m": model("m", context_tokens=8192)}, policy("m")).plan

    (*_, end) = await ask(provider, event, 1)

    assert isinstance(end, Finished)
    assert end.usage is not None
    assert end.usage.input_tokens <= leg.input_tokens_max


async def test_a_text_that_is_too_long_is_classified_so(provider: openai.OpenAI) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(provider, request("ord " * 20_000), 1)

    assert failed.value.error_class is ErrorClass.CONTEXT_TOO_LONG


async def test_without_its_key_the_model_is_unauthorised(server: ModelServer) -> None:
    stranger = openai.connect(Endpoint("local", server.address, connect_s_max=3.0))

    with pytest.raises(ProviderError) as failed:
        await ask(stranger, request("Hej"), 1)

    assert failed.value.error_class is ErrorClass.UNAUTHORISED
    await stranger.close()


async def test_the_real_model_can_be_probed(provider: openai.OpenAI) -> None:
    await provider.probe()

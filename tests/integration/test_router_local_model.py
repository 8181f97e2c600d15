"""The router's wire against the real small model: whole, streamed, counted, or refused."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.model import SMALL
from deploy.local.model_server import ModelServer
from deploy.local.ports import free_port
from deploy.local.secrets import Secrets
from services.router.faults import ErrorClass
from services.router.providers import openai
from services.router.providers.base import Endpoint, ProviderError
from services.router.wire.http import HttpProvider
from shared.contracts.completions import FinishReason
from shared.contracts.requests import RequestRedacted
from tests.fixtures.asking import Answered, answered
from tests.unit.router.world import decide, model, policy, request

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
async def provider(server: ModelServer) -> AsyncIterator[HttpProvider]:
    """Return the adapter, signed in to the model."""
    key = SecretStr(server.key_file.read_text(encoding="ascii").strip())
    made = openai.connect(Endpoint("local", server.address, connect_s_max=3.0, key=key))
    yield made
    await made.close()


async def ask(provider: HttpProvider, event: RequestRedacted, output_tokens_max: int) -> Answered:
    return await answered(
        provider, event, SMALL.name, output_tokens_max=output_tokens_max, within_s=300
    )


@pytest.mark.parametrize("stream", [True, False])
async def test_the_real_model_answers_whole_and_counted(
    provider: HttpProvider, *, stream: bool
) -> None:
    answer = await ask(provider, request(LETTERS[0], stream=stream, temperature=0.0), 12)

    end = answer.whole
    assert end.reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert end.usage is not None
    assert 0 < end.usage.output_tokens <= 12
    assert answer.text


@pytest.mark.parametrize("text", LETTERS)
async def test_a_hold_covers_what_the_real_model_counts(provider: HttpProvider, text: str) -> None:
    event = request(text)
    (leg,) = decide(event, {"m": model("m", context_tokens=8192)}, policy("m")).plan

    end = (await ask(provider, event, 1)).whole

    assert end.usage is not None
    assert end.usage.input_tokens <= leg.input_tokens_max


async def test_a_text_that_is_too_long_is_classified_so(provider: HttpProvider) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(provider, request("ord " * 20_000), 1)

    assert failed.value.error_class is ErrorClass.CONTEXT_TOO_LONG


async def test_without_its_key_the_model_is_unauthorised(server: ModelServer) -> None:
    stranger = openai.connect(Endpoint("local", server.address, connect_s_max=3.0))

    with pytest.raises(ProviderError) as failed:
        await ask(stranger, request("Hej"), 1)

    assert failed.value.error_class is ErrorClass.UNAUTHORISED
    await stranger.close()


async def test_the_real_model_can_be_probed(provider: HttpProvider) -> None:
    await provider.probe()

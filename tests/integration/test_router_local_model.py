"""Both wires of the embedded server against the real small model: whole, counted, or refused."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.model import SMALL
from deploy.local.model_server import ModelServer
from deploy.local.ports import free_port
from deploy.local.secrets import Secrets
from services.router.faults import ErrorClass
from services.router.providers import anthropic, openai
from services.router.providers.base import Endpoint, Provider, ProviderError, ProviderModule
from shared.contracts.completions import FinishReason
from shared.contracts.requests import Message, RequestRedacted, Role, Tool, ToolCall
from tests.fixtures.asking import Answered, answered
from tests.unit.router.world import decide, model, policy, request

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

WIRES: tuple[ProviderModule, ...] = (openai, anthropic)
"""Those that the embedded server speaks."""
TOOL = Tool(name="find_order", parameters={"properties": {"af": {"type": "string"}}})
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
def endpoint(server: ModelServer) -> Endpoint:
    """Return where the model is, with its key."""
    key = SecretStr(server.key_file.read_text(encoding="ascii").strip())
    return Endpoint("local", server.address, connect_s_max=3.0, key=key)


@pytest.fixture(params=WIRES, ids=lambda wire: wire.WIRE)
def wire(request: pytest.FixtureRequest) -> ProviderModule:
    """Return each wire that the model's server speaks."""
    found: ProviderModule = request.param
    return found


@pytest.fixture
async def provider(wire: ProviderModule, endpoint: Endpoint) -> AsyncIterator[Provider]:
    """Return the adapter, signed in to the model."""
    made = wire.connect(endpoint)
    yield made
    await made.close()


async def ask(provider: Provider, event: RequestRedacted, output_tokens_max: int) -> Answered:
    return await answered(
        provider, event, SMALL.name, output_tokens_max=output_tokens_max, within_s=300
    )


@pytest.mark.parametrize("stream", [True, False])
async def test_the_real_model_answers_whole_and_counted(
    provider: Provider, *, stream: bool
) -> None:
    answer = await ask(provider, request(LETTERS[0], stream=stream, temperature=0.0), 12)

    end = answer.whole
    assert end.reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert end.usage is not None
    assert 0 < end.usage.output_tokens <= 12
    assert answer.text


@pytest.mark.parametrize("text", LETTERS)
async def test_a_hold_covers_what_the_real_model_counts(provider: Provider, text: str) -> None:
    event = request(text)
    (leg,) = decide(event, {"m": model("m", context_tokens=8192)}, policy("m")).plan

    end = (await ask(provider, event, 1)).whole

    assert end.usage is not None
    assert end.usage.input_tokens <= leg.input_tokens_max


async def test_a_text_that_is_too_long_is_classified_so(provider: Provider) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(provider, request("ord " * 20_000), 1)

    assert failed.value.error_class is ErrorClass.CONTEXT_TOO_LONG


async def test_without_its_key_the_model_is_unauthorised(
    wire: ProviderModule, server: ModelServer
) -> None:
    stranger = wire.connect(Endpoint("local", server.address, connect_s_max=3.0))

    with pytest.raises(ProviderError) as failed:
        await ask(stranger, request("Hej"), 1)

    assert failed.value.error_class is ErrorClass.UNAUTHORISED
    await stranger.close()


async def test_the_real_model_can_be_probed(provider: Provider) -> None:
    await provider.probe()


async def test_both_wires_hear_and_count_the_same(
    endpoint: Endpoint,
) -> None:
    made = [wire.connect(endpoint) for wire in WIRES]
    event = request(
        messages=(
            Message(role=Role.SYSTEM, content="Svar med ét ord."),
            Message(role=Role.USER, content=LETTERS[0]),
        ),
        temperature=0.0,
    )

    ours, theirs = [await ask(one, event, 8) for one in made]
    for one in made:
        await one.close()

    assert (ours.text, ours.whole.reason) == (theirs.text, theirs.whole.reason)
    assert ours.whole.usage is not None
    assert theirs.whole.usage is not None
    assert ours.whole.usage.input_tokens == theirs.whole.usage.input_tokens
    assert ours.whole.usage.output_tokens == theirs.whole.usage.output_tokens


@pytest.mark.parametrize("stream", [True, False])
async def test_a_conversation_with_calls_is_understood(provider: Provider, *, stream: bool) -> None:
    call = ToolCall(id="call.1:a", name="find_order", arguments='{"af": "Klient_001"}')
    event = request(
        stream=stream,
        tools=(TOOL,),
        messages=(
            Message(role=Role.USER, content="Hvad er ordrenummeret?"),
            Message(role=Role.ASSISTANT, content="", tool_calls=(call,)),
            Message(role=Role.TOOL, content="4711-A", tool_call_id=call.id),
        ),
        temperature=0.0,
    )

    answer = await ask(provider, event, 24)

    assert answer.text or answer.whole.tool_calls

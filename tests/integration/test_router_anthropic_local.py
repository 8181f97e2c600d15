"""Anthropic's wire against the real small model, whose server speaks it as well."""

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
from services.router.providers.base import Endpoint, ProviderError
from services.router.wire.http import HttpProvider
from shared.contracts.completions import FinishReason
from shared.contracts.requests import Message, RequestRedacted, Role, Tool, ToolCall
from tests.fixtures.asking import Answered, answered
from tests.unit.router.world import request

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

QUESTION = "Hvad hedder Danmarks hovedstad?"
TOOL = Tool(name="find_order", parameters={"properties": {"af": {"type": "string"}}})


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


@pytest.fixture
async def provider(endpoint: Endpoint) -> AsyncIterator[HttpProvider]:
    """Return the adapter, signed in to the model."""
    made = anthropic.connect(endpoint)
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
    answer = await ask(provider, request(QUESTION, stream=stream, temperature=0.0), 12)

    end = answer.whole
    assert end.reason in (FinishReason.STOP, FinishReason.LENGTH)
    assert end.usage is not None
    assert 0 < end.usage.output_tokens <= 12
    assert answer.text


async def test_both_wires_hear_and_count_the_same(
    provider: HttpProvider, endpoint: Endpoint
) -> None:
    other = openai.connect(endpoint)
    event = request(
        messages=(
            Message(role=Role.SYSTEM, content="Svar med ét ord."),
            Message(role=Role.USER, content=QUESTION),
        ),
        temperature=0.0,
    )

    ours, theirs = await ask(provider, event, 8), await ask(other, event, 8)
    await other.close()

    assert (ours.text, ours.whole.reason) == (theirs.text, theirs.whole.reason)
    assert ours.whole.usage is not None
    assert theirs.whole.usage is not None
    assert ours.whole.usage.input_tokens == theirs.whole.usage.input_tokens
    assert ours.whole.usage.output_tokens == theirs.whole.usage.output_tokens


@pytest.mark.parametrize("stream", [True, False])
async def test_a_conversation_with_calls_is_understood(
    provider: HttpProvider, *, stream: bool
) -> None:
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


async def test_a_text_that_is_too_long_is_classified_so(provider: HttpProvider) -> None:
    with pytest.raises(ProviderError) as failed:
        await ask(provider, request("ord " * 20_000), 1)

    assert failed.value.error_class is ErrorClass.CONTEXT_TOO_LONG


async def test_without_its_key_the_model_is_unauthorised(server: ModelServer) -> None:
    stranger = anthropic.connect(Endpoint("local", server.address, connect_s_max=3.0))

    with pytest.raises(ProviderError) as failed:
        await ask(stranger, request("Hej"), 1)

    assert failed.value.error_class is ErrorClass.UNAUTHORISED
    await stranger.close()


async def test_the_real_model_can_be_probed(provider: HttpProvider) -> None:
    await provider.probe()

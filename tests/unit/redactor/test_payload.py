"""Every free text of the contract is masked, whichever field it stands in, and comes back."""

import json
from typing import Any, Literal

import pytest

from services.redactor import payload
from services.redactor.answering import result_of
from services.redactor.domain import Masked
from services.redactor.kinds import LITERAL
from services.redactor.policy import Rules
from services.redactor.vault.sealing import Envelope
from shared.contracts.completions import (
    CompletionProduced,
    CompletionRestored,
    FinishReason,
    TokenUsage,
)
from shared.contracts.masking import MaskingPolicy
from shared.contracts.requests import RequestRedacted, RequestSubmitted, ToolCall
from shared.contracts.values import Sensitivity
from tests.contract.golden import golden, text_leaves
from tests.unit.redactor.masking import masker

GOLD = "Ring til Mette Kristensen på 20 12 34 56, CPR 010190-1234, mette@example.com"
VALUES = ("Kristensen", "20 12 34 56", "010190-1234", "mette@example.com")
NAMED = "mail_mette_kristensen"
ROOT = "message.data."
OPAQUE = {
    f"{ROOT}messages[].parts[].data": "nobody can mask a picture: it makes a request special",
    "message.subject": "the bus writes tenant and app into it",
}
PLACES = sorted(set(text_leaves(golden("request.submitted.v1"))) - OPAQUE.keys())
# Patterns leave room for a name in these, so they are free as well.
NAMES = [
    f"{ROOT}{place}" for place in ("tools[].name", "tool_choice", "messages[].tool_calls[].name")
] + [f"{ROOT}messages[].{place}" for place in ("tool_call_id", "tool_calls[].id")]

FULL: dict[str, Any] = {
    "messages": [
        {
            "role": "user",
            "content": "Hej",
            "name": "kunde",
            "parts": [{"kind": "image", "url": "https://example.com/a.png", "name": "a.png"}],
            "tool_calls": [{"id": "call_1", "name": "find_order", "arguments": '{"a": 1}'}],
            "tool_call_id": "call_1",
        }
    ],
    "metadata": {"kanal": "mail"},
    "tools": [{"name": "find_order", "description": "Finder", "parameters": {"type": "object"}}],
    "tool_choice": "auto",
}


def _request(data: dict[str, Any]) -> RequestSubmitted:
    head = {"tenant": "default", "app": "crm", "request_id": "019a48b1-7c40-7a3e-9d15-4f6b1c2d3e4f"}
    return RequestSubmitted.model_validate_json(json.dumps(head | data))


def _planted(place: str, gold: str) -> RequestSubmitted:
    """Return a request that has `gold` in one place of the contract and nowhere else."""
    data = json.loads(json.dumps(FULL))
    *way, last = place.removeprefix(ROOT).split(".")
    at = data
    for name in way:
        at = at[name.removesuffix("[]")]
        at = at[0] if name.endswith("[]") else at
    if last == "<key>":
        at[gold] = "x"
    elif last == "*":
        at["felt"] = gold
    else:
        if "parts[]" in place and last == "text":
            at["kind"] = "text"
        at[last] = gold
    return _request(data)


def _masked(request: RequestSubmitted) -> tuple[RequestRedacted, Masked]:
    masked = masker().mask(payload.texts_of(request))
    redacted = RequestRedacted.following(
        request,
        **payload.rewritten(request, masked),
        sensitivity=Sensitivity.SPECIAL,
        fingerprint="0" * 64,
        deadline=request.time,
        redactor="r1",
    )
    return redacted, masked


@pytest.mark.parametrize("place", PLACES)
def test_no_text_of_the_contract_goes_on_as_it_came(place: str) -> None:
    request = _planted(place, GOLD)
    before = request.model_dump_json()

    after = _masked(request)[0].model_dump_json()

    for value in VALUES:
        assert value in before
        assert value not in after


@pytest.mark.parametrize("place", NAMES)
def test_a_name_with_a_person_in_it_is_replaced_as_a_whole(place: str) -> None:
    request = _planted(place, NAMED).model_copy(update={"metadata": {"af": "Mette Kristensen"}})

    redacted, masked = _masked(request)

    assert "kristensen" not in redacted.model_dump_json().lower()
    assert [entry.value for _, entry in masked.mapping.items() if entry.type == LITERAL] == [NAMED]


def test_what_is_not_personal_goes_on_as_it_came() -> None:
    request = _request(FULL)

    after = _masked(request)[0]

    for name in ("messages", "metadata", "tools", "tool_choice"):
        assert getattr(after, name) == getattr(request, name)


def test_no_name_hides_behind_escapes_in_the_middle_of_a_text() -> None:
    written = json.dumps({"navn": "Søren Brandtgaard", "vej": "Åboulevarden 9", "a": '"\\'})
    request = _request({"messages": [{"role": "user", "content": f"Find ordren. Data: {written}"}]})

    (message,) = _masked(request)[0].messages

    for value in ("Brandtgaard", "boulevarden", "ren "):
        assert value not in message.content.replace("ordren", "")
    json.loads(message.content.partition("Data: ")[2])


def test_a_pasted_picture_is_not_walked() -> None:
    data = "data:image/png;base64," + "QUJD" * 100_000
    request = _planted(f"{ROOT}messages[].parts[].url", data)

    assert max(map(len, payload.texts_of(request))) < 100
    assert _masked(request)[0].messages[0].parts[0].url == data


def test_a_part_of_text_brings_nothing_but_its_text() -> None:
    parts = [{"kind": "text", "text": "Hej", "data": "TWV0dGU=", "url": "data:,Mette"}]
    request = _request({"messages": [{"role": "user", "content": "", "parts": parts}]})

    (part,) = _masked(request)[0].messages[0].parts

    assert (part.text, part.data, part.url) == ("Hej", None, None)


# --- on the way back ----------------------------------------------------------------------

TOOLS = [{"name": NAMED, "parameters": {"properties": {"mette_kristensen": {}}}}]
ASKED = {
    "messages": [{"role": "user", "content": "Skriv til Mette Kristensen"}],
    "tools": TOOLS,
}


def _restored(policy: MaskingPolicy, arguments: str = "") -> CompletionRestored:
    redacted, masked = _masked(_request(ASKED))
    (tool,) = redacted.tools
    (key,) = tool.model_dump()["parameters"]["properties"]
    made = json.dumps({key: "Klient_001"})
    produced = CompletionProduced.following(
        redacted,
        text="",
        finish_reason=FinishReason.TOOL_CALLS,
        model="small",
        provider="scripted",
        usage=TokenUsage(input_tokens=1, output_tokens=1),
        cost_nano=1,
        currency="EUR",
        attempts=1,
        tool_calls=(ToolCall(id="call_1", name=tool.name, arguments=arguments or made),),
    )
    return result_of(produced, Envelope(masked.mapping, "0" * 64), Rules(policy=policy))


@pytest.mark.parametrize("tools", ["any", (NAMED,)])
def test_a_function_that_the_policy_names_gets_the_real_values(
    tools: Literal["any"] | tuple[str, ...],
) -> None:
    result = _restored(MaskingPolicy(tools=tools))

    (call,) = result.tool_calls
    assert call.name == NAMED
    assert json.loads(call.arguments) == {"mette_kristensen": "Mette Kristensen"}
    assert (result.text, result.masked_tools) == ("", ())


def test_any_other_function_keeps_placeholders_and_the_caller_is_told() -> None:
    result = _restored(MaskingPolicy(tools=("other",)))

    (call,) = result.tool_calls
    assert call.name == NAMED
    assert "Klient_001" in call.arguments
    assert "Mette" not in call.arguments
    assert result.masked_tools == (NAMED,)


def test_a_call_without_placeholders_keeps_nothing_back() -> None:
    result = _restored(MaskingPolicy(), '{"ordre": "4711-A"}')

    assert result.tool_calls[0].arguments == '{"ordre": "4711-A"}'
    assert result.masked_tools == ()


def test_a_placeholder_that_stands_for_nothing_is_counted() -> None:
    assert _restored(MaskingPolicy(tools="any"), '{"a": "Klient_099"}').unresolved_count == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"first_name": "Gheorge", "last_name": "Fardal"},
        {"user": "ole", "password": "sommer-og-sol"},
        {"kunde": {"passport": "AB1234567"}},
    ],
)
def test_what_a_field_is_called_says_that_its_text_is_personal(arguments: dict[str, Any]) -> None:
    calls = [{"id": "call_1", "name": "save", "arguments": json.dumps(arguments)}]
    data = FULL | {"messages": [{"role": "assistant", "content": "", "tool_calls": calls}]}
    event = _request(data)

    masked = masker().mask(payload.texts_of(event))
    (message,) = payload.rewritten(event, masked)["messages"]

    written = message["tool_calls"][0]["arguments"]
    assert not any(word in written for word in ("Gheorge", "Fardal", "sommer", "AB123"))


@pytest.mark.parametrize("name", ["anders.hansen", "anders-hansen", "AndersHansen"])
def test_a_speaker_is_read_as_the_words_of_the_name(name: str) -> None:
    event = _request({"messages": [{"role": "user", "content": "Hej", "name": name}]})

    masked = masker().mask(payload.texts_of(event))
    (message,) = payload.rewritten(event, masked)["messages"]

    assert message["name"] == "Tekst_001"

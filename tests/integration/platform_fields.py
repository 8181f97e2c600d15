"""Requests with one letter in one field: for every place of every door where a person may write."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.integration.platform_letters import Letter

HELLO = "Hej. Hvad kan du hjælpe med?"
FUNCTION = "look_up"


@dataclass(frozen=True)
class Planted:
    """What is asked: fields as the bus has them, and the same as OpenAI's clients send them."""

    place: str
    bus: dict[str, Any] = field(repr=False)
    http: dict[str, Any] = field(repr=False)


def planted(letter: Letter) -> Iterator[Planted]:
    """Yield requests that hold the letter, or the values in it, in one field each."""
    for role in ("system", "developer", "user", "assistant"):
        turns = [{"role": role, "content": letter.text}, {"role": "user", "content": HELLO}]
        yield Planted(role, {"messages": turns}, {"messages": turns})
    dumped = [{"role": "user", "content": f"{HELLO} Data: {json.dumps({'brev': letter.text})}"}]
    yield Planted("JSON in a text", {"messages": dumped}, {"messages": dumped})
    yield from _names(letter)
    yield from _parts(letter)
    yield from _calls(letter)
    yield from _tools(letter)
    yield _asked("metadata", metadata={"sag": letter.text[:500], "navn": letter.values[0]})
    yield _asked("metadata key", metadata={letter.values[0]: "1"})


def _asked(place: str, **fields: Any) -> Planted:
    turns = [{"role": "user", "content": HELLO}]
    return Planted(place, {"messages": turns} | fields, {"messages": turns} | fields)


def _names(letter: Letter) -> Iterator[Planted]:
    turns = [{"role": "user", "content": HELLO, "name": letter.values[0]}]
    yield Planted("name", {"messages": turns}, {"messages": turns})
    asked = [{"role": "user", "content": HELLO}]
    # On the bus, a user is a token of the app's own; over HTTP people write what they want.
    yield Planted("user", {"messages": asked}, {"messages": asked, "user": letter.values[0]})


def _parts(letter: Letter) -> Iterator[Planted]:
    data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    yield Planted(
        "part",
        _turn([{"kind": "text", "text": letter.text}, {"kind": "image", "data": data}]),
        _turn(
            [
                {"type": "text", "text": letter.text},
                image,
            ],
            "content",
        ),
    )
    email = next(value for value in letter.values if "@" in value)
    address = f"https://example.com/hent?til={email}"
    yield Planted(
        "part's address",
        _turn([{"kind": "image", "url": address}]),
        _turn([{"type": "image_url", "image_url": {"url": address}}], "content"),
    )
    pdf = f"data:application/pdf;base64,{data}"
    name = f"Brev fra {letter.values[0]}.pdf"
    yield Planted(
        "part's name",
        _turn([{"kind": "file", "data": data, "media_type": "application/pdf", "name": name}]),
        _turn([{"type": "file", "file": {"file_data": pdf, "filename": name}}], "content"),
    )


def _turn(parts: list[dict[str, Any]], key: str = "parts") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "", key: parts}]}


def _calls(letter: Letter) -> Iterator[Planted]:
    full = letter.values[0]
    for place, arguments in (
        ("argument", {"brev": letter.text}),
        ("argument's name", {full: 1}),
        ("nested argument", {"sag": [{"kunde": {"navn": full}}, letter.text]}),
    ):
        yield _called(place, json.dumps(arguments), "{}")
    yield _called(
        "argument as it stands", json.dumps({"brev": letter.text}, ensure_ascii=False), ""
    )
    yield _called("cut argument", json.dumps({"brev": letter.text})[:-2], "")
    yield _called("result", "{}", letter.text)
    yield _called("result as JSON", "{}", json.dumps({"kunde": full, "brev": letter.text}))


def _called(place: str, arguments: str, result: str) -> Planted:
    call = {"name": FUNCTION, "arguments": arguments}
    asked = {"role": "user", "content": HELLO}
    answered = {"role": "tool", "tool_call_id": "call_1", "content": result}
    bus = {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1", **call}]}
    http = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
    }
    return Planted(
        place, {"messages": [asked, bus, answered]}, {"messages": [asked, http, answered]}
    )


def _tools(letter: Letter) -> Iterator[Planted]:
    full = letter.values[0]
    words = full.replace(" ", "_")
    schemas: dict[str, Callable[[], dict[str, Any]]] = {
        "description of an argument": lambda: {"properties": {"a": {"description": letter.text}}},
        "default": lambda: {"properties": {"a": {"default": letter.text}}},
        "enum": lambda: {"properties": {"a": {"enum": [full, "alle"]}}},
        "examples": lambda: {"properties": {"a": {"examples": [{"brev": letter.text}]}}},
        "property": lambda: {"properties": {words: {}}, "required": [words]},
        "own key": lambda: {"x-note": {full: letter.text}},
    }
    for place, schema in schemas.items():
        yield _offered(place, {"name": FUNCTION, "parameters": {"type": "object", **schema()}})
    yield _offered("description", {"name": FUNCTION, "description": letter.text})
    if words.isascii():
        yield _offered("function", {"name": f"ring_til_{words}"[:64]}, choice=True)


def _offered(place: str, tool: dict[str, Any], *, choice: bool = False) -> Planted:
    turns = [{"role": "user", "content": HELLO}]
    function = {"type": "function", "function": tool}
    named = {"type": "function", "function": {"name": tool["name"]}}
    return Planted(
        place,
        {"messages": turns, "tools": [tool], **({"tool_choice": tool["name"]} if choice else {})},
        {"messages": turns, "tools": [function], **({"tool_choice": named} if choice else {})},
    )

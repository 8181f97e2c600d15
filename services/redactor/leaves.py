"""Walks every text in a JSON value and puts changed texts back in the same places.

Reading and writing are the same walk with another `Pen`, so they cannot differ in their order.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

DEPTH_MAX: Final = 64
"""JSON source that is nested deeper is masked as the text that it is."""
NUMBER_DIGITS_MIN: Final = 6
"""A number with fewer digits is nobody's telephone, account or identity."""
FIELD_CHARS_MAX: Final = 200
"""A longer text speaks for itself: what its field is called says nothing of the words in it."""

_WORDS: Final = """
    $schema $id $ref $defs $anchor $comment definitions type properties required items
    prefixItems additionalProperties patternProperties propertyNames unevaluatedProperties
    unevaluatedItems contains minContains maxContains enum const default examples title description
    format pattern minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength
    minItems maxItems uniqueItems minProperties maxProperties anyOf oneOf allOf not if then else
    dependentRequired dependentSchemas dependencies nullable deprecated readOnly writeOnly
    discriminator propertyName mapping contentEncoding contentMediaType strict"""
SCHEMA_WORDS: Final = frozenset(_WORDS.split())
"""Words of JSON Schema: they are nobody's, and mean something where they stand."""
_TYPES: Final = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_NAMED: Final = frozenset(
    {"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"}
)
"""Below these stand names that somebody chose, and a schema under each."""
_NAMES: Final = frozenset({"required", "dependentRequired", "propertyName"})
_DATA: Final = frozenset({"default", "const", "examples", "enum", "mapping"})
"""Below these stand values: no word in them is one of JSON Schema."""
_IDENTIFIER: Final = re.compile(r"[\w.-]+")
_BETWEEN_WORDS: Final = re.compile(r"(?<=[^\W\d_])[_.-]+(?=\w)|(?<=[a-zæøåäöüß])(?=[A-ZÆØÅÄÖÜ])")
_ESCAPE_CHARS: Final = 2
_LETTERS: Final = re.compile(r"(?<!\\)(?:\\u[0-9a-fA-F]{4})+")
_ESCAPES: Final = re.compile(r'(?:\\u[0-9a-fA-F]{4})+|\\["\\/nt]')
_NO_WORDS: Final = re.compile(r"[^A-Za-zÀ-ÿ]*[0-9][^A-Za-zÀ-ÿ]*")


@dataclass(frozen=True, slots=True)
class Pen:
    """What happens to each text: `change` returns what stands in its place."""

    change: Callable[[str], str]
    stand_in: Callable[[str], str]
    """Returns the placeholder of a whole name."""
    in_data: bool = True
    """Whether what a field is called says whose its text is; a schema only says what may be."""

    def text(self, said: str) -> str:
        """Return a text: no name hides behind the escapes of JSON in the middle of it."""
        plain = _LETTERS.sub(_unescaped, said) if "\\u" in said else said
        changed = self.change(plain)
        return said if changed == plain else changed

    def name(self, said: str) -> str:
        """Return a name that somebody chose: as it is, or a placeholder for all of it.

        A part would not do: the person in "mail_hansen" may come back as Anders Hansen, and the
        function must have the name that it had. It is read as the words that it is made of.
        """
        spoken = _spoken(said)
        return said if self.change(spoken) == spoken else self.stand_in(said)

    def speaker(self, said: str) -> str:
        """Return what a speaker is called: "anders.hansen" is read as the words that it is."""
        return self.name(said) if _IDENTIFIER.fullmatch(said) else self.text(said)

    def said_of(self, name: str, value: str) -> str:
        """Return a value that is read behind its name: {"last_name": "Fardal"} is somebody."""
        is_field = self.in_data and len(value) <= FIELD_CHARS_MAX and value[:1] not in {"{", "["}
        if not name or not (is_field or _NO_WORDS.fullmatch(value)):
            return self.text(value)
        before = f"{_spoken(name)}: "
        changed = self.text(before + value)
        if changed.startswith(before):
            return changed.removeprefix(before)
        return changed.split(": ", before.count(": "))[-1]  # Somebody is in the name.

    def number(self, name: str, value: float) -> float | str:
        """Return a number, or what stands in its place, which is then a text."""
        written = str(value)
        if sum(sign.isdigit() for sign in written) < NUMBER_DIGITS_MIN:
            return value
        changed = self.said_of(name, written)
        return value if changed == written else changed


def _spoken(name: str) -> str:
    """Return the words of an identifier; anything else, such as an address, as it is."""
    return _BETWEEN_WORDS.sub(" ", name) if _IDENTIFIER.fullmatch(name) else name


def data(value: Json, pen: Pen, name: str = "") -> Json:
    """Return `value` with every string, number and key changed; `name` is what it is called."""
    if isinstance(value, str):
        return pen.said_of(name, value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return pen.number(name, value)
    if isinstance(value, Mapping):
        return _mapping((pen.name(key), data(inner, pen, key)) for key, inner in value.items())
    return [data(inner, pen, name) for inner in value]


def schema(value: Json, pen: Pen, name: str = "") -> Json:
    """Return a JSON Schema with every string and every chosen key changed; its words stay."""
    pen = replace(pen, in_data=False) if pen.in_data else pen
    if not isinstance(value, Mapping):
        return data(value, pen, name)
    return _mapping(_schema_item(key, inner, pen, name) for key, inner in value.items())


def _schema_item(key: str, inner: Json, pen: Pen, name: str) -> tuple[str, Json]:
    if key not in SCHEMA_WORDS:
        return pen.name(key), schema(inner, pen, key)
    changed: Json
    if key in _NAMED and isinstance(inner, Mapping):
        changed = _mapping((pen.name(one), schema(of, pen, one)) for one, of in inner.items())
    elif key in _NAMES:
        changed = _names(inner, pen)
    elif key == "$ref" and isinstance(inner, str):
        changed = "/".join(map(pen.name, inner.split("/")))
    elif key == "type":
        changed = _type(inner, pen)
    elif key in _DATA:
        changed = data(inner, pen, name)
    elif isinstance(inner, Sequence) and not isinstance(inner, str):
        changed = [schema(one, pen, name) for one in inner]
    else:
        changed = schema(inner, pen, name)
    return key, changed


def _names(value: Json, pen: Pen) -> Json:
    if isinstance(value, str):
        return pen.name(value)
    if isinstance(value, Mapping):
        return _mapping((pen.name(name), _names(one, pen)) for name, one in value.items())
    return [_names(one, pen) for one in value] if isinstance(value, Sequence) else value


def _type(value: Json, pen: Pen) -> Json:
    if isinstance(value, str):
        return value if value in _TYPES else pen.change(value)
    return [_type(one, pen) for one in value] if isinstance(value, Sequence) else schema(value, pen)


def source(text: str, pen: Pen) -> str:
    """Return JSON source text with every string and key changed; what is unchanged stays as it is.

    What is no JSON, or only a part of some, is changed as a text, without its escapes.
    """
    try:
        value = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        return _broken(text, pen)
    if _is_deeper_than(value, DEPTH_MAX):
        return _broken(text, pen)
    changed = data(value, pen)
    if changed == value:
        return text
    # In ASCII where it was written so: half a surrogate pair can only be sent like that.
    return json.dumps(changed, ensure_ascii="\\u" in text)


def _broken(text: str, pen: Pen) -> str:
    """Return what is no JSON, changed: no name hides behind its escapes all the same."""
    plain = _ESCAPES.sub(_unescaped, text)
    changed = pen.change(plain)
    return text if changed == plain else changed


def _unescaped(match: re.Match[str]) -> str:
    read = str(json.loads(f'"{match.group()}"'))
    is_sign = len(match.group()) > _ESCAPE_CHARS and not {'"', "\\"}.isdisjoint(read)
    return match.group() if is_sign or not (read.isprintable() or read in "\n\t") else read


def _without_doubles(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    read = dict(pairs)
    if len(read) < len(pairs):  # The first of two would be seen by nobody here.
        raise ValueError("a key stands twice")
    return read


def _is_deeper_than(value: Json, levels: int) -> bool:
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        return False
    inner = value.values() if isinstance(value, Mapping) else value
    return levels == 0 or any(_is_deeper_than(one, levels - 1) for one in inner)


def _mapping(items: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """Return a mapping that loses nothing if two keys have become one."""
    out: dict[str, Json] = {}
    for key, inner in items:
        name = key
        while name in out:
            name += "_"
        out[name] = inner
    return out

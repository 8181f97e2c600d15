"""The type of a field as a person reads it: `Token`, `integer ≥ 0`, `list of Message`."""

from typing import Any, Final

from shared.contracts import values
from shared.contracts.documents.schemas import Schema

ANY_JSON: Final = "JsonValue"
"""pydantic's own name for a value that may be anything that JSON can hold."""
PATTERN_NAMES: Final[dict[str, str]] = {
    constraint.pattern: name
    for name, alias in vars(values).items()
    for constraint in getattr(alias, "__metadata__", ())
    if getattr(constraint, "pattern", None)
}
_FORMATS: Final = {"uuid": "UUID", "date-time": "time"}
_BOUNDS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "maxProperties": "at most {} entries",
}


def type_text(field: Schema) -> str:
    """Return what a field may hold, in a few words."""
    if "$ref" in field:
        name = str(field["$ref"]).rsplit("/", 1)[-1]
        if name == ANY_JSON:
            return "any JSON"
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        shown = [type_text(each) for each in field["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(shown))
    bounds = [words.format(field[key]) for key, words in _BOUNDS.items() if key in field]
    return ", ".join([_plain(field), *bounds])


def _plain(field: Schema) -> str:
    kind: Any = field.get("type", "any JSON")
    if kind == "string":
        return PATTERN_NAMES.get(
            field.get("pattern", ""), _FORMATS.get(field.get("format", ""), "text")
        )
    if kind == "array":
        return f"list of {type_text(field.get('items', {}))}"
    if kind == "object":
        pairs: dict[str, Schema] = field.get("patternProperties", {})
        if isinstance(field.get("additionalProperties"), dict):
            pairs = {"": field["additionalProperties"]}
        shown = [
            f"{PATTERN_NAMES.get(key, 'text')} to {type_text(value)}"
            for key, value in pairs.items()
        ]
        return f"map of {' and '.join(shown)}" if shown else "map"
    return {"boolean": "yes or no"}.get(kind, str(kind))

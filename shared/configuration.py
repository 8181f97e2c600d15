"""Reading a configuration file that people write: what is wrong in it is said in one sentence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.contracts.event import broken_rules

Shape = TypeVar("Shape", bound=BaseModel)

# libyaml's where it is there: 120 kB take 0.35 s in Python, and a service would stand still.
_SAFE: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ConfigError(ValueError):
    """A file that cannot be used; the text is one sentence that says where and why."""


def read_text(file: Path) -> str:
    """Return a file's text. Raises `ConfigError`."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{file} cannot be read: {reason}.") from None


def parse_yaml(text: str, shape: type[Shape], file: str) -> Shape:
    """Return what a document says. Raises `ConfigError`, which names places and never values."""
    try:
        content = yaml.load(text, Loader=_SAFE)  # noqa: S506  Both of them are the safe one.
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # A date may be none.
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{file} is not valid YAML{line}.") from None
    if not isinstance(content, Mapping):
        raise ConfigError(f"{file} is empty or a list: it must have named sections.")
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        reason = broken_rules(error).removeprefix("the message breaks its contract at ")
        raise ConfigError(f"{file} breaks its rules at {reason}.") from None

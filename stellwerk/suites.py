"""Reads a suite: the cases that models are compared on, shipped with Stellwerk or from a file."""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.configuration import ConfigError, parse_yaml
from shared.contracts.evaluations import RUNS_MAX
from shared.contracts.requests import OUTPUT_TOKENS_MAX
from shared.contracts.values import Language, Token
from stellwerk.errors import BadInput

SUITE_BYTES_MAX: Final = 4 * 1024**2
PROMPT_CHARS_MAX: Final = 100_000
_ENDING: Final = ".yaml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Expectation(_Part):
    """What a right answer is like, in the words of the metrics `answer_language` and `_length`."""

    language: Token | None = None
    length: Token | None = None


class Case(_Part):
    """One thing that every model is asked."""

    id: Token
    task: Token | None = None
    expects: Expectation = Expectation()
    prompt: str = Field(min_length=1, max_length=PROMPT_CHARS_MAX, repr=False)


class Suite(_Part):
    """A file of cases; raise `version` with every change, since its hash changes too."""

    name: Token
    version: int = Field(ge=1)
    language: Language
    licence: str = Field(min_length=1, max_length=100)
    note: str = Field(default="", max_length=1_000, repr=False)
    max_tokens: int | None = Field(default=None, ge=1, le=OUTPUT_TOKENS_MAX)
    cases: tuple[Case, ...] = Field(min_length=1, max_length=RUNS_MAX)

    @model_validator(mode="after")
    def _each_case_has_a_name_of_its_own(self) -> Self:
        if len({case.id for case in self.cases}) < len(self.cases):
            raise PydanticCustomError("an_id_stands_twice", "two cases have the same id")
        return self


@dataclass(frozen=True, slots=True)
class Loaded:
    """A suite, the name or file that it was asked for by, and the SHA-256 of its file."""

    suite: Suite
    origin: str
    sha256: str


def shipped() -> list[str]:
    """Return the names of the suites that come with Stellwerk."""
    return sorted(file.stem for file in _folder().glob(f"*{_ENDING}"))


def load(name_or_file: str) -> Loaded:
    """Return a suite by its shipped name or from a file; raise `BadInput` in one sentence."""
    is_shipped = name_or_file in shipped()
    file = _folder() / f"{name_or_file}{_ENDING}" if is_shipped else Path(name_or_file)
    content = _read(file, name_or_file)
    try:
        suite = parse_yaml(content.decode("utf-8"), Suite, name_or_file)
    except UnicodeDecodeError:
        raise BadInput(f"{name_or_file} is not UTF-8 text. Convert it and try again.") from None
    except ConfigError as error:
        raise BadInput(f"{error} docs/how-to/add-a-suite.md shows a whole one.") from None
    return Loaded(suite, name_or_file, sha256(content).hexdigest())


def _folder() -> Path:
    return Path(str(files("services"))) / "evals" / "suites"


def _read(file: Path, name: str) -> bytes:
    try:
        if file.stat().st_size > SUITE_BYTES_MAX:
            raise BadInput(f"{name} is larger than {SUITE_BYTES_MAX:,} bytes. Split it.")
        return file.read_bytes()
    except FileNotFoundError:
        raise BadInput(
            f"There is no suite {name}. Shipped: {', '.join(shipped())}; or name a file."
        ) from None
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {type(error).__name__}.") from None

"""What a dialect is: how callers of one provider's API ask, and how they are answered.

A dialect reads a body into a request of the bus and writes answers and errors in the form that its
clients expect. It does no I/O and knows no key; the door does all that, once, for all dialects.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from pydantic import ValidationError

from services.gateway.domain import pseudonym
from services.gateway.errors import Problem
from shared.contracts.errors import ErrorCode
from shared.contracts.requests import RequestSubmitted
from shared.contracts.values import now
from stellwerk.answer import Answer

_HEADER_FIELDS: Final = {
    b"x-stellwerk-use-case": "use_case",
    b"x-stellwerk-task": "task",
    b"x-stellwerk-case-id": "case_id",
    b"x-stellwerk-conversation-id": "conversation_id",
    b"x-stellwerk-sensitivity": "sensitivity",
    b"x-stellwerk-embedding-purpose": "embedding_purpose",
    b"x-stellwerk-timeout-ms": "timeout_ms",
}
_FIELD_HEADERS: Final = {name: header.decode() for header, name in _HEADER_FIELDS.items()}
_SHOWN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class Operation(StrEnum):
    """What a route does."""

    ASK = "ask"
    MODELS = "models"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Route:
    """One address; a path that ends in a slash takes what follows as a name."""

    method: str
    path: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Offered:
    """One model that callers may name."""

    name: str
    owner: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A body with all that the door knows about who sent it."""

    body: bytes = field(repr=False)
    headers: Mapping[bytes, bytes] = field(repr=False)
    tenant: str
    app: str
    request_id: UUID
    pseudonym_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks for, and how it wants to be told."""

    request: RequestSubmitted
    include_usage: bool = False


class StreamWriter(Protocol):
    """Writes one streamed answer as the events that a client expects."""

    def text(self, piece: str) -> bytes:
        """Return the next piece of the answer."""

    def end(self, answer: Answer) -> bytes:
        """Return what tells that the answer is whole."""

    def failed(self, problem: Problem) -> bytes:
        """Return what tells that it is not, and why; nothing that looks like an end."""


class Dialect(Protocol):
    """A module of this folder."""

    NAME: str
    ROUTES: Sequence[Route]
    REQUEST_ID_HEADER: bytes

    def read(self, incoming: Incoming) -> Wanted:
        """Return what a body asks for; raise `Problem` naming the parameter that is wrong."""

    def problem(self, problem: Problem, request_id: UUID) -> bytes:
        """Return the body of an error."""

    def answer(self, wanted: Wanted, answer: Answer, created: int) -> bytes:
        """Return the body of a whole answer."""

    def stream(self, wanted: Wanted, created: int) -> StreamWriter: ...

    def models(self, offered: Sequence[Offered]) -> bytes: ...

    def model(self, offered: Offered) -> bytes: ...


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; raise `Problem`."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        sentence = "The body is not valid JSON in UTF-8. Correct it and send it again."
        raise Problem(ErrorCode.INVALID_REQUEST, sentence) from None
    if not isinstance(found, dict):
        sentence = "The body is not a JSON object. Send the parameters as one object."
        raise Problem(ErrorCode.INVALID_REQUEST, sentence)
    return found


def unsupported(param: str) -> Problem:
    """Return the refusal of a parameter that would change the answer and is not offered."""
    shown = param if _SHOWN.fullmatch(param) else None
    named = f"`{shown}`" if shown else "A parameter of the request"
    sentence = f"{named} is not offered here, or not with this value. Leave it out."
    return Problem(ErrorCode.UNSUPPORTED, sentence, param=shown)


def invalid(param: str, rule: str) -> Problem:
    """Return the refusal of a parameter that breaks a rule; `rule` holds no value."""
    return Problem(ErrorCode.INVALID_REQUEST, f"`{param}`: {rule}.", param=param)


def submitted(
    incoming: Incoming, fields: Mapping[str, Any], names: Mapping[str, str]
) -> RequestSubmitted:
    """Return the request for the bus; `names` says what the dialect calls a field of ours.

    Raises `Problem` that names the parameter, or the header, and the rule.
    """
    said: dict[str, Any] = dict(fields)
    user = said.get("user")
    if isinstance(user, str):
        said["user"] = pseudonym(incoming.pseudonym_key, incoming.tenant, user)
    for header, name in _HEADER_FIELDS.items():
        value = incoming.headers.get(header)
        if value is not None:
            said[name] = value.decode("latin-1")
    # The request's id is the message id: the bus drops a second one.
    said |= {"id": incoming.request_id, "request_id": incoming.request_id, "time": now()}
    said |= {"tenant": incoming.tenant, "app": incoming.app}
    try:
        return RequestSubmitted.model_validate(said)
    except ValidationError as error:
        raise _broken(error, names) from None


def _broken(error: ValidationError, names: Mapping[str, str]) -> Problem:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field_name, *below = [str(part) for part in first["loc"]]
    name = _FIELD_HEADERS.get(field_name) or names.get(field_name, field_name)
    # What stands below metadata and parameters are keys that people choose.
    if "parameters" in below:
        below = below[: below.index("parameters") + 1]
    place = [name] if field_name == "metadata" else [name, *below]
    return invalid(".".join(place), first["msg"])

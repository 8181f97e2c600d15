"""Reads the id of a request as it was typed."""

from typing import Annotated
from uuid import UUID

import typer

from stellwerk.errors import BadInput

RequestId = Annotated[str, typer.Argument(help="The request's id, as `stellwerk ask` prints it.")]


def request_id_of(text: str) -> UUID:
    """Return the id; raise `BadInput` if it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(
            "That is no request id. `stellwerk ask` prints it, and every answer holds it: "
            "a UUID such as 01977c0e-0000-7000-8000-000000000000."
        ) from None

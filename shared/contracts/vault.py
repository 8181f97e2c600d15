"""What the redactor keeps of people beyond one request: looked up, erased, sealed with new keys."""

from typing import Annotated, ClassVar, Final

from pydantic import Field, StringConstraints

from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event
from shared.contracts.values import Hex64, Token

VALUES_MAX: Final = 16
HASHES_MAX: Final = 256

Value = Annotated[str, StringConstraints(min_length=1, max_length=512)]
"""A name, an address, a number: whatever may have been masked."""


class SubjectLookup(Command):
    """Ask under which keyed hashes values of one person are recorded."""

    service: ClassVar[str] = "redactor"
    verb: ClassVar[str] = "lookup"

    tenant: Token = "default"
    values: tuple[Value, ...] = Field(min_length=1, max_length=VALUES_MAX, repr=False)


class LookupReply(Reply):
    """The hashes that the record has in `subjects`, and what the vault holds under them."""

    hmacs: tuple[Hex64, ...] = Field(default=(), max_length=HASHES_MAX)
    entries: int = Field(default=0, ge=0)
    scopes: int = Field(default=0, ge=0)


class SubjectErase(Command):
    """Destroy the keys of everything that the vault holds under values of one person.

    With `whole_scopes`, also of everything else in the cases and conversations that hold them.
    """

    service: ClassVar[str] = "redactor"
    verb: ClassVar[str] = "subject-erase"

    tenant: Token = "default"
    values: tuple[Value, ...] = Field(min_length=1, max_length=VALUES_MAX, repr=False)
    whole_scopes: bool = False


class EraseReply(Reply):
    """How many entries were destroyed, in how many cases and conversations."""

    entries: int = Field(default=0, ge=0)
    scopes: int = Field(default=0, ge=0)


class SubjectErased(Event):
    """The keys of what the vault held of one person are destroyed: nobody can restore it."""

    kind: ClassVar[str] = "vault.subject_erased"

    actor: Token
    reason: Token
    entries: int = Field(ge=0)
    scopes: int = Field(ge=0)
    hmacs: tuple[Hex64, ...] = Field(default=(), max_length=HASHES_MAX)
    """Under which other records name this person."""


class VaultRotate(Command):
    """Seal all keys of a tenant's vault under a new one, and destroy the old one."""

    service: ClassVar[str] = "redactor"
    verb: ClassVar[str] = "vault-rotate"

    tenant: Token = "default"


class RotateReply(Reply):
    """How many keys were sealed anew, and the number of the key that seals now."""

    keys: int = Field(default=0, ge=0)
    version: int = Field(default=0, ge=0)

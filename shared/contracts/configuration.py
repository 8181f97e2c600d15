"""The applied configuration: its documents, its versions, and how a new one is put in force."""

from enum import StrEnum
from typing import ClassVar, Final

from pydantic import AwareDatetime, Field, field_validator

from shared.contracts.commands import Command, Reply
from shared.contracts.event import Event, Record
from shared.contracts.values import Token, Version

DOCUMENT_BYTES_MAX: Final = 128 * 1024


class Document(StrEnum):
    """The files that people write; together they are one version."""

    MODELS = "models.yaml"
    POLICY = "policy.yaml"
    BUDGETS = "budgets.yaml"


class ConfigurationVersion(Record):
    """One version in force: `number` grows by one, `version` names its content.

    The documents are the text that people wrote, comments included.
    """

    version: Version
    number: int = Field(ge=1)
    documents: dict[Document, str] = Field(repr=False)

    @field_validator("documents", mode="before")
    @classmethod
    def _known(cls, stated: object) -> object:
        """Leave out documents of a newer version: they say nothing to this one."""
        known = set(Document)
        return (
            {k: v for k, v in stated.items() if k in known} if isinstance(stated, dict) else stated
        )


class ConfigApply(Command):
    """Put documents in force; those that are left out stay as they are.

    With `expected` it is refused as a `conflict` unless that version is in force.
    """

    service: ClassVar[str] = "gateway"
    verb: ClassVar[str] = "config-apply"

    documents: dict[Document, str] = Field(repr=False)
    expected: Version | None = None


class ConfigApplyReply(Reply):
    """The version in force now; `problems` says in sentences why nothing changed."""

    version: Version | None = None
    number: int = Field(default=0, ge=0)
    problems: tuple[str, ...] = Field(default=(), repr=False)


class ConfigRead(Command):
    """Ask for a version; the one in force if none is named."""

    service: ClassVar[str] = "gateway"
    verb: ClassVar[str] = "config-read"

    version: Version | None = None


class ConfigReadReply(Reply):
    """The version with its documents, who put it in force, when and why."""

    found: ConfigurationVersion | None = None
    applied_at: AwareDatetime | None = None
    actor: Token | None = None
    applied_for: Token | None = None


class ConfigPublished(Event):
    """A version was put in force."""

    kind: ClassVar[str] = "config.published"

    config_version: Version
    number: int = Field(ge=1)
    replaces: Version | None = None
    changed: tuple[Document, ...] = ()
    actor: Token
    reason: Token

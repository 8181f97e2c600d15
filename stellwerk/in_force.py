"""The configuration in force, as the command line reads it and puts another in its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Final, Self

from pydantic import ValidationError

from shared.configuration import ConfigError, parse_yaml
from shared.contracts.catalog import OPERATOR
from shared.contracts.configuration import (
    ConfigApply,
    ConfigApplyReply,
    ConfigRead,
    ConfigReadReply,
    Document,
)
from shared.contracts.stated import BudgetsDocument, ModelsDocument, PolicyDocument, problems
from stellwerk.errors import BadInput, NotFound
from stellwerk.operator import Operator
from stellwerk.output import complain, print_json
from stellwerk.platform import find_platform

_CONTEXT_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class InForce:
    """One version of the documents, as text and as what it says."""

    version: str
    documents: Mapping[Document, str]
    models: ModelsDocument
    policy: PolicyDocument

    @classmethod
    def of(cls, version: str, documents: Mapping[Document, str]) -> Self:
        """Return what documents say. Raises `ConfigError`."""
        return cls(
            version,
            documents,
            parse_yaml(documents[Document.MODELS], ModelsDocument, Document.MODELS),
            parse_yaml(documents[Document.POLICY], PolicyDocument, Document.POLICY),
        )

    def changed(self, document: Document, text: str) -> Self:
        """Return these documents with another text for one.

        Raises `BadInput`, with all that is wrong, if they cannot be in force together.
        """
        documents = {**self.documents, document: text}
        try:
            changed = type(self).of(self.version, documents)
            budgets = parse_yaml(documents[Document.BUDGETS], BudgetsDocument, Document.BUDGETS)
        except ConfigError as error:
            raise BadInput(str(error)) from None
        found = list(problems(changed.models, changed.policy, budgets))
        if found:
            raise BadInput(" ".join(found))
        return changed


async def read_configuration(version: str | None = None) -> ConfigReadReply:
    """Return a version as it was put in force; raise `NotFound` if there is none."""
    command = command_of(ConfigRead, version=version, actor=OPERATOR)
    async with Operator(find_platform()) as operator:
        reply = await operator.ask(command, ConfigReadReply)
    if reply.found is None:
        raise NotFound(
            f"No version {version} was ever in force here. `stellwerk policy show` names the last."
            if version
            else "No configuration is in force yet. `stellwerk policy apply` puts one there."
        )
    return reply


async def in_force(version: str | None = None) -> InForce:
    """Return what a version says, the one in force by default."""
    found = (await read_configuration(version)).found
    assert found is not None
    return InForce.of(found.version, found.documents)


async def put_in_force(
    documents: Mapping[Document, str], reason: str, expected: str | None
) -> ConfigApplyReply:
    """Send documents to the gateway, which puts them in force or says why not."""
    command = command_of(
        ConfigApply, documents=dict(documents), actor=OPERATOR, reason=reason, expected=expected
    )
    async with Operator(find_platform()) as operator:
        return await operator.ask(command, ConfigApplyReply)


def check_reason(reason: str) -> None:
    """Raise `BadInput` for a reason that could not be kept, before anything else is done."""
    command_of(ConfigApply, documents={}, actor=OPERATOR, reason=reason)


def told(reply: ConfigApplyReply, *, json: bool, more: Mapping[str, Any] | None = None) -> int:
    """Print how it went and return the exit code: 2 if nothing has changed because of a fault."""
    if json:
        print_json({**(more or {}), **reply.model_dump(mode="json", exclude={"id"})})
    elif reply.code is None:
        print(f"version {reply.version}, number {reply.number}, is in force")
    for problem in reply.problems:
        complain(problem)
    if reply.code is not None and not reply.problems:
        complain(
            f"Version {reply.version} is in force, another was expected. Look at it with "
            "`stellwerk policy show`, then apply your change to it."
        )
    return 0 if reply.code is None else 2


def command_of(kind: Any, **fields: object) -> Any:  # noqa: ANN401 -- whichever command is named
    """Return a command; raise `BadInput` for a reason or a version that is no token."""
    try:
        return kind(**fields)
    except ValidationError as error:
        names = ", ".join(f"--{fault['loc'][0]}" for fault in error.errors(include_input=False))
        raise BadInput(
            f"{names}: use small letters, digits and hyphens, at most 64, such as `new-price`."
        ) from None


def difference(before: str, after: str, name: str) -> str:
    """Return what a change does to a document, line by line."""
    lines = unified_diff(
        before.splitlines(), after.splitlines(), name, name, n=_CONTEXT_LINES, lineterm=""
    )
    return "\n".join(list(lines)[2:])

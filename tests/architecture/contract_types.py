"""Two import-linter contracts that are allow-lists: whatever is not named is forbidden.

import-linter's own contracts name what is forbidden, so a dependency nobody thought of
would pass; and they fail on a package that nothing imports yet.
"""

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.imports import Module


class _AllowListContract(Contract):
    """Print one line for each import that the allow-list does not name."""

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["broken"]:
            output.print_error(line)


class OnlyContract(_AllowListContract):
    """Let the sources import themselves, the standard library and `may_import`."""

    type_name = "only"

    source_modules = fields.ListField(subfield=fields.ModuleField())
    may_import = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001
        sources = [module.name for module in cast("list[Module]", self.source_modules)]
        allowed = [*sources, *cast("list[str]", self.may_import), *sys.stdlib_module_names]
        broken = [
            f"{importer} imports {imported}"
            for importer in sorted(_inside(graph, sources))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not _covers(allowed, imported)
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})


class SoleImporterContract(_AllowListContract):
    """Let nothing but `importers` import the third-party `packages`."""

    type_name = "sole_importer"

    packages = fields.ListField(subfield=fields.StringField())
    importers = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001
        importers = cast("list[str]", self.importers)
        broken = [
            f"{importer} imports {package}"
            for package in cast("list[str]", self.packages)
            if package in graph.modules
            for importer in sorted(graph.find_modules_that_directly_import(package))
            if not _covers(importers, importer)
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})


def _inside(graph: ImportGraph, packages: list[str]) -> set[str]:
    return {m for package in packages for m in (package, *graph.find_descendants(package))}


def _covers(packages: list[str], module: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)

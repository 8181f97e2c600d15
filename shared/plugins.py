"""Finds plug-ins: the modules of one folder, and those that third parties add by an entry point."""

import importlib
import pkgutil
from importlib import metadata
from types import ModuleType
from typing import Final

BASE: Final = "base"
"""The module of a plug-in folder that describes its siblings and is none itself."""


class PluginError(TypeError):
    """A plug-in lacks something; the text names the module and what is missing."""


def load(package: str, contract: type, group: str | None = None) -> list[ModuleType]:
    """Return every module of `package` and of the entry-point `group`, sorted by name.

    Each must have all names that `contract`, a Protocol, asks for. Raises `PluginError` for one
    that does not: a half plug-in must stop the start, not the first request.
    """
    folder = importlib.import_module(package)
    names = [found.name for found in pkgutil.iter_modules(folder.__path__) if found.name != BASE]
    modules = [importlib.import_module(f"{package}.{name}") for name in sorted(names)]
    if group is not None:
        points = sorted(metadata.entry_points(group=group), key=lambda point: point.name)
        modules += [point.load() for point in points]
    for module in modules:
        _check(module, contract)
    return modules


def _check(module: ModuleType, contract: type) -> None:
    wanted = set(contract.__annotations__)
    wanted |= {name for name in vars(contract) if not name.startswith("_")}
    missing = sorted(name for name in wanted if not hasattr(module, name))
    if missing:
        raise PluginError(
            f"plug-in {module.__name__} has no {', '.join(missing)}; see {contract.__module__}"
        )

"""Every service has the same file names.

Who knows one service knows them all. A module with a name of its own is allowed when the job
is real and no usual file is its home: `EXTRA` names each one, with the reason.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tests.architecture.source import Rule, SourceTree

USUAL: Final = frozenset(
    {"__init__.py", "__main__.py", "settings.py", "handlers.py", "domain.py", "store.py"}
    | {"tables.py", "errors.py", "README.md"},
)
FOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "redactor": frozenset({"recognisers"}),
    "router": frozenset({"providers", "strategies"}),
    "evals": frozenset({"metrics", "suites"}),
    "watch": frozenset({"rules"}),
    "audit": frozenset({"reports"}),
    "console": frozenset({"pages"}),
}
EVERYWHERE: Final = frozenset({"migrations", "views"})
EXTRA: Final[Mapping[str, str]] = {}
PLACE: Final = re.compile(r"services/([a-z]+)/([^/]+)(/.*)?")


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each file or folder of a service that no other service would have."""
    for file in tree.files:
        if place := PLACE.fullmatch(file.path):
            service, name, below = place.groups()
            usual = EVERYWHERE | FOLDERS.get(service, frozenset()) if below else USUAL
            if name not in usual and f"services/{service}/{name}" not in EXTRA:
                yield f"{file.path} has a name of its own: use a usual one, or state why here"


RULE = Rule(
    check,
    broken=(
        {"services/router/routing_logic.py": ""},
        {"services/billing/recognisers/iban.py": ""},
        {"services/billing/notes.txt": ""},
    ),
    kept=(
        {"services/billing/store.py": "", "services/billing/views/usage_daily_v1.sql": ""},
        {"services/redactor/recognisers/iban.py": "", "services/__init__.py": ""},
    ),
)

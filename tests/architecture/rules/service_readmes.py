"""Every service has a README.md with the same four headings.

Nouns, Ownership, Flows, Failure: whoever is called at night reads the last one first, and
must not have to learn a new layout for each service.
"""

from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

HEADINGS: Final = ("nouns", "ownership", "flows", "failure")


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each service without a README.md and each heading that is missing."""
    texts = {file.path: file.text for file in tree.files}
    services = {file.folders[1] for file in tree.python("services/") if len(file.folders) > 1}
    for service in sorted(services):
        path = f"services/{service}/README.md"
        headings = [
            line.removeprefix("## ").lower()
            for line in texts.get(path, "").splitlines()
            if line.startswith("## ")
        ]
        for wanted in HEADINGS:
            if not any(heading.startswith(wanted) for heading in headings):
                yield f"{path} has no heading {wanted.title()!r}"


_MAIN: Final = {"services/router/__main__.py": ""}
RULE = Rule(
    check,
    broken=(
        _MAIN,
        _MAIN | {"services/router/README.md": "# router\n## Nouns\n## Ownership\n## Flows\n"},
    ),
    kept=(
        _MAIN
        | {
            "services/router/README.md": "# router\n## Nouns\n## Ownership\n## Flows\n"
            "## Failure behaviour\n",
        },
    ),
)

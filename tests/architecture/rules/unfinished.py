"""No tracked file carries a note to finish something later.

Such a note is a promise to nobody. What is missing belongs into an issue, where it has an
owner; what is deliberate belongs into a comment that says why.
"""

import re
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

# The pattern is written so that it does not match itself.
NOTE: Final = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b")


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each line with such a note."""
    for file in tree.files:
        for number, line in enumerate(file.text.splitlines(), start=1):
            if NOTE.search(line):
                yield f"{file.path}:{number} leaves something for later: file an issue"


RULE = Rule(
    check,
    broken=(
        {"services/router/domain.py": "# TO" + "DO: retry\n"},
        {"README.md": "FIX" + "ME\n"},
    ),
    kept=({"README.md": "A todo list is an invented example.\n"},),
)

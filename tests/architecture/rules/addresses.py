"""No tracked file names a package index or a place on somebody's machine.

Where packages come from is each machine's own matter: an address in the history sends every
clone to it, whoever owns it by then. A path from one person's disk works nowhere else.
"""

import re
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

# The patterns are written so that they do not match themselves.
INDEX: Final = re.compile(
    r"pypi[.]org|python[h]osted[.]org|registry[.]npm[j]s|deb[.]debian[.]org"
    r"|(?<![\w-])--(extra-)?index-url|(?<![\w-])--find[-]links|proxy[.]golang",
)
MACHINE: Final = re.compile(r"(?<![\w.~-])/(work|root|home|Users)/[\w.]")


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each line that holds such an address."""
    for file in tree.files:
        for number, line in enumerate(file.text.splitlines(), start=1):
            for pattern, what in ((INDEX, "a package index"), (MACHINE, "a machine's path")):
                if pattern.search(line):
                    yield f"{file.path}:{number} names {what}"


RULE = Rule(
    check,
    broken=(
        {"requirements.lock": "--index-" + "url https://packages.example\n"},
        {"Makefile": "pip install --find-" + "links wheels x\n"},
        {"README.md": "see https://pypi." + "org/project/x\n"},
        {"docs/setup.md": "cd /ho" + "me/anna/stellwerk\n"},
        {"tests/unit/test_x.py": "DATA = '/ro" + "ot/wheels'\n"},
    ),
    kept=(
        {"Makefile": "uv pip compile --no-emit-index-url --no-emit-find-links\n"},
        {"deploy/images/Dockerfile": "COPY . /opt/stellwerk\n"},
        {"docs/setup.md": "docs/wo" + "rk/flow.md and https://example.com/wo" + "rk/x\n"},
    ),
)

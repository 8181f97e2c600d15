"""No tracked file holds a key that opens something.

A secret in the history is public for ever; removing the line later does not take it back.
"""

import re
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Rule, SourceTree

SECRET: Final = re.compile(
    r"\bS[UAOCNX][A-Z2-7]{56}\b"  # a NATS seed
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bsk-[A-Za-z0-9_-]{32,}"  # a model provider's key
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b",
)


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each line that holds such a key, without repeating it."""
    for file in tree.files:
        for number, line in enumerate(file.text.splitlines(), start=1):
            if SECRET.search(line):
                yield f"{file.path}:{number} holds a key: withdraw it, then remove it"


RULE = Rule(
    check,
    broken=(
        {"deploy/local/nats.conf": "SU" + "A" * 56 + "\n"},
        {"config/models.yaml": "key: sk-" + "a1" * 20 + "\n"},
        {"tests/unit/key.pem": "-----BEGIN EC PRIVATE " + "KEY-----\n"},
    ),
    kept=({"config/models.yaml": "key_file: sk-key-file\n"},),
)

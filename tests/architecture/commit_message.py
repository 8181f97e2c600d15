"""The form of a commit message: an area, what it does, and a body apart from it.

`python -m tests.architecture.commit_message FILE` refuses a message with a sentence for each
fault; git runs it through the commit-msg hook.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SUBJECT: Final = re.compile(r"[a-z][a-z0-9/_.-]*: \S.*[^.\s]")
MADE_BY_GIT: Final = ("Merge ", "Revert ", "fixup! ", "squash! ")
SUBJECT_MAX: Final = 72


def faults(message: str) -> Iterator[str]:
    """Yield what is wrong with a message; lines that begin with # are git's own."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject = lines[0] if lines else ""
    if subject.startswith(MADE_BY_GIT):
        return
    if not SUBJECT.fullmatch(subject):
        yield "the first line must be 'area: what it does', without a full stop"
    if len(subject) > SUBJECT_MAX:
        yield f"the first line has {len(subject)} characters; at most {SUBJECT_MAX}"
    if len(lines) > 1 and lines[1].strip():
        yield "the second line must be empty; the body says why"


if __name__ == "__main__":
    found = list(faults(Path(sys.argv[1]).read_text()))
    sys.exit("\n".join(found) or 0)

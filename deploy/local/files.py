"""Writes files that are either whole or absent, and readable by their owner only."""

import os
import tempfile
from pathlib import Path

OWNER_ONLY_FILE = 0o600
OWNER_ONLY_FOLDER = 0o700


def private_folder(folder: Path) -> Path:
    """Create a folder that only its owner can enter, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(OWNER_ONLY_FOLDER)
    return folder


def write_atomically(file: Path, text: str) -> None:
    """Replace a file in one step; a crash leaves the old content or the new, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp creates the file with mode 0600, so that no other user ever sees its content.
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as output:
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

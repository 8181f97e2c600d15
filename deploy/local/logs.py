"""Keeps the logs of a platform from filling the disk."""

import shutil
from pathlib import Path
from typing import Final

BYTES_MAX: Final = 20 * 1024 * 1024


def keep_small(folder: Path, bytes_max: int = BYTES_MAX) -> None:
    """Move the content of each log that has grown too large to one older file beside it."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > bytes_max:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            # Processes append, so they go on at the new end. What is written between the two
            # steps is lost: logs hold no fact that is not elsewhere.
            with log.open("r+b") as opened:
                opened.truncate(0)

"""Logs as JSON lines: an event's name, ids and numbers, never text from people."""

import json
import logging
import sys
import traceback
from typing import Final

from opentelemetry import trace

_FRAMES_MAX: Final = 6


class JsonLines(logging.Formatter):
    """Writes one JSON object a line; `extra={"facts": {...}}` adds fields."""

    def __init__(self, service: str, replica: str) -> None:
        super().__init__()
        self._writer = {"service": service, "replica": replica}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Of an exception only type and place stay: its text may be personal."""
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **self._writer,
            **getattr(record, "facts", {}),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = f"{context.trace_id:032x}"
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])[-_FRAMES_MAX:]
            line["exception"] = record.exc_info[0].__name__
            line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, default=str)


def log_as(service: str, replica: str, level: int = logging.INFO) -> None:
    """Send this process's log to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service, replica))
    logging.basicConfig(level=level, handlers=[handler], force=True)

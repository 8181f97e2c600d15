"""The body of `stellwerk redact`: masks text right here, without a bus or a platform.

The one command that imports a service: it shows what the redactor would do, so it must be the
redactor's own code.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final, TextIO

from services.redactor.detection import Detector
from services.redactor.domain import Masked, Masker
from shared.contracts.values import Language
from stellwerk.errors import BadInput

LINE_CHARS_MAX: Final = 1_000_000
_LANGUAGES: Final = frozenset(Language) - {Language.UNDETERMINED}


def redact_text(text: str, language: str | None = None) -> dict[str, Any]:
    """Return `masked` and `spans` of one text; offsets count characters of the text as given."""
    masked = _masker().mask([text], language)
    return {"masked": masked.texts[0], "spans": _spans(masked)}


def redact_lines(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield `id`, `masked` and `spans` for every line of JSON with `id`, `text` and maybe `lang`.

    Raises `BadInput` at the first bad line. It names the line's number and the rule, never what
    stands there.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            row = _row(number, line)
            yield {"id": row["id"], **redact_text(row["text"], row.get("lang"))}


def redact_command(text: str | None, *, jsonl: bool, source: TextIO, target: TextIO) -> int:
    """Run the command and return its exit code: 0, or 2 for input that cannot be read.

    `text` is what was typed; `-` or None reads `source`. With `jsonl` every line goes out as soon
    as it is masked; without it the masked text goes out alone.
    """
    try:
        if jsonl:
            rows = (json.dumps(row, ensure_ascii=False) for row in redact_lines(source))
            target.writelines(f"{row}\n" for row in rows)
        else:
            given = source.read() if text in {None, "-"} else text
            masked = redact_text(given or "")["masked"]
            target.write(masked if masked.endswith("\n") else masked + "\n")
    except UnicodeDecodeError:
        sys.stderr.write("the input is not UTF-8 text; convert it and try again\n")
        return BAD_INPUT
    except BadInput as error:
        target.flush()
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    return 0


BAD_INPUT: Final = 2


@cache
def _masker() -> Masker:
    return Masker(Detector.shipped())


def _row(number: int, line: str) -> dict[str, Any]:
    if len(line) > LINE_CHARS_MAX:
        raise BadInput(f"line {number}: longer than {LINE_CHARS_MAX} characters")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise BadInput(f"line {number}: not JSON") from None
    if not isinstance(row, dict):
        raise BadInput(f'line {number}: not an object; expected {{"id", "text"[, "lang"]}}')
    for name in ("id", "text"):
        if not isinstance(row.get(name), str):
            raise BadInput(f'line {number}: "{name}" is missing or is no string')
    if row.get("lang") is not None and row["lang"] not in _LANGUAGES:
        raise BadInput(f'line {number}: "lang" must be one of {", ".join(sorted(_LANGUAGES))}')
    return row


def _spans(masked: Masked) -> list[dict[str, Any]]:
    return [
        {
            "start": find.start,
            "end": find.end,
            "type": find.type,
            "placeholder": find.placeholder,
        }
        for find in masked.finds[0]
    ]

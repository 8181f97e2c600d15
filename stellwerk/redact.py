"""The body of `stellwerk redact`: masks and judges text right here, without a bus or a platform.

The one command that imports a service: it shows what the redactor would do, so it must be the
redactor's own code.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, TextIO

from services.redactor.classification import classify
from services.redactor.detection import Detector
from services.redactor.dictionaries import Dictionaries
from services.redactor.domain import Masked, Masker
from services.redactor.policy import Rules, masking_in
from shared.configuration import ConfigError, read_text
from shared.contracts.requests import Message, RequestSubmitted, Role
from shared.contracts.values import Language, new_id, now
from stellwerk.errors import BadInput

BAD_INPUT: Final = 2
LINE_CHARS_MAX: Final = 1_000_000
TENANT: Final = "default"
_LANGUAGES: Final = frozenset(Language) - {Language.UNDETERMINED}
_DEFAULTS: Final = Rules()


def rules_of(policy: Path | None, dictionaries: Path | None, tenant: str = TENANT) -> Rules:
    """Return the rules that a policy.yaml and a folder of lists make; raise `BadInput`."""
    rules = _DEFAULTS
    try:
        if policy is not None:
            rules = Rules(policy=masking_in(read_text(policy), str(policy)))
    except ConfigError as error:
        raise BadInput(str(error)) from None
    if dictionaries is None:
        return rules
    read = Dictionaries(dictionaries)
    read.look()
    if read.remark:
        raise BadInput(read.remark)
    if tenant not in read.current:
        raise BadInput(f"{dictionaries / tenant} has no lists: see config/dictionaries/README.md.")
    return replace(rules, dictionaries=read.current).for_tenant(tenant)


def redact_text(text: str, language: str | None = None, rules: Rules = _DEFAULTS) -> dict[str, Any]:
    """Return `masked` and `spans` of one text; offsets count characters of the text as given."""
    masked = _masker().mask([text], language, rules)
    return {"masked": masked.texts[0], "spans": _spans(masked)}


def judge_text(text: str, rules: Rules = _DEFAULTS) -> dict[str, Any]:
    """Return what was masked, by which rule and how surely, and how far the text may travel."""
    masked = _masker().mask([text], rules=rules)
    asked = RequestSubmitted(
        request_id=new_id(),
        tenant=TENANT,
        app="redact",
        messages=(Message(role=Role.USER, content=text),),
    )
    classified = classify(masked, asked, rules, now().date())
    return {
        "masked": masked.texts[0],
        "language": masked.mapping.language or Language.UNDETERMINED.value,
        "sensitivity": classified.sensitivity.value,
        "reasons": list(classified.account.reasons),
        "spans": [
            {**span, "score": find.score, "detector": find.detector, "rule": find.rule}
            for span, find in zip(_spans(masked), masked.finds[0], strict=True)
        ],
    }


def redact_lines(lines: Iterable[str], rules: Rules = _DEFAULTS) -> Iterator[dict[str, Any]]:
    """Yield `id`, `masked` and `spans` for every line of JSON with `id`, `text` and maybe `lang`.

    Raises `BadInput` at the first bad line. It names the line's number and the rule, never what
    stands there.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            row = _row(number, line)
            yield {"id": row["id"], **redact_text(row["text"], row.get("lang"), rules)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be printed, and by which rules: `jsonl` and `json` are not both set."""

    jsonl: bool = False
    json: bool = False
    policy: Path | None = None
    dictionaries: Path | None = None
    tenant: str = TENANT


def redact_command(text: str | None, wanted: Wanted, source: TextIO, target: TextIO) -> int:
    """Run the command and return its exit code: 0, or 2 for input that cannot be read.

    `text` is what was typed; `-` or None reads `source`. With `jsonl` every line goes out as soon
    as it is masked; without it the masked text goes out alone.
    """
    try:
        rules = rules_of(wanted.policy, wanted.dictionaries, wanted.tenant)
        if wanted.jsonl:
            for row in redact_lines(source, rules):
                target.write(json.dumps(row, ensure_ascii=False) + "\n")
                target.flush()
            return 0
        given = source.read() if text in {None, "-"} else text or ""
        if wanted.json:
            target.write(json.dumps(judge_text(given, rules), ensure_ascii=False, indent=2) + "\n")
        else:
            masked = redact_text(given, rules=rules)["masked"]
            target.write(masked if masked.endswith("\n") else masked + "\n")
    except UnicodeDecodeError:
        sys.stderr.write("the input is not UTF-8 text; convert it and try again\n")
        return BAD_INPUT
    except BadInput as error:
        target.flush()
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    return 0


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

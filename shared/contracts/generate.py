"""Writes every document that is made from the contracts: `python -m shared.contracts.generate`.

With `--check` it writes nothing, and fails when a document is stale. It refuses to write a golden
schema that would break services which are running now.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.contracts.documents.asyncapi import asyncapi
from shared.contracts.documents.compatibility import broken_promises
from shared.contracts.documents.events import events_page
from shared.contracts.documents.map import map_page, mermaid
from shared.contracts.documents.schemas import golden_schemas
from shared.contracts.documents.yaml import yaml_text

REPOSITORY: Final = Path(__file__).resolve().parents[2]
GOLDEN_FOLDER: Final = Path("tests/contract/schemas")
README: Final = Path("README.md")
_MAP_IN_README: Final = re.compile(
    r"(?<=<!-- map: made by `make map` -->\n).*?(?=\n<!-- /map -->)", re.DOTALL
)
_YAML_HEAD: Final = "# Made from shared/contracts/ by `make map`; edit nothing here.\n"


def main(arguments: list[str]) -> int:
    """Write or check all documents; return the exit code and say each fault in one line."""
    broken = breaking_changes(REPOSITORY)
    for sentence in broken:
        sys.stderr.write(f"{sentence}\n")
    if broken:
        return 1
    stale = stale_documents(REPOSITORY)
    if arguments == ["--check"]:
        for path in stale:
            sys.stderr.write(f"{path} is stale: run `make map` and commit what it writes.\n")
        return 1 if stale else 0
    for path, text in stale.items():
        file = REPOSITORY / path
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'removed' if text is None else 'wrote'} {path}\n")
    return 0


def stale_documents(repository: Path) -> dict[Path, str | None]:
    """Return what each stale document should say; None if it should not exist."""
    wanted: Mapping[Path, str] = documents(repository)
    stale: dict[Path, str | None] = {
        path: text for path, text in wanted.items() if _read(repository / path) != text
    }
    for file in sorted((repository / GOLDEN_FOLDER).glob("*.json")):
        path = file.relative_to(repository)
        if path not in wanted:
            stale[path] = None
    return stale


def documents(repository: Path) -> dict[Path, str]:
    """Return every generated document by its path in the repository."""
    made = {
        Path("docs/map.md"): map_page(),
        Path("docs/events.md"): events_page(),
        Path("docs/asyncapi.yaml"): _YAML_HEAD + yaml_text(asyncapi()),
    }
    for stem, schema in golden_schemas().items():
        made[_golden_path(stem)] = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
    readme = _read(repository / README)
    if readme is not None:
        made[README] = _MAP_IN_README.sub(lambda _: mermaid(), readme)
    return made


def breaking_changes(repository: Path) -> list[str]:
    """Return how the contracts differ from the golden schemas beyond new optional fields."""
    sentences = []
    for stem, schema in golden_schemas().items():
        golden = _read(repository / _golden_path(stem))
        if golden is not None:
            sentences += [
                f"{_golden_path(stem)}: {fault}. Add a new version beside it instead."
                for fault in broken_promises(json.loads(golden), schema)
            ]
    return sentences


def _golden_path(stem: str) -> Path:
    return GOLDEN_FOLDER / f"{stem}.json"


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

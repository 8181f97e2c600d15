"""The embedded model is real, guarded by its key, and comes back when it is killed."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deploy.local.folder import MODELS_VARIABLE
from deploy.local.model import SMALL
from deploy.local.model_server import ModelServer, threads
from deploy.local.ports import free_port
from deploy.local.secrets import Secrets

if TYPE_CHECKING:  # Imported for real they would be loaded before pytest can rewrite asserts.
    from tests.fixtures.embedded import Embedded

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

# Half a gigabyte to fetch on a fresh machine, then seconds of one busy core.
pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    folder = tmp_path_factory.mktemp("model")
    key_file = Secrets(folder / "secrets").text_file("model-api")
    server = ModelServer(SMALL.name, small_model, free_port(), key_file, folder / "model.log")
    running = server.program().start()
    running.wait_ready(120)
    yield server
    running.stop()


def post(server: ModelServer, key: str, text: str) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": 8, "model": SMALL.name}
    request = urllib.request.Request(  # noqa: S310 -- our own server on loopback
        f"{server.address}/chat/completions",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        return dict(json.load(answer))


def test_the_model_answers_and_counts_its_tokens(server: ModelServer) -> None:
    answer = post(server, server.key_file.read_text(), "What is the capital of Denmark?")
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] > 0
    assert answer["model"] == SMALL.name


def test_without_its_key_the_model_answers_nobody(server: ModelServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        post(server, "guessed", "Hej")


def test_what_is_asked_stands_in_no_log(server: ModelServer) -> None:
    post(server, server.key_file.read_text(), "Remember the word zebrafinch")
    assert "zebrafinch" not in server.log.read_text()


def test_a_model_leaves_one_core_to_the_platform() -> None:
    assert 1 <= threads() <= max(1, (os.cpu_count() or 1) - 1)


def test_a_question_over_either_door_is_answered_by_the_embedded_model(
    make_embedded: Callable[..., "Embedded"], small_model: Path
) -> None:
    embedded = make_embedded(
        **{MODELS_VARIABLE: str(small_model.parent), "STELLWERK_LOCAL_MODELS": SMALL.name}
    )
    embedded.up()
    name = f"model-{SMALL.name}"
    embedded.wait_for(name)
    answered = embedded.run("ask", "--json", "Say good morning.")
    assert answered.returncode == 0, answered.stderr
    assert SMALL.name in answered.stdout
    for example in (EXAMPLES / "python" / "ask.py", EXAMPLES / "node" / "ask.mjs"):
        whole_and_streamed = openai_client_says(embedded, example)
        assert all(whole_and_streamed), example

    before = embedded.part(name)["pid"]
    embedded.kill(before)
    embedded.wait_for(name)
    assert embedded.part(name)["pid"] != before


def openai_client_says(embedded: "Embedded", example: Path) -> list[str]:
    """Return what one of the documented programs prints: an answer, and another one streamed."""
    found = embedded.status()
    key = Path(found["credentials"]["http"]["default.demo"]).read_text(encoding="ascii")
    told = {
        "PATH": os.environ["PATH"],
        "MODEL": SMALL.name,
        "STELLWERK_BASE_URL": f"{found['addresses']['gateway']}/v1",
        "STELLWERK_KEY": key,
    }
    program = sys.executable if example.suffix == ".py" else "node"
    ran = subprocess.run(
        [program, example], env=told, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split("\n", 1)


def test_a_platform_whose_model_cannot_be_fetched_starts_and_says_so(
    make_embedded: Callable[..., "Embedded"], tmp_path: Path
) -> None:
    embedded = make_embedded(
        **{MODELS_VARIABLE: str(tmp_path)},
        STELLWERK_LOCAL_MODELS=SMALL.name,
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS="",
        HTTPS_PROXY="http://127.0.0.1:1",
    )
    embedded.up()
    embedded.wait_until(lambda: bool(embedded.status()["notes"]))
    (note,) = embedded.status()["notes"]
    assert note.startswith(f"{SMALL.name} does not run")
    assert "stellwerk model fetch" in note
    assert embedded.status()["ready"]

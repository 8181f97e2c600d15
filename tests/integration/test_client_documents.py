"""What the documents for app developers show is run as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from stellwerk import errors
from stellwerk.asking import Options
from tests.fixtures.platform import TENANT, Platform

DOCUMENTS = Path(__file__).parents[2] / "docs" / "app-developers"


def test_the_client_in_forty_lines_gets_an_answer_with_real_values(platform: Platform) -> None:
    page = (DOCUMENTS / "raw-nats.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "NATS_URL": platform.nats.address,
            "SEED_FILE": str(platform.secrets.app_seed_file(TENANT, "crm")),
            "APP": "crm",
            "MODEL": "scripted",
        },
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Karla Eksempel" in ran.stdout


def test_every_option_of_the_client_is_documented() -> None:
    page = (DOCUMENTS / "python-client.md").read_text(encoding="utf-8")
    assert [name for name in Options.__annotations__ if f"`{name}`" not in page] == []


def test_every_error_of_the_client_is_documented() -> None:
    page = (DOCUMENTS / "python-client.md").read_text(encoding="utf-8")
    kinds = (errors.NotSent, errors.NoAnswer)
    leaves = [each.__name__ for kind in kinds for each in kind.__subclasses__()]
    assert [name for name in leaves if f"`{name}`" not in page] == []

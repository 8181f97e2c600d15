"""The command line finds the platform that `stellwerk up` started, or says how to start one."""

import json
import os
from pathlib import Path

import pytest

from stellwerk.errors import BadInput, NotRunning
from stellwerk.platform import (
    DATA_VARIABLE,
    DATABASE_VARIABLE,
    NATS_VARIABLE,
    SECRETS_VARIABLE,
    data_folder,
    find_platform,
)


def started(folder: Path) -> Path:
    state = {
        "supervisor": os.getpid(),
        "nats": {"url": "nats://127.0.0.1:4222"},
        "postgres": {"url": "postgresql://127.0.0.1:5432/stellwerk"},
    }
    (folder / "state.json").write_text(json.dumps(state))
    for name in ("apps/default.crm.seed", "apps/default.hr.seed", "database/audit.password"):
        file = folder / "secrets" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("p/w\n")
    return folder


def test_a_folder_without_a_platform_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match="stellwerk up"):
        find_platform(tmp_path)


def test_a_platform_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    state = json.loads((started(tmp_path) / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps(state | {"supervisor": 2**22 + 1}))
    with pytest.raises(NotRunning, match="has ended"):
        find_platform(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nats": 7}'])
def test_a_state_that_cannot_be_read_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(NotRunning, match="stellwerk down"):
        find_platform(tmp_path)


def test_the_data_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    assert data_folder() == Path(".stellwerk")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert find_platform(started(tmp_path)).nats_url == "nats://127.0.0.1:4222"


def test_an_app_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    platform = find_platform(started(tmp_path))
    assert platform.app_seed_file("default", "crm").is_file()
    with pytest.raises(BadInput, match="crm, hr"):
        platform.app_seed_file("default", "erp")


def test_a_service_signs_in_with_its_own_role(tmp_path: Path) -> None:
    platform = find_platform(started(tmp_path))
    url = platform.database_url("audit", "sw_audit")
    assert url == "postgresql://sw_audit:p%2Fw@127.0.0.1:5432/stellwerk"
    assert "p/w" not in repr(platform)
    with pytest.raises(NotRunning, match=r"billing\.password"):
        platform.database_url("billing", "sw_billing")


def test_a_platform_elsewhere_is_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NATS_VARIABLE, "tls://bus.example:4222")
    monkeypatch.setenv(SECRETS_VARIABLE, str(started(tmp_path) / "secrets"))
    without_a_database = find_platform()
    assert without_a_database.nats_url == "tls://bus.example:4222"
    with pytest.raises(NotRunning, match=DATABASE_VARIABLE):
        without_a_database.database_url("audit", "sw_audit")

    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://admin:secret@db.example/stellwerk?ssl=on")
    url = find_platform().database_url("audit", "sw_audit")
    assert url == "postgresql://sw_audit:p%2Fw@db.example/stellwerk?ssl=on"


def test_an_address_alone_names_no_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(started(tmp_path)))
    monkeypatch.setenv(NATS_VARIABLE, "tls://bus.example:4222")
    assert find_platform().nats_url == "nats://127.0.0.1:4222"

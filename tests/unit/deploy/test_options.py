"""What a person chose, read from flags and the environment."""

from pathlib import Path

import pytest

from deploy.local.errors import LocalError
from deploy.local.options import read_options


def test_a_flag_wins_over_the_environment(tmp_path: Path) -> None:
    chosen = read_options(
        tmp_path, None, no_model=True, environment={"STELLWERK_DATA": "elsewhere"}
    )
    assert chosen.data == tmp_path
    assert chosen.models == ()


def test_without_choices_both_models_and_the_embedded_servers_run() -> None:
    chosen = read_options(None, None, no_model=False, environment={})
    assert chosen.data == Path(".stellwerk").absolute()
    assert (chosen.config / "models.yaml").is_file()
    assert chosen.models == ("local-small", "local-default")
    assert chosen.nats_url is None
    assert chosen.database_url is None


def test_a_model_that_is_not_known_is_named() -> None:
    with pytest.raises(LocalError, match=r"huge.*local-small"):
        read_options(None, None, no_model=False, environment={"STELLWERK_LOCAL_MODELS": "huge"})


def test_a_folder_without_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=str(tmp_path)):
        read_options(None, tmp_path, no_model=True, environment={})


def test_a_database_address_is_not_shown() -> None:
    environment = {"STELLWERK_DATABASE_URL": "postgresql://admin:secret@db/x"}
    assert "secret" not in repr(read_options(None, None, no_model=True, environment=environment))

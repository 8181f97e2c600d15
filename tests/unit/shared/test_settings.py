"""A secret may stand in a file instead of the environment, as Kubernetes mounts it."""

from pathlib import Path

import pytest

from services.billing.settings import Settings

URL = "postgresql://sw_billing:only-in-tests@db.example/stellwerk"


def _as_mounted(folder: Path) -> Path:
    """Lay out a file as the kubelet does: a link to a link, so that an update is one step."""
    (folder / "..2026").mkdir(parents=True)
    (folder / "..2026" / "SW_BILLING_DATABASE_URL").write_text(f"{URL}\n")
    (folder / "..data").symlink_to("..2026")
    (folder / "SW_BILLING_DATABASE_URL").symlink_to("..data/SW_BILLING_DATABASE_URL")
    return folder


def test_a_secret_is_read_from_a_mounted_file(tmp_path: Path) -> None:
    settings = Settings(_secrets_dir=_as_mounted(tmp_path / "secrets"))
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == URL


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SW_BILLING_DATABASE_URL", "postgresql://elsewhere.example/stellwerk")
    settings = Settings(_secrets_dir=_as_mounted(tmp_path / "secrets"))
    assert settings.database_url is not None
    assert "elsewhere" in settings.database_url.get_secret_value()


def test_a_machine_without_mounted_secrets_reads_the_environment_alone() -> None:
    assert Settings().database_url is None

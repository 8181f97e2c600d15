"""What each service process is told, and what is kept from it."""

from pathlib import Path

import pytest

from deploy.local.addresses import signed_in, without_user
from deploy.local.folder import DataFolder
from deploy.local.services import (
    STOP_ORDER,
    Service,
    Surroundings,
    dictionaries_of,
    passed_on,
    program_of,
)
from shared.contracts.catalog import SERVICES

OURS = {
    "PATH": "/bin",
    "EXAMPLE_PROVIDER_KEY": "for the router",
    "SW_REDACTOR_STREAMS_MAX": "8",
    "SW_BILLING_EXPIRY_SWEEP_S": "1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    "STELLWERK_DATABASE_URL": "postgresql://admin:secret@127.0.0.1/x",
}


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "router"])
def test_a_service_sees_its_own_settings_and_no_one_elses_secrets(name: str) -> None:
    seen = passed_on(Service(name, {}), OURS)
    assert "EXAMPLE_PROVIDER_KEY" not in seen
    assert "STELLWERK_DATABASE_URL" not in seen
    assert ("SW_REDACTOR_STREAMS_MAX" in seen) == (name == "redactor")
    assert seen["OTEL_EXPORTER_OTLP_ENDPOINT"]


def test_the_router_sees_the_keys_of_providers_and_nothing_of_the_platforms_own() -> None:
    seen = passed_on(Service("router", {}), OURS)
    assert seen["EXAMPLE_PROVIDER_KEY"] == "for the router"
    assert "STELLWERK_DATABASE_URL" not in seen
    assert "SW_REDACTOR_STREAMS_MAX" not in seen


def test_settings_reach_a_service_under_its_own_prefix(tmp_path: Path) -> None:
    told = Surroundings("nats://127.0.0.1:4222", tmp_path / "seed", "postgresql://x", 8123)
    service = Service("billing", {"CONFIG_FOLDER": "config"})
    program = program_of(service, told, DataFolder(tmp_path))
    assert program.environment["SW_BILLING_NATS_URL"] == "nats://127.0.0.1:4222"
    assert program.environment["SW_BILLING_HTTP_PORT"] == "8123"
    assert program.environment["SW_BILLING_CONFIG_FOLDER"] == "config"
    assert list(program.command[1:]) == ["-m", "services.billing"]


def test_the_lists_beside_the_configuration_are_read_unless_another_place_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dictionaries_of(tmp_path) == {}

    (tmp_path / "dictionaries").mkdir()
    assert dictionaries_of(tmp_path) == {"DICTIONARIES_FOLDER": str(tmp_path / "dictionaries")}

    monkeypatch.setenv("SW_REDACTOR_DICTIONARIES_FOLDER", "/elsewhere")
    assert dictionaries_of(tmp_path) == {}


def test_every_service_has_a_place_in_the_order_of_stopping() -> None:
    assert set(SERVICES) <= {name for group in STOP_ORDER for name in group}


@pytest.mark.parametrize("password", ["plain", "p@ss/w:rd?#%"])
def test_an_address_is_signed_in_and_shown_without_its_user(password: str) -> None:
    address = signed_in(
        "postgresql://admin:secret@db.example:5433/x?sslmode=require", "u", password
    )
    assert without_user(address) == "postgresql://db.example:5433/x?sslmode=require"
    assert "secret" not in address

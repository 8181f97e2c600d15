"""Secrets are made once, for their owner only."""

import base64
from pathlib import Path

import nkeys
import pytest

from deploy.local.files import write_atomically
from deploy.local.secrets import Secrets, public_key
from deploy.provision.accounts import core_users


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets")


def test_a_secret_stays_the_same_and_differs_from_every_other(secrets: Secrets) -> None:
    files = [secrets.seed_file("router"), secrets.seed_file("redactor")]
    files += [secrets.key_file("redactor-master"), secrets.text_file("model-api")]
    files += [secrets.app_seed_file("default", "crm")]
    contents = [file.read_text() for file in files]
    assert len(set(contents)) == len(contents)
    assert secrets.seed_file("router").read_text() == contents[0]
    assert secrets.database_password("billing") == secrets.database_password("billing")


def test_only_the_owner_may_read_them(secrets: Secrets) -> None:
    secrets.bus_keys()
    assert secrets.files()
    assert {file.stat().st_mode & 0o777 for file in secrets.files()} == {0o600}
    assert secrets.readable_by_others() == []


def test_a_secret_that_others_may_read_is_found(secrets: Secrets) -> None:
    file = secrets.seed_file("router")
    file.chmod(0o640)
    assert list(secrets.readable_by_others()) == [file]


def test_every_user_of_the_services_has_a_key_that_signs(secrets: Secrets) -> None:
    keys = secrets.bus_keys()
    assert set(keys) == set(core_users())
    seed = secrets.seed_file("router")
    pair = nkeys.from_seed(bytearray(seed.read_bytes()))
    assert pair.public_key.decode() == keys["router"] == public_key(seed)
    assert pair.verify(b"hello", pair.sign(b"hello"))


def test_apps_are_known_by_their_seeds(secrets: Secrets) -> None:
    assert secrets.apps() == []
    seed = secrets.app_seed_file("nordlys", "crm")
    (app,) = secrets.apps()
    assert (app.tenant, app.app, app.public_key) == ("nordlys", "crm", public_key(seed))


def test_a_master_key_is_thirty_two_bytes_in_base64(secrets: Secrets) -> None:
    key = secrets.key_file("redactor-master").read_text()
    assert len(base64.b64decode(key, validate=True)) == 32


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    write_atomically(file, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]

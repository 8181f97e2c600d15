"""A key opens a door for whoever holds it; only its hash leaves the maker's hands."""

import hashlib
import re

from stellwerk.keys import new_key


def test_a_key_is_written_as_the_doors_read_it() -> None:
    key = new_key()
    assert re.fullmatch(r"sw-[a-z0-9]{12}-[A-Za-z0-9]{43}", key.text)
    assert key.text == f"sw-{key.key_id}-{key.secret}"


def test_no_two_keys_are_alike() -> None:
    assert len({new_key().text for _ in range(100)}) == 100


def test_the_hash_is_that_of_the_secret_alone() -> None:
    key = new_key()
    assert key.secret_sha256 == hashlib.sha256(key.secret.encode()).hexdigest()


def test_a_printed_key_does_not_show_its_secret() -> None:
    key = new_key()
    assert key.secret not in repr(key)
    assert key.key_id in repr(key)

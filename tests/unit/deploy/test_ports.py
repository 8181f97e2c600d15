"""Ports are chosen once and remembered."""

import json
import socket
from pathlib import Path

import pytest

from deploy.local.errors import PortInUse
from deploy.local.ports import EPHEMERAL_PORTS, LOOPBACK, Ports, free_port, is_free


def test_a_part_has_the_same_port_at_every_start(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = Ports(file, usual=False).claim("nats")
    assert Ports(file, usual=False).claim("nats") == first
    assert json.loads(file.read_text()) == {"nats": first}


def test_two_parts_never_share_a_port(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json", usual=False)
    claimed = [ports.claim(f"part-{number}") for number in range(50)]
    assert len(set(claimed)) == 50


def test_a_remembered_port_in_use_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    port = Ports(file, usual=False).claim("postgres")
    with socket.create_server((LOOPBACK, port)):
        assert Ports(file).taken_by_others() == {"postgres": port}
        with pytest.raises(PortInUse, match=rf"Port {port} of postgres .*ports\.json"):
            Ports(file, usual=False).claim("postgres")


def test_a_free_port_lies_outside_the_range_of_outgoing_connections() -> None:
    port = free_port()
    assert port in EPHEMERAL_PORTS
    assert EPHEMERAL_PORTS.stop <= 32_768
    assert is_free(port)

"""Asks a part of the platform over HTTP whether it is ready."""

import json
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from deploy.local.ports import LOOPBACK

HEALTH_WAIT_S_MAX = 1.0


def answers_well(port: int, path: str) -> bool:
    """Tell whether a GET on the loopback port answers 200; silence and refusal mean no."""
    status, _ = _get(port, path)
    return status == HTTPStatus.OK


def read_json(port: int, path: str) -> dict[str, Any]:
    """Return what a GET on the loopback port answers, whatever its status; empty if nothing."""
    _, body = _get(port, path)
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(LOOPBACK, port, timeout=HEALTH_WAIT_S_MAX)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, HTTPException):
        return 0, b""
    finally:
        connection.close()

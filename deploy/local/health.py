"""Asks a part of the platform over HTTP whether it is ready."""

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from deploy.local.ports import LOOPBACK

HEALTH_WAIT_S_MAX = 1.0


def answers_well(port: int, path: str) -> bool:
    """Tell whether a GET on the loopback port answers 200; silence and refusal mean no."""
    connection = HTTPConnection(LOOPBACK, port, timeout=HEALTH_WAIT_S_MAX)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()

"""Bedrock's side in the router's tests: AWS's own description, and frames of its event stream."""

import json
import struct
from collections.abc import Mapping
from typing import Final
from zlib import crc32

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from pydantic import SecretStr

from services.router.providers import bedrock
from services.router.providers.base import Endpoint, Piece

HOST: Final = "https://bedrock-runtime.eu-central-1.amazonaws.com"
SERVICE: Final = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
USAGE: Final = {"inputTokens": 12, "outputTokens": 5, "totalTokens": 17}


def dialect(**options: str) -> bedrock.Converse:
    key = SecretStr("hemmelig")
    return bedrock.Converse(Endpoint("aws", HOST, 1.0, key=key, options=options))


def operation(name: str = "Converse") -> OperationModel:
    return SERVICE.operation_model(name)


def frame(headers: Mapping[str, str], payload: object) -> bytes:
    """Return a frame of the event stream."""
    packed = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(one)) + one.encode()
        for name, one in headers.items()
    )
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(packed) + len(data), len(packed))
    begun = prelude + struct.pack(">I", crc32(prelude)) + packed + data
    return begun + struct.pack(">I", crc32(begun))


def event(kind: str, payload: object) -> bytes:
    return frame({":message-type": "event", ":event-type": kind}, payload)


def delta(index: int, **said: object) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": said})


def started(index: int, call_id: str, name: str) -> bytes:
    use = {"toolUse": {"toolUseId": call_id, "name": name}}
    return event("contentBlockStart", {"contentBlockIndex": index, "start": use})


def stopped(reason: str = "end_turn") -> bytes:
    return event("messageStop", {"stopReason": reason})


def counted(usage: object = USAGE) -> bytes:
    return event("metadata", {"usage": usage, "metrics": {"latencyMs": 3}})


def streamed(*pieces: bytes) -> list[Piece]:
    reader = dialect().reader()
    return [piece for received in pieces for piece in reader.feed(received)]

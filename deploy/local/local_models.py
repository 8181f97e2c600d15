"""Brings one embedded model up in the background: fetched if need be, then served."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from deploy.local.errors import ModelUnavailable
from deploy.local.model import MODELS, is_verified
from deploy.local.model_server import ModelServer
from deploy.local.services import REPOSITORY


async def fetch_in_background(server: ModelServer, say: Callable[[str], None]) -> None:
    """Return once the model's file is here; raise ModelUnavailable if no source has it.

    The work is done by a process of its own, which can be ended at any moment.
    """
    if is_verified(MODELS[server.name], server.file):
        return
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local.model", server.name, str(server.file.parent)),
        stdout=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    line = ""
    try:
        async for raw in process.stdout:
            if line:
                say(line)
            line = raw.decode(errors="replace").strip()
        if await process.wait():
            raise ModelUnavailable(line.removeprefix(f"{server.name}: "))
        say(line)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()

"""docs/how-to/add-a-provider.md, followed literally: its provider is chosen and answers."""

import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import SecretStr

from services.router.endpoints import Endpoints
from services.router.handlers import Router
from services.router.providers.base import Endpoint, ProviderModule
from services.router.settings import Settings, read_configuration
from shared.contracts.completions import CompletionProduced
from shared.contracts.values import Sensitivity
from tests.fixtures.asking import answered
from tests.fixtures.scripted import ScriptedServer
from tests.unit.router.world import request, world_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/add-a-provider.md"
LINES_MAX = 39
KEY_FILE = "SW_ROUTER_NORDLYS_KEY_FILE"


def described(base_url: str) -> dict[str, Any]:
    """Return the page's example, pointed at a server that exists."""
    (block,) = re.findall(r"```yaml\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(block)
    found["providers"]["nordlys"]["base_url"] = base_url
    return found


def followed(folder: Path, base_url: str) -> None:
    """Do what the page says to the shipped files."""
    for name in ("models.yaml", "policy.yaml"):
        shutil.copy(ROOT / "config" / name, folder / name)
    models = yaml.safe_load((folder / "models.yaml").read_text(encoding="utf-8"))
    for section, entries in described(base_url).items():
        models[section] |= entries
    (folder / "models.yaml").write_text(yaml.safe_dump(models), encoding="utf-8")
    policy = yaml.safe_load((folder / "policy.yaml").read_text(encoding="utf-8"))
    policy["default"]["models"].insert(0, "nordlys-large")
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")


async def test_a_provider_that_is_added_as_the_page_says_is_chosen_and_answers(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    followed(tmp_path, scripted.base_url)
    (tmp_path / "key").write_text("invented-key")
    configuration = read_configuration(tmp_path, {KEY_FILE: str(tmp_path / "key")})
    endpoints = Endpoints.of(configuration, Settings())
    world = world_of(configuration, endpoints)

    effects = [effect async for effect in Router(world).request_redacted(request())]
    sensitive = request(sensitivity=Sensitivity.SPECIAL)
    kept = [effect async for effect in Router(world).request_redacted(sensitive)]

    (answer,) = (effect for effect in effects if isinstance(effect, CompletionProduced))
    assert (answer.model, answer.provider) == ("nordlys-large", "nordlys")
    assert b"Authorization: Bearer invented-key" in scripted.received()
    assert b'"model":"large-2026"' in scripted.received()
    assert not any(isinstance(effect, CompletionProduced) for effect in kept)
    await endpoints.close()


async def test_a_wire_that_is_written_as_the_page_says_speaks_to_its_server(
    tmp_path: Path, scripted: ScriptedServer
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    (tmp_path / "nordlys.py").write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("nordlys", tmp_path / "nordlys.py")
    assert spec is not None
    assert spec.loader is not None
    written = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(written)
    module = cast("ProviderModule", written)
    provider = module.connect(
        Endpoint("nordlys", scripted.base_url, 1.0, SecretStr("invented-key"))
    )

    answer = await answered(provider, request(), "nordlys-large")
    await provider.close()

    assert module.WIRE == "nordlys"
    assert callable(module.classify)
    assert answer.text
    assert b"X-Nordlys-Key: invented-key" in scripted.received()
    assert b"Authorization" not in scripted.received()
    assert len(page.splitlines()) <= LINES_MAX

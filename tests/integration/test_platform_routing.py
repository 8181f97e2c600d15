"""Routes as people write them, on a running platform whose providers speak their own wires."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from shared.contracts.configuration import Document
from stellwerk.answer import Answer
from stellwerk.client import Client
from tests.fixtures.platform import Platform
from tests.fixtures.wires.server import WireServer
from tests.integration.platform_routes import (
    Run,
    applied,
    runner,
    shipped_at,
    until_it_counts,
    wires,
    with_route,
)

SUMMARY = (
    "Sammenfat i to sætninger: Kunden har bestilt tre pumper til et procesanlæg, men leverancen er "
    "udskudt to uger, fordi en pakning skal skiftes. Montøren kommer, når delene er fremme."
)
OFFER = "Skriv et kort tilbud på en transportør med to motorer til et bageri."
BY_TASK = {
    "creative": ("Skriv en levende indledning til et katalog om havemøbler.", "gpt-5.4"),
    "code": ("Skriv en funktion i Python, der vender en liste om.", "codestral-2508"),
    "data-analysis": (
        "Salget var 12, 15, 9 og 21 i fire uger: beskriv tendensen.",
        "claude-sonnet-4-6",
    ),
}
TO_TRANSLATE = "Pumpen skal smøres hver tredje måned."
BY_PACK = {
    "offer": ("Skriv et tilbud på to robotceller til svejsning.", "gpt-5.4"),
    "technical-documentation": (
        "Beskriv trin for trin, hvordan et kugleleje skiftes.",
        "claude-sonnet-4-6",
    ),
    "specialist-translation": (
        "Oversæt til tysk: Spændeskiven sidder mellem møtrik og flange.",
        "mistral-large-3",
    ),
    "plc-code": ("Skriv struktureret tekst til en motor med nødstop.", "codestral-2508"),
    "job-ad": ("Skriv et stillingsopslag til en svejser på aftenhold.", "gpt-5.4"),
    "cv-screening": (
        "Vurdér ansøgningen fra Karla Eksempel, karla@eksempel.dk, mod kravet om svejsecertifikat.",
        "claude-sonnet-4-5-bedrock-eu",
    ),
    "routine-mail": ("Skriv en kort mail om, at kantinen holder lukket fredag.", "gpt-5.4-mini"),
    "compliance-check": (
        "Står der i denne klausul, hvem der bærer risikoen under transport?",
        "claude-sonnet-4-6",
    ),
    "chatbot": ("Hvordan nulstiller jeg skærmen i mødelokalet?", "gpt-5.4-mini"),
    "document-search": ("Find i teksten, hvor tit filteret skal skiftes.", "command-a"),
    "anomaly-text": (
        "Temperaturen steg fra 40 til 71 på en time: beskriv det.",
        "claude-sonnet-4-6",
    ),
    "code-review": ("Gennemgå: for i in range(len(a)): print(a[i])", "claude-sonnet-4-6"),
}
PACKS = ("maskinindustri", "hr", "it")


@pytest.fixture(scope="module")
def server() -> Iterator[WireServer]:
    with wires() as running:
        yield running
        assert running.problems == []


@pytest.fixture(scope="module")
def run(platform: Platform) -> Run:
    return runner(platform)


@pytest.fixture(scope="module")
def documents(platform: Platform, server: WireServer) -> dict[Document, str]:
    """Return the shipped documents with addresses."""
    return shipped_at(server, platform, platform.folder)


@pytest.fixture
def as_shipped(run: Run, documents: dict[Document, str], tmp_path: Path) -> str:
    """Put the shipped documents in force and return the version's name."""
    return applied(run, tmp_path, documents, "as-shipped")


def shape(value: object) -> object:
    """Return what a result is made of: names and types, whatever they hold."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value).__name__


def posted(platform: Platform, key: str, body: bytes) -> dict[str, Any]:
    head = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    asked = Request(f"{platform.gateway_url}/v1/chat/completions", body, head)  # noqa: S310
    with urlopen(asked, timeout=10) as answer:  # noqa: S310
        found: dict[str, Any] = json.loads(answer.read())
        return found


def result_of(answer: Answer) -> dict[str, Any]:
    """Return a result without what may differ from provider to provider."""
    return {
        name: shape(value)
        for name, value in asdict(answer).items()
        if name not in {"provider", "model", "usage"}
    }


async def test_a_caller_does_not_notice_which_wire_its_request_took(
    platform: Platform,
    server: WireServer,
    run: Run,
    documents: dict[Document, str],
    tmp_path: Path,
) -> None:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": SUMMARY}]})
    key = await asyncio.to_thread(platform.key)
    answers: list[Answer] = []
    streamed: list[Answer] = []
    over_http: list[dict[str, Any]] = []
    before = server.calls.copy()
    async with platform.client() as client:
        for name in ("gpt-4", "claude-3", "local-default"):
            pointed = with_route(documents, "default", models=[name], reason="on-trial")
            version = await asyncio.to_thread(applied, run, tmp_path, pointed, "on-trial")
            await until_it_counts(client, version)
            answers.append(await client.complete(SUMMARY))
            stream = client.stream(SUMMARY)
            said = "".join([piece async for piece in stream])
            streamed.append(await stream.answer())
            assert said == streamed[-1].text
            over_http.append(await asyncio.to_thread(posted, platform, key, body.encode()))

    providers = [answer.provider for answer in answers]
    assert providers == [answer.provider for answer in streamed] == ["openai", "anthropic", "local"]
    assert all(result_of(one) == result_of(answers[0]) for one in [*answers, *streamed])
    for result in over_http:
        del result["model"], result["usage"]
        assert shape(result) == shape(over_http[0])
    asked = {wire: count for (wire, _), count in (server.calls - before).items()}
    assert asked["anthropic"] == 3


async def test_ordinary_requests_of_a_use_case_all_go_to_its_primary(
    platform: Platform, run: Run, as_shipped: str
) -> None:
    async with platform.client() as client:
        await until_it_counts(client, as_shipped)
        asked = (client.complete(f"{OFFER} Nr. {n}.", use_case="offer-writing") for n in range(20))
        answers = await asyncio.gather(*asked)

    assert {(answer.model, answer.provider) for answer in answers} == {("gpt-5.4", "openai")}
    shown = await asyncio.to_thread(run, "policy", "show", "offer-writing")
    for said in ("primary     gpt-5.4 (as gpt-4)", "fallback 1  gpt-5.4-azure-eu", "specialist"):
        assert said in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


async def test_each_row_of_the_table_leads_to_its_model_and_an_edit_counts_at_once(
    platform: Platform,
    run: Run,
    documents: dict[Document, str],
    as_shipped: str,
    tmp_path: Path,
) -> None:
    moved = with_route(
        documents, "tasks", "creative", models=["mistral-large-3"], reason="in-the-eu"
    )
    async with platform.client() as client:
        await until_it_counts(client, as_shipped)
        asked = await _asked(client, BY_TASK)
        translated = await client.complete(
            TO_TRANSLATE, task="translation", operation="translate", target_language="de"
        )
        edited = await asyncio.to_thread(applied, run, tmp_path, moved, "creative-into-the-eu")
        await until_it_counts(client, edited)
        after = await client.complete(BY_TASK["creative"][0], task="creative")

    assert {task: one.model for task, one in asked.items()} == {
        task: model for task, (_, model) in BY_TASK.items()
    }
    assert (translated.model, translated.provider) == ("google-translate", "google-translate-eu")
    assert (after.model, after.config_version) == ("mistral-large-3", edited)
    assert await _published(platform, edited) == {
        "actor": "operator",
        "reason": "creative-into-the-eu",
        "changed": ["policy.yaml"],
        "replaces": as_shipped,
    }


async def test_three_packs_are_imported_and_twelve_prompts_take_their_routes(
    platform: Platform, run: Run, as_shipped: str
) -> None:
    looked = await asyncio.to_thread(
        run, "policy", "import", "packs/maskinindustri.yaml", "--dry-run"
    )
    assert looked.returncode == 0, looked.stderr
    assert "+  offer:" in looked.stdout
    assert f"version {as_shipped} is in force" in looked.stdout
    assert "Nothing has changed" in looked.stdout
    for pack in PACKS:
        ran = await asyncio.to_thread(
            run, "policy", "import", pack, "--reason", f"pack-{pack}", "--json"
        )
        assert ran.returncode == 0, ran.stderr
        version = json.loads(ran.stdout)["version"]
    async with platform.client() as client:
        await until_it_counts(client, version)
        answers = await _asked(client, BY_PACK)

    assert {task: one.model for task, one in answers.items()} == {
        task: model for task, (_, model) in BY_PACK.items()
    }
    decisions = await _decisions(platform, answers)
    for task, decision in decisions.items():
        pack = next(pack for pack in PACKS if task in _tasks_of(pack))
        assert (decision["rule"], decision["reason"]) == ("task", _tasks_of(pack)[task]["reason"])
    assert decisions["cv-screening"]["duty"] == "annex-iii-4"


async def test_a_model_is_retired_after_approval_and_callers_stay_as_they_are(
    platform: Platform, run: Run, as_shipped: str
) -> None:
    retire = ("model", "retire", "gpt-5.4", "--successor", "claude-3", "--reason", "too-dear")
    asked = await asyncio.to_thread(run, *retire)
    before = await asyncio.to_thread(run, "policy", "show", "--json")
    approved = await asyncio.to_thread(run, *retire, "--yes", "--json")
    facts = json.loads(approved.stdout)
    async with platform.client() as client:
        await until_it_counts(client, facts["version"])
        by_alias = await client.complete(OFFER, model="gpt-4")
        by_route = await client.complete(OFFER, use_case="offer-writing")
        by_name = await client.complete(OFFER, model="gpt-5.4")

    assert asked.returncode == approved.returncode == 0, asked.stderr + approved.stderr
    assert "aliases        gpt-4, premium-writing" in asked.stdout
    assert "use case offer-writing (primary)" in asked.stdout
    assert "+    successor: claude-sonnet-4-6" in asked.stdout
    assert "Approve it with --yes" in asked.stdout
    assert json.loads(before.stdout)["found"]["version"] == as_shipped
    for answer in (by_alias, by_route, by_name):
        assert answer.model == "claude-sonnet-4-6"
    listed = (await asyncio.to_thread(run, "model", "list")).stdout
    assert "  retired 20" in listed
    assert (await _published(platform, facts["version"]))["reason"] == "too-dear"


async def test_a_model_and_its_provider_are_tried_by_command(
    platform: Platform, run: Run, as_shipped: str
) -> None:
    async with platform.client() as client:
        await until_it_counts(client, as_shipped)
    for model, provider, said in (
        ("claude-3", "anthropic", "Vi vender tilbage"),
        ("translate", "google-translate-eu", ""),
        ("embeddings-multilingual", "cohere", "a vector of 3 numbers"),
    ):
        ran = await asyncio.to_thread(run, "model", "test", model, "--app", "crm", "--json")
        assert ran.returncode == 0, ran.stderr
        facts = json.loads(ran.stdout)
        assert (facts["provider"], facts["instead_of"]) == (provider, None)
        assert said in facts["answer"]
    tested = await asyncio.to_thread(run, "provider", "test", "bedrock-eu", "--json")
    (state,) = json.loads(tested.stdout)["providers"]
    assert (tested.returncode, state["state"], state["wire"]) == (0, "answers", "bedrock")
    assert (state["residency"], state["agreement"], state["advice"]) == ("eu", True, None)
    unknown = await asyncio.to_thread(run, "model", "test", "gpt-9")
    neither = await asyncio.to_thread(run, "provider", "test")
    assert (unknown.returncode, neither.returncode) == (1, 2)
    assert "model list" in unknown.stderr
    assert "--all" in neither.stderr


async def _asked(client: Client, by_task: dict[str, tuple[str, str]]) -> dict[str, Answer]:
    """Ask one question of each task, all at once."""
    asked = [client.complete(prompt, task=task) for task, (prompt, _) in by_task.items()]
    return dict(zip(by_task, await asyncio.gather(*asked), strict=True))


async def _published(platform: Platform, version: str) -> dict[str, Any]:
    """Return what the record says of a version of the configuration."""
    sql = (
        "SELECT convert_from(payload, 'UTF8')::jsonb -> 'data' AS data FROM audit.entry"
        " WHERE type = 'eu.stellwerk.config.published.v1'"
    )
    async with asyncio.timeout(10):
        while True:
            for row in await platform.query(sql):
                data: dict[str, Any] = json.loads(row["data"])
                if data["config_version"] == version:
                    return {name: data[name] for name in ("actor", "reason", "changed", "replaces")}
            await asyncio.sleep(0.1)


async def _decisions(platform: Platform, answers: dict[str, Answer]) -> dict[str, Any]:
    """Return, from the record, why each request went where it went."""
    sql = (
        "SELECT request_id, convert_from(payload, 'UTF8')::jsonb -> 'data' -> 'decision' AS found"
        " FROM audit.entry WHERE type = 'eu.stellwerk.usage.recorded.v1'"
        " AND request_id = ANY($1)"
    )
    by_id = {answer.request_id: task for task, answer in answers.items()}
    async with asyncio.timeout(10):
        while True:
            rows = await platform.query(sql, list(by_id))
            if len(rows) == len(by_id):
                return {by_id[row["request_id"]]: json.loads(row["found"]) for row in rows}
            await asyncio.sleep(0.1)


def _tasks_of(pack: str) -> dict[str, Any]:
    file = Path(__file__).parents[2] / "config" / "packs" / f"{pack}.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["tasks"]
    return found

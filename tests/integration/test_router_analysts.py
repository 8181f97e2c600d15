"""What docs/analysts/routing.md says: each query of it prints exactly what stands below it."""

import asyncio
import os
import re
from pathlib import Path

from deploy.local.postgres import find_binaries
from deploy.provision.database import READER
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.integration.router_october import requests, write, write_calls_of_this_minute

PAGE = Path(__file__).parents[2] / "docs" / "analysts" / "routing.md"
QUESTION = re.compile(
    r"## (?P<asked>[^\n]*\?)\n\n[^\n]+\n\n"
    r"```sql\n(?P<query>.*?)```\n\n```\n(?P<printed>.*?)```",
    re.DOTALL,
)
ANALYST, PASSWORD = "mette", "only-in-tests"
QUESTIONS = 10


async def psql(schema: ProvisionedSchema, query: str) -> str:
    """Return what psql prints for an analyst."""
    address = schema.url.split("@")[1]
    process = await asyncio.create_subprocess_exec(
        *(str(find_binaries() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"),
        *(f"postgresql://{ANALYST}@{address}", "--command", query),
        env=os.environ | {"PGPASSWORD": PASSWORD, "PGTZ": "UTC", "LC_ALL": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return printed.decode()


async def test_each_query_of_the_page_prints_what_stands_below_it(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("router")
    await schema.admin.execute(
        f"DROP ROLE IF EXISTS {ANALYST};"
        f" CREATE ROLE {ANALYST} LOGIN PASSWORD '{PASSWORD}' IN ROLE {READER}"
    )
    await write(schema, list(requests()))
    await write_calls_of_this_minute(schema)

    questions = list(QUESTION.finditer(PAGE.read_text(encoding="utf-8")))

    assert len(questions) == QUESTIONS
    for question in questions:
        printed = await psql(schema, question["query"])
        shown = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()) + "\n"
        assert shown == question["printed"], question["asked"]

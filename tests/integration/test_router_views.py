"""The router's published views: what analysts may read, and that it is what happened."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.provision.database import READER
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.integration.router_october import requests, write, write_calls_of_this_minute

VIEWS = sorted(
    path.stem for path in (Path(__file__).parents[2] / "services/router/views").glob("*.sql")
)
ANALYST, PASSWORD = "sw_router_analyst", "only-in-tests"


@pytest.fixture
async def october(provision_schema: ProvisionSchema) -> ProvisionedSchema:
    """Return a router's schema with an invented October."""
    schema = await provision_schema("router")
    await write(schema, list(requests()))
    return schema


async def rows(schema: ProvisionedSchema, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await schema.admin.fetch(query)]


async def test_an_analyst_reads_every_view_and_nothing_else(october: ProvisionedSchema) -> None:
    await october.admin.execute(
        f"DROP ROLE IF EXISTS {ANALYST};"
        f" CREATE ROLE {ANALYST} LOGIN PASSWORD '{PASSWORD}' IN ROLE {READER}"
    )
    address = october.url.split("@")[1]
    analyst = await asyncpg.connect(f"postgresql://{ANALYST}:{PASSWORD}@{address}")
    try:
        for view in VIEWS:
            await analyst.fetch(f"TABLE router.{view}")
        for table in ("request_call", "attempt", "decision"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await analyst.fetch(f"TABLE router.{table}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await analyst.execute("CREATE TABLE router.mine (n int)")
    finally:
        await analyst.close()


async def test_every_view_and_every_column_says_what_it_means(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("router")
    silent = await rows(
        schema,
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relkind = 'v' AND relnamespace = 'router'::regnamespace AND attnum > 0"
        " AND (col_description(attrelid, attnum) IS NULL OR obj_description(attrelid) IS NULL)",
    )
    assert silent == []


async def test_a_decision_is_one_row_for_each_candidate_with_what_was_weighed(
    october: ProvisionedSchema,
) -> None:
    weighed = await rows(
        october,
        "SELECT rank, model, residency, excluded_by, chosen, score, accuracy, cheapness, cost_max"
        " FROM router.decisions_v1 WHERE use_case = 'summary' ORDER BY ended_at, rank LIMIT 2",
    )
    assert [row[:5] for row in weighed] == [
        (0, "far-mini", "us", None, True),
        (1, "house", "local", None, False),
    ]
    assert [row[5:8] for row in weighed] == [(0.76, 0.6, 0.9), (0.64, 0.5, 1.0)]
    assert str(weighed[0][8]) == "0.000040000"

    (refused,) = await rows(
        october,
        "SELECT DISTINCT outcome, code, excluded_by, chosen, duty FROM router.decisions_v1"
        " WHERE outcome = 'refused' AND model = 'house'",
    )
    assert refused == ("refused", "sensitivity_local_only", "disabled", False, "annex-iii-4")


async def test_every_call_stands_with_the_place_it_went_to(october: ProvisionedSchema) -> None:
    of_replies = await rows(
        october,
        "SELECT model, residency, sensitivity, outcome, count(*) FROM router.attempts_v1"
        " WHERE app = 'letters' GROUP BY 1, 2, 3, 4 ORDER BY 1, 4",
    )
    assert of_replies == [
        ("house", "local", "personal", "answered", 10),
        ("north-large", "eu", "personal", "answered", 70),
        ("north-large", "eu", "personal", "failed", 10),
    ]


async def test_fallbacks_are_counted_at_the_model_that_was_called_first(
    october: ProvisionedSchema,
) -> None:
    counted = await rows(
        october,
        "SELECT model, sum(requests), sum(fallbacks), sum(answered_elsewhere),"
        " 100 * sum(fallbacks) / sum(requests) FROM router.fallbacks_v1 GROUP BY 1 ORDER BY 1",
    )
    assert [(row[0], *map(float, row[1:])) for row in counted] == [
        ("far-mini", 100, 0, 0, 0),
        ("house", 16, 0, 0, 0),
        ("north-large", 80, 10, 10, 12.5),
    ]
    causes = await rows(
        october,
        "SELECT key, sum(value::int) FROM router.fallbacks_v1, jsonb_each_text(causes)"
        " GROUP BY 1 ORDER BY 1",
    )
    assert causes == [("overloaded", 5), ("timeout", 5)]


async def test_the_officers_report_adds_up_to_all_requests_of_the_month(
    october: ProvisionedSchema,
) -> None:
    report = await rows(
        october,
        "SELECT sensitivity, residency, requests, answered, refused, failed"
        " FROM router.residency_by_month_v1 WHERE month = '2026-10-01' ORDER BY 1, 2",
    )
    assert report == [
        ("personal", "eu", 70, 70, 0, 0),
        ("personal", "local", 10, 10, 0, 0),
        ("public", "us", 100, 100, 0, 0),
        ("special", "local", 16, 16, 0, 0),
        ("special", None, 4, 0, 4, 0),
    ]


async def test_a_slow_model_shows_within_five_minutes_and_what_runs_is_counted(
    october: ProvisionedSchema,
) -> None:
    await write_calls_of_this_minute(october)

    latency = await rows(
        october,
        "SELECT model, region, calls, answered, failed, failed_percent::float, duration_p50_ms,"
        " first_token_p95_ms FROM router.model_latency_v1 WHERE period = '5 minutes'",
    )
    load = await rows(
        october,
        "SELECT model, in_flight, calls_a_minute, tokens_a_minute FROM router.load_v1 ORDER BY 1",
    )

    assert latency == [("north-large", "dk", 4, 3, 1, 25.0, 1200.0, pytest.approx(345.0))]
    assert load == [("house", 1, 1, 0), ("north-large", 1, 5, 3300)]


async def test_a_call_whose_process_died_is_in_flight_until_its_deadline_only(
    october: ProvisionedSchema,
) -> None:
    await write_calls_of_this_minute(october)
    await october.admin.execute("UPDATE router.attempt SET deadline = now() - interval '1 second'")

    assert await rows(october, "SELECT sum(in_flight) FROM router.load_v1") == [(0,)]


async def test_time_windows_are_read_by_an_index(provision_schema: ProvisionSchema) -> None:
    schema = await provision_schema("router")
    await schema.admin.execute(
        """
        INSERT INTO router.attempt (id, request_id, started_at, model, provider, input_tokens_max,
            output_tokens_max, outcome, duration_ms)
        SELECT gen_random_uuid(), gen_random_uuid(), now() - make_interval(mins => 100000 - n),
            'near', 'near-by', 1, 1, 'answered', 5
        FROM generate_series(1, 100000) AS n
        """
    )
    await schema.admin.execute("VACUUM ANALYZE router.attempt")

    for query in (
        "SELECT * FROM router.model_latency_v1 WHERE period = '5 minutes'",
        "SELECT * FROM router.load_v1",
    ):
        plan = "\n".join(row[0] for row in await schema.admin.fetch(f"EXPLAIN {query}"))
        assert "attempt_started" in plan, query

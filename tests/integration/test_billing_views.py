"""The latest requests and their calls are read from the end of an index, not out of all."""

from tests.fixtures.schemas import ProvisionSchema

REQUESTS = 20_000
_FILL = f"""
INSERT INTO billing.usage
SELECT gen_random_uuid(), gen_random_uuid(), '2026-11-24', '2026-11-24 12:00Z'::timestamptz
    - make_interval(secs => n), 'default', 'letters', 'reply', NULL, 'near', 'near-by',
    'completion', NULL, 'personal', 'da', false, 10, 10, 'provider', NULL, 28000, 0, 'EUR', 5,
    400, '0'
FROM generate_series(1, {REQUESTS}) AS n;
INSERT INTO billing.attempt
SELECT gen_random_uuid(), event_id, day, 0, 'near-by', 'near', 'answered', NULL, 400, 40, 10, 10,
    28000, NULL, 'EUR'
FROM billing.usage;
ANALYZE billing.usage, billing.attempt
"""


async def test_the_latest_requests_are_found_by_an_index_and_cost_what_they_did(
    provision_schema: ProvisionSchema,
) -> None:
    admin = (await provision_schema("billing")).admin
    await admin.execute(_FILL)

    latest = "SELECT * FROM billing.requests_v1 ORDER BY ended_at DESC LIMIT 50"
    hour = "SELECT * FROM billing.calls_v1 WHERE ended_at > '2026-11-24 11:59Z'"
    plans = {
        query: "\n".join(row[0] for row in await admin.fetch(f"EXPLAIN {query}"))
        for query in (latest, hour)
    }
    row = await admin.fetchrow(latest)

    assert "Index Scan Backward using usage_occurred" in plans[latest]
    assert "usage_occurred" in plans[hour]
    assert "attempt_usage" in plans[hour]
    assert row is not None
    assert (str(row["cost"]), row["latency_ms"]) == ("0.000028000", 405)

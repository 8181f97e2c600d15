"""How long analysts wait for the router's views over a million requests.

Run it with `pytest -s tests/bench/test_router_views.py`. Timings are printed, none is asserted.
"""

import time

import pytest

from tests.fixtures.schemas import ProvisionSchema

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

REQUESTS = 1_000_000
DAYS = 30
_CANDIDATE = (
    '{{"model":"{0}","provider":"{0}","rank":{1},"residency":"{2}","score":0.71,"factors":'
    '{{"accuracy":0.8,"speed":0.61,"cost":0.4,"room":1.0}},"cost_nano_max":700000}}'
)
_CANDIDATES = ",".join(
    _CANDIDATE.format(name, rank, where)
    for rank, (name, where) in enumerate((("near", "eu"), ("house", "local"), ("far", "us")))
)
_FILL = f"""
INSERT INTO router.decision
SELECT gen_random_uuid(), now() - make_interval(secs => {DAYS * 86_400} * (1 - n / {REQUESTS}.0)),
    'default', 'app-' || n % 7, 'reply', 'chat',
    (ARRAY['public', 'internal', 'personal'])[n % 3 + 1],
    CASE WHEN n % 50 = 0 THEN 'refused' ELSE 'completion' END,
    CASE WHEN n % 50 = 0 THEN 'policy_residency' END, 'task', 'good-danish', 'weighted', 0.3, NULL,
    CASE WHEN n % 50 > 0 THEN 'near' END, CASE WHEN n % 50 > 0 THEN 'near' END,
    CASE WHEN n % 50 > 0 THEN 'de' END,
    CASE WHEN n % 50 > 0 THEN (ARRAY['eu', 'local', 'us'])[n % 3 + 1] END,
    CASE WHEN n % 50 > 0 THEN 'near' END, CASE WHEN n % 50 > 0 THEN 'near' END,
    CASE WHEN n % 40 = 1 THEN 'timeout' END, 28000, 'EUR', '0123456789ab', '[{_CANDIDATES}]'
FROM generate_series(1, {REQUESTS}) AS n;
INSERT INTO router.attempt (id, request_id, started_at, model, provider, input_tokens_max,
    output_tokens_max, outcome, error_class, duration_ms, first_token_ms, input_tokens,
    output_tokens, region, residency, deadline)
SELECT gen_random_uuid(), request_id, ended_at, 'model-' || n % 12, 'near', 400, 800, 'answered',
    NULL, 400 + n % 900, 100 + n % 200, 300, 200, 'de', 'eu', ended_at + interval '2 minutes'
FROM (SELECT *, row_number() OVER (ORDER BY ended_at) AS n FROM router.decision) AS decided
ORDER BY ended_at;
"""
_QUESTIONS = (
    "SELECT * FROM router.model_latency_v1 WHERE period = '5 minutes'",
    "SELECT * FROM router.model_latency_v1 WHERE period = 'hour'",
    "SELECT * FROM router.model_latency_v1",
    "SELECT * FROM router.load_v1",
    "SELECT * FROM router.residency_by_month_v1",
    "SELECT * FROM router.fallbacks_v1 WHERE hour > now() - interval '1 day'",
    "SELECT * FROM router.decisions_v1 WHERE ended_at > now() - interval '1 hour'",
    "SELECT * FROM router.decisions_v1 ORDER BY ended_at DESC LIMIT 50",
    "SELECT excluded_by FROM router.decisions_v1 WHERE ended_at > now() - interval '1 day'",
    "SELECT * FROM router.attempts_v1 WHERE started_at > now() - interval '1 hour'",
)


async def test_print_how_long_each_view_takes(provision_schema: ProvisionSchema) -> None:
    admin = (await provision_schema("router")).admin
    await admin.execute(_FILL, timeout=300)
    await admin.execute("VACUUM ANALYZE router.decision")
    await admin.execute("VACUUM ANALYZE router.attempt")
    for table in ("decision", "attempt"):
        size = await admin.fetchval(f"SELECT pg_total_relation_size('router.{table}')")
        print(f"\n{table}: {size / REQUESTS:.0f} bytes a row, indexes included", end="")
    print(f"\n{REQUESTS:,} requests and calls over {DAYS} days\n    ms    rows")
    for question in _QUESTIONS:
        rows = await admin.fetch(question)
        started = time.perf_counter()
        await admin.fetch(question)
        print(f"{(time.perf_counter() - started) * 1000:6.0f} {len(rows):7}  {question}")

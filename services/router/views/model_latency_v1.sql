-- Published: columns are added, never changed or removed; a change would be v2.
-- How fast and how well each model answers: in the last 5 minutes, hour and day.
CREATE OR REPLACE VIEW model_latency_v1 AS
SELECT
    span.period,
    attempt.model,
    attempt.provider,
    attempt.region,
    attempt.residency,
    count(*) AS calls,
    count(*) FILTER (WHERE attempt.outcome = 'answered') AS answered,
    count(*) FILTER (WHERE attempt.outcome IN ('failed', 'unknown')) AS failed,
    -- Of those that somebody waited for to the end: who leaves says nothing about a model.
    round(
        100.0 * count(*) FILTER (WHERE attempt.outcome IN ('failed', 'unknown'))
        / nullif(count(*) FILTER (WHERE attempt.outcome <> 'cancelled'), 0), 1
    ) AS failed_percent,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY attempt.first_token_ms)
        FILTER (WHERE attempt.outcome = 'answered') AS first_token_p50_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY attempt.first_token_ms)
        FILTER (WHERE attempt.outcome = 'answered') AS first_token_p95_ms,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY attempt.duration_ms)
        FILTER (WHERE attempt.outcome = 'answered') AS duration_p50_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY attempt.duration_ms)
        FILTER (WHERE attempt.outcome = 'answered') AS duration_p95_ms,
    max(attempt.started_at) AS last_at
FROM (
    VALUES
        ('5 minutes', interval '5 minutes'), ('hour', interval '1 hour'), ('day', interval '1 day')
) AS span (period, length)
JOIN attempt ON attempt.started_at > now() - span.length
WHERE attempt.outcome IS NOT NULL
GROUP BY span.period, attempt.model, attempt.provider, attempt.region, attempt.residency;

COMMENT ON VIEW model_latency_v1 IS
    'How fast and how well each model answered in the last 5 minutes, hour and day. Version 1.';
COMMENT ON COLUMN model_latency_v1.period IS
    '5 minutes, hour or day, up to now; name one, and only that is read.';
COMMENT ON COLUMN model_latency_v1.model IS 'The model that was called.';
COMMENT ON COLUMN model_latency_v1.provider IS 'Who runs it.';
COMMENT ON COLUMN model_latency_v1.region IS 'Where it runs, as models.yaml stated it then.';
COMMENT ON COLUMN model_latency_v1.residency IS 'Where its texts stay, as models.yaml stated it then.';
COMMENT ON COLUMN model_latency_v1.calls IS 'Calls that began in the period and have ended.';
COMMENT ON COLUMN model_latency_v1.answered IS 'Those that led to a whole answer.';
COMMENT ON COLUMN model_latency_v1.failed IS 'Those that failed, or whose end nobody knows.';
COMMENT ON COLUMN model_latency_v1.failed_percent IS
    'Failed ones of a hundred; calls whose caller left are not counted.';
COMMENT ON COLUMN model_latency_v1.first_token_p50_ms IS
    'Half of the answers began sooner; what is not streamed begins when it is whole.';
COMMENT ON COLUMN model_latency_v1.first_token_p95_ms IS '95 of a hundred answers began sooner.';
COMMENT ON COLUMN model_latency_v1.duration_p50_ms IS 'Half of the answers were whole sooner.';
COMMENT ON COLUMN model_latency_v1.duration_p95_ms IS '95 of a hundred answers were whole sooner.';
COMMENT ON COLUMN model_latency_v1.last_at IS 'When the latest of these calls began.';

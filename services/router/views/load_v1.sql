-- Published: columns are added, never changed or removed; a change would be v2.
-- What each model has to do just now. A call whose process died counts until its deadline.
CREATE OR REPLACE VIEW load_v1 AS
SELECT
    model,
    provider,
    region,
    residency,
    count(*) FILTER (WHERE runs) AS in_flight,
    round(
        extract(epoch FROM now() - min(started_at) FILTER (WHERE runs))::numeric, 1
    ) AS oldest_s,
    count(*) FILTER (WHERE started_at > now() - interval '1 minute') AS calls_a_minute,
    coalesce(
        sum(input_tokens + output_tokens) FILTER (WHERE over_at > now() - interval '1 minute'), 0
    )::bigint AS tokens_a_minute
FROM (
    SELECT
        model, provider, region, residency, started_at, input_tokens, output_tokens,
        outcome IS NULL
        AND coalesce(deadline, started_at + interval '10 minutes') > now() AS runs,
        started_at + duration_ms * interval '1 millisecond' AS over_at
    FROM attempt
    -- No request may take more than ten minutes.
    WHERE started_at > now() - interval '11 minutes'
) AS call
GROUP BY model, provider, region, residency;

COMMENT ON VIEW load_v1 IS
    'What each model that was called in the last 11 minutes has to do just now. Version 1.';
COMMENT ON COLUMN load_v1.model IS 'The model that was called.';
COMMENT ON COLUMN load_v1.provider IS 'Who runs it.';
COMMENT ON COLUMN load_v1.region IS 'Where it runs.';
COMMENT ON COLUMN load_v1.residency IS 'Where its texts stay.';
COMMENT ON COLUMN load_v1.in_flight IS 'Calls that have not ended and whose deadline is ahead.';
COMMENT ON COLUMN load_v1.oldest_s IS 'How long the longest of them has been running.';
COMMENT ON COLUMN load_v1.calls_a_minute IS 'Calls that began in the last 60 seconds.';
COMMENT ON COLUMN load_v1.tokens_a_minute IS
    'Tokens in and out of calls that ended in the last 60 seconds.';

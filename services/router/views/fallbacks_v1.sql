-- Published: columns are added, never changed or removed; a change would be v2.
-- How often another model had to be called after the one that was called first. The first one is
-- that of the decision: what was left out beforehand, stands in decisions_v1.
CREATE OR REPLACE VIEW fallbacks_v1 AS
SELECT
    hour,
    first_model AS model,
    first_provider AS provider,
    sum(requests)::bigint AS requests,
    coalesce(sum(requests) FILTER (WHERE cause IS NOT NULL), 0)::bigint AS fallbacks,
    coalesce(sum(answered) FILTER (WHERE cause IS NOT NULL), 0)::bigint AS answered_elsewhere,
    round(
        100.0 * coalesce(sum(requests) FILTER (WHERE cause IS NOT NULL), 0) / sum(requests), 1
    ) AS fallbacks_per_100,
    coalesce(
        jsonb_object_agg(cause, requests) FILTER (WHERE cause IS NOT NULL), '{}'
    ) AS causes
FROM (
    SELECT
        date_bin('1 hour', ended_at, timestamptz '2000-01-01 00:00Z') AS hour,
        first_model,
        first_provider,
        fallback_cause AS cause,
        count(*) AS requests,
        count(*) FILTER (WHERE outcome = 'completion') AS answered
    FROM decision
    WHERE first_model IS NOT NULL
    GROUP BY 1, 2, 3, 4
) AS counted
GROUP BY hour, first_model, first_provider;

COMMENT ON VIEW fallbacks_v1 IS
    'How often another model had to help out, by hour and by the model called first. Version 1.';
COMMENT ON COLUMN fallbacks_v1.hour IS 'When the requests ended: the hour that begins then.';
COMMENT ON COLUMN fallbacks_v1.model IS 'The model that was called first.';
COMMENT ON COLUMN fallbacks_v1.provider IS 'Who runs it.';
COMMENT ON COLUMN fallbacks_v1.requests IS 'Requests for which it was called first.';
COMMENT ON COLUMN fallbacks_v1.fallbacks IS 'Those for which another model was called after it.';
COMMENT ON COLUMN fallbacks_v1.answered_elsewhere IS 'Those that then got an answer.';
COMMENT ON COLUMN fallbacks_v1.fallbacks_per_100 IS
    'Of a hundred requests. Over several hours: 100 * sum(fallbacks) / sum(requests).';
COMMENT ON COLUMN fallbacks_v1.causes IS
    'How many fallbacks by the class of the first model''s last fault, such as timeout.';

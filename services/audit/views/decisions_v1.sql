-- One row for each model that was considered for a request: in which order, and why not. No text.
CREATE OR REPLACE VIEW decisions_v1 AS
SELECT
    request_id,
    recorded_at,
    decision ->> 'rule' AS rule,
    decision ->> 'reason' AS reason,
    candidate ->> 'model' AS model,
    candidate ->> 'provider' AS provider,
    (candidate ->> 'rank')::integer AS rank,
    -- Empty for a model that was allowed.
    candidate ->> 'excluded_by' AS excluded_by
FROM entry
CROSS JOIN LATERAL (
    SELECT convert_from(payload, 'UTF8')::jsonb -> 'data' -> 'decision' AS decision
) AS opened
CROSS JOIN LATERAL jsonb_array_elements(decision -> 'candidates') AS candidate
WHERE type = 'eu.stellwerk.usage.recorded.v1';

-- One row for each masked request: how many values were masked, and of which kinds. No text.
-- Read it by request: what it counts stands in the masked text's own entry.
CREATE OR REPLACE VIEW maskings_v1 AS
SELECT
    request_id,
    recorded_at,
    tenant,
    app,
    facts ->> 'sensitivity' AS sensitivity,
    jsonb_array_length(coalesce(facts -> 'subjects', '[]')) AS values_masked,
    ARRAY(
        SELECT DISTINCT subject ->> 'type'
        FROM jsonb_array_elements(coalesce(facts -> 'subjects', '[]')) AS subject
        ORDER BY 1
    ) AS kinds
FROM entry
CROSS JOIN LATERAL (SELECT convert_from(payload, 'UTF8')::jsonb -> 'data' AS facts) AS opened
WHERE type = 'eu.stellwerk.request.redacted.v1';

-- One row for each refusal: what the platform decided not to do, and why. No text.
CREATE OR REPLACE VIEW refusals_v1 AS
SELECT
    request_id,
    recorded_at,
    tenant,
    app,
    user_id,
    facts -> 'data' ->> 'code' AS code,
    facts -> 'data' ->> 'language' AS language,
    -- The redactor refuses what must not leave, the router what policy or budget does not allow.
    -- Only the router's refusals are rows in billing too.
    replace(facts ->> 'source', '/stellwerk/', '') AS refused_by
FROM entry
CROSS JOIN LATERAL (SELECT convert_from(payload, 'UTF8')::jsonb AS facts) AS opened
WHERE type = 'eu.stellwerk.request.refused.v1';

-- One row for each request: who asked what from which model, and how it ended. No text.
-- It is computed from the leaves each time, so it cannot say anything that they do not.
CREATE OR REPLACE VIEW interactions_v1 AS
SELECT
    request_id,
    min(recorded_at) AS first_recorded_at,
    max(recorded_at) AS last_recorded_at,
    min(tenant) AS tenant,
    min(app) AS app,
    max(user_id) AS user_id,
    max(facts ->> 'use_case') AS use_case,
    max(facts ->> 'model') AS model,
    max(facts ->> 'provider') AS provider,
    -- Every request ends in exactly one of these; NULL means that it is still on its way.
    CASE
        WHEN bool_or(type = 'eu.stellwerk.completion.produced.v1') THEN 'completion'
        WHEN bool_or(type = 'eu.stellwerk.completion.failed.v1') THEN 'failed'
        WHEN bool_or(type = 'eu.stellwerk.request.refused.v1') THEN 'refused'
    END AS outcome,
    max(facts ->> 'code') AS code,
    count(*) AS entries
FROM (
    SELECT
        *,
        -- These three hold numbers and names only. What holds text is never opened here.
        CASE
            WHEN type IN (
                'eu.stellwerk.usage.recorded.v1',
                'eu.stellwerk.completion.failed.v1',
                'eu.stellwerk.request.refused.v1'
            ) THEN convert_from(payload, 'UTF8')::jsonb -> 'data'
        END AS facts
    FROM entry
    WHERE request_id IS NOT NULL AND type <> 'eu.stellwerk.access.read.v1'
) AS of_a_request
GROUP BY request_id;

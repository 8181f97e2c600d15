-- One row for each score of each request. Compare values only within one version of a metric.
CREATE OR REPLACE VIEW scores_v1 AS
SELECT
    request_id,
    at AS scored_at,
    tenant,
    app,
    model,
    provider,
    language,
    metric,
    version,
    -- From 0 (worst) to 1 (best); empty where the metric could not judge, and `unscored` says why.
    value,
    unscored,
    expected,
    found
FROM score;

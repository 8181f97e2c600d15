-- How good each model's answers were, by day (UTC), app, language and metric.
-- Compare means only within one version of a metric, and mind `scored`: a few are no evidence.
CREATE OR REPLACE VIEW scores_daily_v1 AS
SELECT
    (score.at AT TIME ZONE 'UTC')::date AS day,
    tenant,
    app,
    model,
    provider,
    language,
    metric,
    version,
    count(value) AS scored,
    count(*) - count(value) AS unscored,
    avg(value) AS mean,
    stddev_samp(value) AS deviation
FROM score
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

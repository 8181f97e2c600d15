-- Published: columns are added, never changed or removed; a change would be v2.
-- The report of the data protection officer: which texts were answered where.
CREATE OR REPLACE VIEW residency_by_month_v1 AS
SELECT
    date_trunc('month', ended_at AT TIME ZONE 'UTC')::date AS month,
    tenant,
    sensitivity,
    residency,
    count(*) AS requests,
    count(*) FILTER (WHERE outcome = 'completion') AS answered,
    count(*) FILTER (WHERE outcome = 'refused') AS refused,
    count(*) FILTER (WHERE outcome = 'failed') AS failed
FROM decision
GROUP BY 1, 2, 3, 4;

COMMENT ON VIEW residency_by_month_v1 IS
    'Requests of each month by sensitivity and by where the answering model keeps texts. Version 1.';
COMMENT ON COLUMN residency_by_month_v1.month IS 'The first day of the month (UTC) they ended in.';
COMMENT ON COLUMN residency_by_month_v1.tenant IS 'The company or part of it that pays.';
COMMENT ON COLUMN residency_by_month_v1.sensitivity IS
    'public, internal, confidential, personal or special, as classified.';
COMMENT ON COLUMN residency_by_month_v1.residency IS
    'Where the model that answered keeps texts, such as local, eu or us; empty if none answered.';
COMMENT ON COLUMN residency_by_month_v1.requests IS 'All of them.';
COMMENT ON COLUMN residency_by_month_v1.answered IS 'Those that were answered.';
COMMENT ON COLUMN residency_by_month_v1.refused IS 'Those that were refused: nothing was sent.';
COMMENT ON COLUMN residency_by_month_v1.failed IS
    'Those that failed; whom they were sent to before stands in attempts_v1.';

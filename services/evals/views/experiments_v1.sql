-- What was compared: one row for each case, model and metric, best read per experiment_id.
-- A run that has no answer has a `code` and no metric; one that waits for its scores has neither.
-- `answered_by` is another model than `model` where a fallback answered: no evidence about either.
-- Compare two experiments only where suite_sha256 is the same: else the cases were others.
CREATE OR REPLACE VIEW experiments_v1 AS
SELECT
    experiment.id AS experiment_id,
    experiment.started_at,
    experiment.suite,
    experiment.suite_sha256,
    experiment.seed,
    experiment.temperature,
    experiment.max_tokens,
    run.case_id,
    run.model,
    run.request_id,
    run.latency_ms,
    run.code,
    score.model AS answered_by,
    score.provider,
    score.language,
    score.metric,
    score.version,
    score.value,
    score.unscored,
    score.expected,
    score.found
FROM experiment
JOIN experiment_run AS run ON run.experiment_id = experiment.id
LEFT JOIN score ON score.request_id = run.request_id;

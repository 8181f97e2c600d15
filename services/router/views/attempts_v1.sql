-- Published: columns are added, never changed or removed; a change would be v2.
-- One row for each call to a provider, those that run just now too. Whoever was called may have
-- had the text, whether or not an answer came of it.
CREATE OR REPLACE VIEW attempts_v1 AS
SELECT
    attempt.id AS attempt_id,
    attempt.request_id,
    attempt.started_at,
    decision.tenant,
    decision.app,
    decision.use_case,
    decision.sensitivity,
    attempt.model,
    attempt.provider,
    attempt.region,
    attempt.residency,
    attempt.outcome,
    attempt.error_class,
    attempt.duration_ms,
    attempt.first_token_ms,
    attempt.input_tokens,
    attempt.output_tokens,
    attempt.cache_read_tokens,
    attempt.cache_write_tokens,
    attempt.reasoning_tokens,
    attempt.characters,
    attempt.usage_source,
    attempt.released,
    attempt.input_tokens_max,
    attempt.output_tokens_max
FROM attempt
LEFT JOIN decision ON decision.request_id = attempt.request_id;

COMMENT ON VIEW attempts_v1 IS
    'One row a call to a provider: where it went, how it ended, who counted what. Version 1.';
COMMENT ON COLUMN attempts_v1.attempt_id IS 'The id that was sent to the provider.';
COMMENT ON COLUMN attempts_v1.request_id IS 'The request that it was made for.';
COMMENT ON COLUMN attempts_v1.started_at IS 'When it was written down, just before it; filter by it.';
COMMENT ON COLUMN attempts_v1.tenant IS 'Who pays; empty until the request has ended.';
COMMENT ON COLUMN attempts_v1.app IS 'The app that asked; empty until the request has ended.';
COMMENT ON COLUMN attempts_v1.use_case IS 'As the app says; empty until the request has ended.';
COMMENT ON COLUMN attempts_v1.sensitivity IS
    'How far the text might travel; empty until the request has ended.';
COMMENT ON COLUMN attempts_v1.model IS 'The model that was called, by its name in models.yaml.';
COMMENT ON COLUMN attempts_v1.provider IS 'Who was called.';
COMMENT ON COLUMN attempts_v1.region IS 'Where it runs, as models.yaml states it.';
COMMENT ON COLUMN attempts_v1.residency IS 'Where its texts stay, such as local, eu or us.';
COMMENT ON COLUMN attempts_v1.outcome IS
    'answered, failed, cancelled or unknown; empty while it runs, or if its process died.';
COMMENT ON COLUMN attempts_v1.error_class IS 'The kind of failure, such as timeout; else empty.';
COMMENT ON COLUMN attempts_v1.duration_ms IS 'From the call to its end.';
COMMENT ON COLUMN attempts_v1.first_token_ms IS 'From the call to the first text; empty if none.';
COMMENT ON COLUMN attempts_v1.input_tokens IS 'Tokens sent, those out of a cache too.';
COMMENT ON COLUMN attempts_v1.output_tokens IS 'Tokens answered, those of reasoning too.';
COMMENT ON COLUMN attempts_v1.cache_read_tokens IS 'Of those sent, read from the provider''s cache.';
COMMENT ON COLUMN attempts_v1.cache_write_tokens IS 'Of those sent, written to that cache.';
COMMENT ON COLUMN attempts_v1.reasoning_tokens IS 'Of those answered, what nobody got to read.';
COMMENT ON COLUMN attempts_v1.characters IS 'Characters, where these are what is paid for.';
COMMENT ON COLUMN attempts_v1.usage_source IS
    'Who counted: provider, or estimated by us; empty where nothing was used.';
COMMENT ON COLUMN attempts_v1.released IS
    'Whether its end is unknown and the policy says not to charge for that.';
COMMENT ON COLUMN attempts_v1.input_tokens_max IS 'What it could have read at most.';
COMMENT ON COLUMN attempts_v1.output_tokens_max IS 'What it could have written at most.';

-- Published: columns are added, never changed or removed; a change would be v2.
-- One row for each request that the router decided on, the latest first by `ended_at`.
CREATE OR REPLACE VIEW requests_v1 AS
SELECT
    request_id,
    occurred_at AS ended_at,
    tenant,
    app,
    use_case,
    user_id,
    outcome,
    code,
    model,
    provider,
    sensitivity,
    language,
    stream,
    input_tokens,
    output_tokens,
    token_source,
    cost_nano * 0.000000001 AS cost,
    currency,
    queued_ms,
    provider_ms,
    queued_ms + provider_ms AS latency_ms,
    config_version,
    operation,
    characters
FROM usage;

COMMENT ON VIEW requests_v1 IS
    'One row a request: who asked, how it ended, what it cost and how long it took. Version 1.';
COMMENT ON COLUMN requests_v1.request_id IS 'The id that the caller got; audit and evals use it.';
COMMENT ON COLUMN requests_v1.ended_at IS 'When it ended; a filter by it reads nothing else.';
COMMENT ON COLUMN requests_v1.tenant IS 'The company or part of it that pays.';
COMMENT ON COLUMN requests_v1.app IS 'The internal app that asked.';
COMMENT ON COLUMN requests_v1.use_case IS 'What the app asked for, as it says; else default.';
COMMENT ON COLUMN requests_v1.user_id IS 'The pseudonym the app gave its user; empty if none.';
COMMENT ON COLUMN requests_v1.outcome IS 'completion, refused or failed: every request is one.';
COMMENT ON COLUMN requests_v1.code IS 'Why it was refused or failed; empty for a completion.';
COMMENT ON COLUMN requests_v1.model IS 'The model that answered; empty if none did.';
COMMENT ON COLUMN requests_v1.provider IS 'Who runs that model; empty as for model.';
COMMENT ON COLUMN requests_v1.sensitivity IS 'public, personal or special, as classified.';
COMMENT ON COLUMN requests_v1.language IS 'The language of the text; und if undetermined.';
COMMENT ON COLUMN requests_v1.stream IS 'Whether the answer was sent piece by piece.';
COMMENT ON COLUMN requests_v1.input_tokens IS 'Tokens sent to models, over all calls.';
COMMENT ON COLUMN requests_v1.output_tokens IS 'Tokens answered by models, over all calls.';
COMMENT ON COLUMN requests_v1.token_source IS
    'Who counted the tokens: provider; estimated; or partial, as estimated when the caller left.';
COMMENT ON COLUMN requests_v1.cost IS 'Cost in units of currency, exact to nine decimals.';
COMMENT ON COLUMN requests_v1.currency IS 'ISO 4217 code of cost.';
COMMENT ON COLUMN requests_v1.queued_ms IS 'From the bus to the router, masking included.';
COMMENT ON COLUMN requests_v1.provider_ms IS 'Time in calls to providers, failed ones included.';
COMMENT ON COLUMN requests_v1.latency_ms IS 'queued_ms and provider_ms together.';
COMMENT ON COLUMN requests_v1.config_version IS 'The configuration it was decided under.';
COMMENT ON COLUMN requests_v1.operation IS 'What was asked for: chat, embed or translate.';
COMMENT ON COLUMN requests_v1.characters IS
    'Characters that translations are paid by, over all calls; 0 where tokens are.';

-- Published: columns are added, never changed or removed; a change would be v2.
-- One row for each call to a provider; a fallback makes two for a request.
CREATE OR REPLACE VIEW calls_v1 AS
SELECT
    call.id AS call_id,
    request.request_id,
    request.occurred_at AS ended_at,
    request.tenant,
    request.app,
    call.ordinal,
    call.provider,
    call.model,
    call.outcome,
    call.error_class,
    call.duration_ms,
    call.first_token_ms,
    call.input_tokens,
    call.output_tokens,
    call.cost_nano * 0.000000001 AS cost,
    call.currency,
    call.characters,
    call.released
FROM usage AS request
JOIN attempt AS call ON call.usage_id = request.event_id;

COMMENT ON VIEW calls_v1 IS
    'One row a call to a provider: to whom, how it ended, how long it took. Version 1.';
COMMENT ON COLUMN calls_v1.call_id IS 'The id that was sent to the provider.';
COMMENT ON COLUMN calls_v1.request_id IS 'The request that it was made for.';
COMMENT ON COLUMN calls_v1.ended_at IS 'When the request ended; filter by it.';
COMMENT ON COLUMN calls_v1.tenant IS 'The company or part of it that pays.';
COMMENT ON COLUMN calls_v1.app IS 'The internal app that asked.';
COMMENT ON COLUMN calls_v1.ordinal IS 'The order of the calls of one request, from 0.';
COMMENT ON COLUMN calls_v1.provider IS 'Who was called.';
COMMENT ON COLUMN calls_v1.model IS 'The model that was called, by its name in models.yaml.';
COMMENT ON COLUMN calls_v1.outcome IS
    'answered, failed, cancelled, or unknown where the process died before it heard.';
COMMENT ON COLUMN calls_v1.error_class IS 'The kind of failure, such as timeout; else empty.';
COMMENT ON COLUMN calls_v1.duration_ms IS 'From the call to its end.';
COMMENT ON COLUMN calls_v1.first_token_ms IS 'From the call to the first text; empty if none came.';
COMMENT ON COLUMN calls_v1.input_tokens IS 'Tokens sent.';
COMMENT ON COLUMN calls_v1.output_tokens IS 'Tokens answered.';
COMMENT ON COLUMN calls_v1.cost IS 'Cost in units of currency; empty if no price was known.';
COMMENT ON COLUMN calls_v1.currency IS 'ISO 4217 code of cost.';
COMMENT ON COLUMN calls_v1.characters IS 'Characters that a translation is paid by; else 0.';
COMMENT ON COLUMN calls_v1.released IS
    'Nobody heard its end, and the policy (on_unknown: release) does not charge for that: cost 0.';

-- Published for analysts: columns are added, never changed or removed; a change would be v2.
-- A request counts once, at the model that answered it; a call counts at the model called.
-- So sums over requests, calls and cost are right in every grouping, also when a call failed
-- at one provider and another one answered.
CREATE OR REPLACE VIEW usage_daily_v1 AS
SELECT
    day,
    tenant,
    app,
    use_case,
    user_id,
    model,
    provider,
    sum(requests)::bigint AS requests,
    sum(calls)::bigint AS calls,
    sum(input_tokens)::bigint AS input_tokens,
    sum(output_tokens)::bigint AS output_tokens,
    -- Multiplied, since a division of numerics would round.
    sum(cost_nano) * 0.000000001 AS cost,
    currency,
    sum(calls_unpriced)::bigint AS calls_unpriced,
    sum(characters)::bigint AS characters
FROM (
    SELECT
        day, tenant, app, use_case, user_id, model, provider, currency,
        1 AS requests, 0 AS calls, 0 AS input_tokens, 0 AS output_tokens, 0 AS cost_nano,
        0 AS calls_unpriced, 0 AS characters
    FROM usage
    UNION ALL
    SELECT
        request.day, request.tenant, request.app, request.use_case, request.user_id,
        call.model, call.provider, call.currency,
        0, 1, call.input_tokens, call.output_tokens, coalesce(call.cost_nano, 0),
        (call.cost_nano IS NULL)::integer, call.characters
    FROM attempt AS call
    -- Both days, so that a filter by day narrows both tables.
    JOIN usage AS request ON request.event_id = call.usage_id AND request.day = call.day
) AS counted
GROUP BY day, tenant, app, use_case, user_id, model, provider, currency;

COMMENT ON VIEW usage_daily_v1 IS
    'Use and cost by day (UTC), tenant, app, use case, user, model and provider. Version 1.';
COMMENT ON COLUMN usage_daily_v1.day IS 'The day in UTC on which the request ended.';
COMMENT ON COLUMN usage_daily_v1.tenant IS 'The company or part of it that pays.';
COMMENT ON COLUMN usage_daily_v1.app IS 'The internal app that asked.';
COMMENT ON COLUMN usage_daily_v1.use_case IS 'What the app asked for, as it says; else default.';
COMMENT ON COLUMN usage_daily_v1.user_id IS
    'The pseudonym the app gave its user; empty if none. (Not named user: in SQL that is you.)';
COMMENT ON COLUMN usage_daily_v1.model IS
    'The model by its name in models.yaml; empty for requests that none answered.';
COMMENT ON COLUMN usage_daily_v1.provider IS 'Who runs the model; empty as for model.';
COMMENT ON COLUMN usage_daily_v1.requests IS 'Requests that ended, also refused and failed ones.';
COMMENT ON COLUMN usage_daily_v1.calls IS 'Calls to providers; a fallback makes two for a request.';
COMMENT ON COLUMN usage_daily_v1.input_tokens IS 'Tokens sent to models.';
COMMENT ON COLUMN usage_daily_v1.output_tokens IS 'Tokens answered by models.';
COMMENT ON COLUMN usage_daily_v1.cost IS
    'Cost in units of currency, exact to nine decimals; calls of unknown outcome at their hold.';
COMMENT ON COLUMN usage_daily_v1.currency IS 'ISO 4217 code of cost.';
COMMENT ON COLUMN usage_daily_v1.calls_unpriced IS
    'Calls that the price book had no price for: their cost is unknown and not in cost.';
COMMENT ON COLUMN usage_daily_v1.characters IS
    'Characters sent to translators that are paid by them; they have no tokens.';

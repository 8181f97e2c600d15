-- Published: columns are added, never changed or removed; a change would be v2.
-- One row for each model that was considered for a request that the router has ended.
CREATE OR REPLACE VIEW decisions_v1 AS
SELECT
    decision.request_id,
    decision.ended_at,
    decision.tenant,
    decision.app,
    decision.use_case,
    decision.operation,
    decision.sensitivity,
    decision.outcome,
    decision.code,
    decision.rule,
    decision.reason,
    decision.strategy,
    decision.complexity,
    decision.duty,
    candidate.rank,
    candidate.model,
    candidate.provider,
    candidate.residency,
    candidate.asked_as,
    candidate.excluded_by,
    coalesce(
        candidate.model = decision.model AND candidate.provider = decision.provider, false
    ) AS chosen,
    candidate.score,
    (candidate.factors ->> 'accuracy')::double precision AS accuracy,
    (candidate.factors ->> 'speed')::double precision AS speed,
    (candidate.factors ->> 'cost')::double precision AS cheapness,
    (candidate.factors ->> 'room')::double precision AS room,
    candidate.cost_nano_max * 0.000000001 AS cost_max,
    decision.currency,
    decision.config_version
FROM decision
CROSS JOIN LATERAL jsonb_to_recordset(decision.candidates) AS candidate (
    rank integer, model text, provider text, residency text, asked_as text, excluded_by text,
    score double precision, factors jsonb, cost_nano_max bigint
);

COMMENT ON VIEW decisions_v1 IS
    'One row a model that was considered for a request: its place, why it was left out, what it '
    'was worth. Version 1.';
COMMENT ON COLUMN decisions_v1.request_id IS 'The request; every view with one joins by it.';
COMMENT ON COLUMN decisions_v1.ended_at IS 'When the request ended; filter by it.';
COMMENT ON COLUMN decisions_v1.tenant IS 'The company or part of it that pays.';
COMMENT ON COLUMN decisions_v1.app IS 'The internal app that asked.';
COMMENT ON COLUMN decisions_v1.use_case IS 'What the app asked for, as it says; else default.';
COMMENT ON COLUMN decisions_v1.operation IS 'chat, embed or translate.';
COMMENT ON COLUMN decisions_v1.sensitivity IS 'How far the text might travel, as classified.';
COMMENT ON COLUMN decisions_v1.outcome IS 'completion, refused or failed: of the whole request.';
COMMENT ON COLUMN decisions_v1.code IS 'Why it was refused or failed; empty for a completion.';
COMMENT ON COLUMN decisions_v1.rule IS 'The rule of policy.yaml that named these models.';
COMMENT ON COLUMN decisions_v1.reason IS 'The reason that policy.yaml gives for the rule.';
COMMENT ON COLUMN decisions_v1.strategy IS 'What put them in order; task is the order of the table.';
COMMENT ON COLUMN decisions_v1.complexity IS 'How much the request asks of a model, from 0 to 1.';
COMMENT ON COLUMN decisions_v1.duty IS
    'What the law asks of this use, such as annex-iii-4: a person must look. Else empty.';
COMMENT ON COLUMN decisions_v1.rank IS 'The order of trying, from 0; those left out come last.';
COMMENT ON COLUMN decisions_v1.model IS 'The model that was considered, by its name in models.yaml.';
COMMENT ON COLUMN decisions_v1.provider IS 'Who runs it; unknown for a model nobody describes.';
COMMENT ON COLUMN decisions_v1.residency IS 'Where its texts stay, such as local, eu or us.';
COMMENT ON COLUMN decisions_v1.asked_as IS
    'The alias or the retired model by which it was named; empty if by its own name.';
COMMENT ON COLUMN decisions_v1.excluded_by IS
    'Why it could not be called, such as residency or agreement; empty if it could.';
COMMENT ON COLUMN decisions_v1.chosen IS 'Whether it gave the answer.';
COMMENT ON COLUMN decisions_v1.score IS
    'What the strategy made of the factors, from 0 to 1; empty where the table decides.';
COMMENT ON COLUMN decisions_v1.accuracy IS 'From 0 to 1: as models.yaml states it under quality.';
COMMENT ON COLUMN decisions_v1.speed IS 'From 0 to 1: how soon its answers began of late.';
COMMENT ON COLUMN decisions_v1.cheapness IS
    'From 0 to 1: the factor cost; 1 is free, 0 as dear as the dearest candidate.';
COMMENT ON COLUMN decisions_v1.room IS 'From 0 to 1: how much of its limits was free.';
COMMENT ON COLUMN decisions_v1.cost_max IS 'What the request could have cost there at most.';
COMMENT ON COLUMN decisions_v1.currency IS 'ISO 4217 code; empty if nothing was held.';
COMMENT ON COLUMN decisions_v1.config_version IS 'The configuration it was decided under.';

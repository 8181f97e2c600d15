-- Published for analysts and the console: columns are added, never changed or removed; a change
-- would be v2. One row an incident, the open ones too.
CREATE OR REPLACE VIEW incidents_v1 AS
SELECT
    incident.incident_id,
    incident.rule,
    incident.about,
    incident.severity,
    incident.state,
    incident.opened_at,
    incident.last_seen_at,
    incident.count AS sightings,
    incident.facts ->> 'cause' AS cause,
    incident.facts,
    incident.acknowledged_at,
    incident.acknowledged_by,
    incident.acknowledged_reason,
    incident.resolved_at,
    incident.resolved_by,
    incident.resolved_reason,
    extract(epoch FROM incident.resolved_at - incident.opened_at)::double precision AS lasted_s,
    opened.state AS told_of_opening,
    resolved.state AS told_of_end
FROM incident
LEFT JOIN notification AS opened
    ON opened.incident_id = incident.incident_id AND opened.kind = 'opened'
LEFT JOIN notification AS resolved
    ON resolved.incident_id = incident.incident_id AND resolved.kind = 'resolved';

COMMENT ON VIEW incidents_v1 IS 'Every incident, from its first fact to its end. Version 1.';
COMMENT ON COLUMN incidents_v1.rule IS 'The rule that found it: error_rate, fallback_active, ...';
COMMENT ON COLUMN incidents_v1.about IS
    'What was in trouble: a provider, a model, or platform for all requests together.';
COMMENT ON COLUMN incidents_v1.severity IS 'warning or critical; the greatest that it reached.';
COMMENT ON COLUMN incidents_v1.state IS 'open, acknowledged or resolved.';
COMMENT ON COLUMN incidents_v1.opened_at IS 'When the first fact was that belongs to it.';
COMMENT ON COLUMN incidents_v1.last_seen_at IS 'When the latest fact was that shows trouble.';
COMMENT ON COLUMN incidents_v1.sightings IS 'How many failures the episode counts so far.';
COMMENT ON COLUMN incidents_v1.cause IS 'The class of the latest error.';
COMMENT ON COLUMN incidents_v1.facts IS 'What the rule states: numbers and names, never a text.';
COMMENT ON COLUMN incidents_v1.resolved_by IS 'Who ended it; watch if the facts themselves did.';
COMMENT ON COLUMN incidents_v1.lasted_s IS 'Seconds from the first fact to the end.';
COMMENT ON COLUMN incidents_v1.told_of_opening IS
    'waiting, delivered, given_up, or unsent because no channel is set.';
COMMENT ON COLUMN incidents_v1.told_of_end IS 'The same for the message that it is over.';

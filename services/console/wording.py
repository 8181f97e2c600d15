"""Every English sentence of the console, in one place."""

from collections.abc import Mapping
from typing import Final

from services.console.domain import Health, Mood

PRODUCT: Final = "Stellwerk"
CONSOLE: Final = "Console"
SKIP: Final = "Skip to the content"
NAVIGATION: Final = "Pages"
SIGN_OUT: Final = "Sign out"
ROLES: Final[Mapping[str, str]] = {
    "read_only": "Read only",
    "power_user": "Power user",
    "administrator": "Administrator",
    "super_admin": "Super admin",
}

# --- signing in ---------------------------------------------------------------------------------

SIGN_IN: Final = "Sign in"
SIGN_IN_LEAD: Final = "See what your company asks of its models, what it costs, and what is wrong."
SIGN_IN_KEY: Final = "Your key"
SIGN_IN_HINT: Final = (
    "It begins with sw- and was shown once, when it was made. An administrator makes a new one "
    "with `stellwerk app rotate`."
)
SIGN_IN_SHAPE: Final = (
    "This is not a whole key. A key looks like sw-<12 characters>-<43 characters>: copy it again, "
    "from its first to its last character."
)
SIGN_IN_REFUSED: Final = (
    "This key opens nothing: it is unknown, has expired or was disabled. Ask an administrator for "
    "a new one."
)
SIGN_IN_AWAY: Final = (
    "The gateway does not answer, so no key can be checked. Try again in a moment; "
    "`stellwerk status` shows what runs."
)
SIGN_IN_LATER: Final = "Too many keys were refused from your address. Try again in {seconds} s."
SIGNED_OUT: Final = "Your key was disabled or has expired, or your session is over. Sign in again."
FOREIGN_POST: Final = (
    "This form was not sent from the console's own page, so nothing was done. Load the page again "
    "and repeat it there."
)

# --- doors that stay shut -----------------------------------------------------------------------

FORBIDDEN: Final = "This page is not for your key"
FORBIDDEN_WHY: Final = "You are signed in as {app}. Its role, {role}, does not include this page."
FORBIDDEN_NOW: Final = "What to do"
FORBIDDEN_SIGN_IN: Final = "Sign in with another key if you have one."
FORBIDDEN_ASK: Final = (
    "Or ask whoever runs the platform for a key of the role administrator. They make one with"
)
FORBIDDEN_COMMAND: Final = "stellwerk app create NAME --role administrator"
NOT_FOUND: Final = "There is nothing here"
NOT_FOUND_WHY: Final = "The address may be mistyped, or what it named is no longer kept."
TO_OPERATIONS: Final = "To the operations page"
BROKEN: Final = "Something went wrong here"
BROKEN_WHY: Final = "The console's log names the place. Loading the page again is safe."
TOO_LARGE: Final = "The form is too large, so nothing was done."

# --- what is away -------------------------------------------------------------------------------

AWAY: Final[Mapping[str, str]] = {
    "postgresql": "The database does not answer. What stands here comes back by itself.",
    "gateway": "Your key cannot be confirmed now: the gateway or its database does not answer. "
    "Nothing is shown until it can; this page tries again by itself.",
    "watch": "Watch does not answer, so incidents and traces cannot be read. They come back by "
    "themselves.",
    "audit": "Audit does not answer, so nothing of the record can be shown. Try again in a moment.",
}
AWAY_OTHER: Final = "The service {name} does not answer. What it knows is missing here."
OFFLINE: Final = "The console does not answer. This page tries again by itself."
NO_SCRIPT: Final = "Without JavaScript this page does not refresh itself: load it again."

# --- operations ---------------------------------------------------------------------------------

OPERATIONS: Final = "Operations"
LAST_DAY: Final = "Last 24 hours"
MOODS: Final[Mapping[Mood, str]] = {
    Mood.CALM: "All clear",
    Mood.WARNING: "Needs a look",
    Mood.CRITICAL: "Critical",
    Mood.UNKNOWN: "Not known",
}
MOOD_WHY: Final[Mapping[Mood, str]] = {
    Mood.CALM: "No incident is open, and no model fails.",
    Mood.WARNING: "A model fails or an incident is open. See below.",
    Mood.CRITICAL: "A critical incident is open. See below.",
    Mood.UNKNOWN: "Part of the platform does not answer, so its state cannot be told.",
}
REQUESTS: Final = "Requests"
ERRORS: Final = "Errors"
COST: Final = "Cost"
LATENCY: Final = "Latency"
TOKENS: Final = "Tokens"
REFUSED_TOO: Final = "{number} refused by a rule, or for a mistake in the request"
ERRORS_OF: Final = "{number} failed; refusals do not count"
LATENCY_WHAT: Final = "median, and p95 {p95}"
TOKENS_WHAT: Final = "{input} in, {output} out"
COST_EACH: Final = "{each} a request"
NO_COST: Final = "nothing was charged"
NOW: Final = "now"
CHART: Final = "Requests in half hours, over the last 24 hours"
CHART_COLUMN: Final = "{start} UTC: {total} requests, {refused} refused, {failed} failed"
COMPLETED: Final = "Completed"
REFUSED: Final = "Refused"
FAILED: Final = "Failed"
OUTCOMES: Final[Mapping[str, str]] = {
    "completion": COMPLETED,
    "refused": REFUSED,
    "failed": FAILED,
}

MODELS: Final = "Models"
MODELS_CAPTION: Final = "How each model answered in the last 15 minutes"
NO_MODELS: Final = "No model was called in the last 24 hours."
NO_MODELS_DO: Final = 'stellwerk ask "Write a one-line greeting"'
HEALTH: Final[Mapping[Health, str]] = {
    Health.ANSWERING: "Answering",
    Health.SHAKY: "Shaky",
    Health.FAILING: "Failing",
    Health.SLOW: "Slow",
    Health.QUIET: "Quiet",
}
MODEL: Final = "Model"
STATE: Final = "State"
CALLS: Final = "Calls"
CALLS_WHAT: Final = "{failed} of {recent} failed"
CALLS_NONE: Final = "none lately"
P95: Final = "p95"
LAST_CALL: Final = "Last call"

# --- models -------------------------------------------------------------------------------------

MODELS_TITLE: Final = "Models"
MODELS_LEAD: Final = (
    "The last five minutes, and in grey the last day. A model is slow when half of its answers "
    "take over twice as long as half of the day's, or a call has been running for over a minute."
)
MODELS_SPEED: Final = "Speed, errors and load"
MODELS_SPEED_CAPTION: Final = (
    "Each model in the last five minutes, beside the last day, with what it has to do just now"
)
RUNS_IN: Final = "Runs in"
UNKNOWN_PLACE: Final = "not known"
FAULTS: Final = "Errors"
FAULTS_OF: Final = "{failed} of {calls} calls"
WHOLE: Final = "Whole answer"
PAIR: Final = "{p50} / {p95}"
PAIR_WHAT: Final = "median / p95"
DAY: Final = "day"
FALLBACKS: Final = "Fallbacks"
FALLBACKS_EACH: Final = "{share} of {requests}"
FALLBACKS_WHAT: Final = "last day"
LOAD: Final = "In hand"
LOAD_OLDEST: Final = "oldest {age}"
LOAD_RATE: Final = "calls {calls}, tokens {tokens} a minute"

INCIDENTS: Final = "Incidents"
NO_INCIDENTS: Final = "No incident is open."
NO_INCIDENTS_WHY: Final = "Watch opens one when a rule finds trouble, and tells your channels."
RESOLVED: Final = "Resolved lately"
SINCE: Final = "since"
SEEN: Final = "seen {count} times, last"
SEEN_ONCE: Final = "seen once"
RESOLVED_BY: Final = "resolved by {who}"
ACKNOWLEDGE: Final = "Acknowledge"
ACKNOWLEDGE_WHICH: Final = "Acknowledge {rule} on {about}"
ACKNOWLEDGED_BY: Final = "{who} takes care of it"
NOT_ACKNOWLEDGED: Final = "It could not be acknowledged: {sentence}"
SEVERITY: Final[Mapping[str, str]] = {"warning": "Warning", "critical": "Critical"}

LATEST: Final = "Latest requests"
LATEST_CAPTION: Final = "The requests that ended last, the newest first"
LIVE: Final = "Live"
TIME: Final = "Time"
APP: Final = "App"
USE_CASE: Final = "Use case"
OUTCOME: Final = "Outcome"
MASKED: Final = "Masked"
MASKED_WHAT: Final = "{number} values masked"
ALL_APPS: Final = "All apps"
ALL_OUTCOMES: Final = "All outcomes"
FILTER: Final = "Filter"
NO_REQUESTS: Final = "No request has ended yet."
NO_REQUESTS_DO: Final = 'stellwerk ask "Write a one-line greeting"'
NO_REQUESTS_WHY: Final = "It appears here within seconds. Try one:"
NONE_MATCH: Final = "No request matches this filter."
NONE_MATCH_DO: Final = "Show all requests"

# --- one request --------------------------------------------------------------------------------

REQUEST: Final = "Request"
BACK: Final = "All requests"
REQUEST_MISSING: Final = "This request is not known yet"
REQUEST_MISSING_WHY: Final = (
    "It has not ended, or the id is not complete. This page looks again every two seconds."
)
WHEN: Final = "Ended"
SENSITIVITY: Final = "Sensitivity"
LANGUAGE: Final = "Language"
USER: Final = "User"
STREAMED: Final = "Streamed"
YES: Final = "yes"
NO: Final = "no"
CONFIGURATION: Final = "Configuration"
QUEUED: Final = "Until the router"
AT_PROVIDER: Final = "At providers"
WATERFALL: Final = "Where the time went"
WATERFALL_CAPTION: Final = "Each step of the request, in the order they began"
WATERFALL_TOTAL: Final = "{total} until the last service had done its part"
STEP: Final = "Step"
SERVICE: Final = "Service"
DURATION: Final = "Duration"
WHEN_BAR: Final = "When"
BEGAN: Final = "began after {start}, took {duration}"
NO_SPANS: Final = "No trace is kept of this request."
NO_SPANS_WHY: Final = "Traces are kept for 7 days. A young request may need another second."
DECISION: Final = "Why this model"
DECISION_CAPTION: Final = "The models that were considered, the best first"
RULE: Final = "Decided by the rule {rule}"
CHOSEN: Final = "chosen"
ALLOWED: Final = "in reserve"
EXCLUDED: Final = "excluded: {why}"
NO_DECISION: Final = "No decision is recorded."
NO_DECISION_WHY: Final = (
    "The redactor refused the request before a model was chosen, or audit has not recorded it yet."
)
ATTEMPTS: Final = "Calls to providers"
ATTEMPTS_CAPTION: Final = "Each call that was made for this request"
NO_ATTEMPTS: Final = "No provider was called."
FIRST_TEXT: Final = "First text"
CALL_OUTCOMES: Final[Mapping[str, str]] = {
    "answered": "Answered",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "unknown": "Unknown",
}
SCORES: Final = "Scores"
SCORES_CAPTION: Final = "What each metric says of the answer, from 0 (worst) to 1 (best)"
METRIC: Final = "Metric"
SCORE: Final = "Score"
FINDING: Final = "Finding"
EXPECTED: Final = "expected {expected}, found {found}"
NOT_SCORED: Final = "not scored: {why}"
NO_SCORES: Final = "No metric has scored it."
NO_SCORES_WHY: Final = "Answers are scored a few seconds after they are given; refusals never are."

TEXT: Final = "Masked text"
TEXT_LEAD: Final = (
    "You see placeholders, never names. Audit records that {app} looked, when, and why."
)
TEXT_REASON: Final = "Reason"
TEXT_REFERENCE: Final = "Ticket or case (optional)"
TEXT_REFERENCE_HINT: Final = "letters, digits and dashes; no names"
TEXT_SHOW: Final = "Show the masked text"
TEXT_HIDE: Final = "Hide it again"
TEXT_FORBIDDEN: Final = (
    "Only the role super admin may read the masked text: whoever runs the platform does not "
    "thereby read what people write."
)
TEXT_BAD_REASON: Final = (
    "Choose a reason, and write the ticket with letters, digits and dashes only, at most 40."
)
TEXT_NOTHING: Final = (
    "Nothing is recorded of this request yet. Audit is a second behind; try again in a moment."
)
TEXT_REFUSED: Final = "Audit did not show it: {sentence}"
TEXT_LOOKED: Final = "This look is in the audit record: {app}, {reason}. Proof over {size} entries."
TEXT_CUT: Final = "The record is longer than one reply; this is its beginning."
PLACEHOLDER: Final = "masked"
REASON_NAMES: Final[Mapping[str, str]] = {
    "incident": "An incident",
    "complaint": "A complaint",
    "access-request": "A person's request for access",
    "quality-check": "A check of quality",
}
TURNS: Final[Mapping[str, str]] = {
    "system": "Instruction",
    "developer": "Instruction",
    "user": "Asked",
    "assistant": "Answered",
    "tool": "Tool",
}
COPY_ID: Final = "Copy the id"
COPIED: Final = "Copied"

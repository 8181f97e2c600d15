"""Every service has the same file names.

Who knows one service knows them all. A module with a name of its own is allowed when the job
is real and no usual file is its home: `EXTRA` names each one, with the reason.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tests.architecture.source import Rule, SourceTree

USUAL: Final = frozenset(
    {"__init__.py", "__main__.py", "settings.py", "handlers.py", "domain.py", "store.py"}
    | {"tables.py", "errors.py", "README.md"},
)
FOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "redactor": frozenset({"recognisers", "names", "vault"}),
    "router": frozenset({"providers", "strategies", "wire"}),
    "evals": frozenset({"metrics", "suites"}),
    "watch": frozenset({"rules"}),
    "audit": frozenset({"reports"}),
    "console": frozenset({"pages"}),
    "gateway": frozenset({"dialects"}),
}
EVERYWHERE: Final = frozenset({"migrations", "views"})
EXTRA: Final[Mapping[str, str]] = {
    "services/billing/rows.py": "how decisions become rows; store.py has the statements",
    "services/console/door.py": "the HTTP server, run beside the bus",
    "services/console/entrance.py": "signs people in, and lets each visit through or not",
    "services/console/sessions.py": "sealed cookies, and the gateway's word on keys",
    "services/console/wording.py": "every English sentence of the pages",
    "services/gateway/configuring.py": "the configuration: its versions, kept and shown",
    "services/gateway/asking.py": "one request of a caller, from its body to its answer",
    "services/gateway/calls.py": "one HTTP request in hand, and the one reply to it",
    "services/gateway/connections.py": "the limits of one connection that uvicorn leaves open",
    "services/gateway/door.py": "the HTTP server: who comes in, how many, how it closes",
    "services/gateway/exchange.py": "one request on the bus, and its result",
    "services/gateway/keyring.py": "the keys of all apps in memory",
    "services/gateway/offer.py": "the models that callers may name",
    "services/gateway/openai_turns.py": "turns, parts, tools and calls of OpenAI's bodies",
    "services/gateway/readiness.py": "ready without a database, once started with it",
    "services/redactor/answering.py": "a model's answer as its caller sees it",
    "services/redactor/payload.py": "every text of a request, out of it and back into it",
    "services/redactor/policy.py": "what the policy says about masking, in force at once",
    "services/redactor/canonical.py": "one spelling for detection, with the way back to the text",
    "services/redactor/classification.py": "judges how far a text may travel",
    "services/redactor/dictionaries.py": "the company's own lists, read again when they change",
    "services/redactor/detection.py": "runs all recognisers and settles overlaps",
    "services/redactor/document.py": "what a recogniser is given and returns",
    "services/redactor/in_force.py": "the rules in force: configuration and lists, looked at again",
    "services/redactor/kinds.py": "how each kind is labelled, compared and judged",
    "services/redactor/labels.py": "how placeholders are named, in two styles and six languages",
    "services/redactor/languages.py": "guesses a text's language",
    "services/redactor/leaking.py": "the last look at what is about to leave",
    "services/redactor/leaves.py": "walks every text of a request",
    "services/redactor/placeholders.py": "one placeholder per value, and how one is known again",
    "services/redactor/reading.py": "which placeholder is meant, however it is written",
    "services/redactor/restoring.py": "puts values back, in whole texts and over chunks",
    "services/redactor/streaming.py": "restores streamed answers piece by piece",
    "services/redactor/topics.py": "the words that say what a text is about",
    "services/router/answer.py": "whether what came is a whole answer, whatever the wire",
    "services/router/attempts.py": "one provider call: its time-outs, its span, how it ended",
    "services/router/calling.py": "the calls of one request: whom, how often, after which pause",
    "services/router/cancellations.py": "whether a caller left before this process listened",
    "services/router/chunks.py": "the live side of a streamed answer",
    "services/router/circuits.py": "whether a model is left alone, and its one trial",
    "services/router/commits.py": "group commit for the call ledger",
    "services/router/costs.py": "what calls used and cost, by billing's rules",
    "services/router/deciding.py": "the decision: route, filters, strategy, plan",
    "services/router/endpoints.py": "what may be called: connected and probed",
    "services/router/factors.py": "what each candidate is worth, from 0 to 1",
    "services/router/faults.py": "what goes wrong with a call, in few words",
    "services/router/filters.py": "the hard limits that bind every candidate",
    "services/router/health.py": "circuits, limits and speed of each model",
    "services/router/journey.py": "one request from its claim to its end",
    "services/router/ledger.py": "the call ledger, committed in groups, outages sat out",
    "services/router/limits.py": "how much one limit lets through, as said or as found out",
    "services/router/metrics.py": "what is counted of provider calls",
    "services/router/outbound.py": "the last scan of what leaves",
    "services/router/outcomes.py": "the events that tell how a request ended",
    "services/router/rows.py": "the rows of the ledger; store.py has the statements",
    "services/router/quotas.py": "what a provider lets us ask for, and who waits for it",
    "services/router/replicas.py": "what the replicas tell each other of providers",
    "services/router/reporting.py": "what others are told of providers",
    "services/router/sizing.py": "how much there is to read and may be written",
    "services/router/translating.py": "translations by models that chat",
    "services/router/world.py": "what a request meets on its way",
    "services/watch/channels.py": "the channels that people are told through, reached with apprise",
    "services/watch/episodes.py": "when trouble becomes an incident, and when it is over; pure",
    "services/watch/messages.py": "what people are told of an incident",
    "services/watch/notifying.py": "tells people once, and again where a channel failed",
}
PLACE: Final = re.compile(r"services/([a-z]+)/([^/]+)(/.*)?")


def check(tree: SourceTree) -> Iterator[str]:
    """Yield each file or folder of a service that no other service would have."""
    for file in tree.files:
        if place := PLACE.fullmatch(file.path):
            service, name, below = place.groups()
            usual = EVERYWHERE | FOLDERS.get(service, frozenset()) if below else USUAL
            if name not in usual and f"services/{service}/{name}" not in EXTRA:
                yield f"{file.path} has a name of its own: use a usual one, or state why here"

    yield from _stale(tree)


def _stale(tree: SourceTree) -> Iterator[str]:
    """Yield each entry of `EXTRA` that a finished service no longer has."""
    paths = [file.path for file in tree.files]
    for entry in EXTRA:
        service = entry.split("/")[1]
        finished = f"services/{service}/__main__.py" in paths
        if finished and not any(f"{path}/".startswith(f"{entry}/") for path in paths):
            yield f"{entry} is allowed by name but does not exist: remove the entry"


RULE = Rule(
    check,
    broken=(
        {"services/redactor/__main__.py": ""},
        {"services/router/routing_logic.py": ""},
        {"services/billing/recognisers/iban.py": ""},
        {"services/billing/notes.txt": ""},
    ),
    kept=(
        {"services/billing/store.py": "", "services/billing/views/usage_daily_v1.sql": ""},
        {"services/redactor/recognisers/iban.py": "", "services/__init__.py": ""},
    ),
)

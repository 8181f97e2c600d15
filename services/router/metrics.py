"""What is counted of provider calls; each family is declared here, once.

A fallback is a request's second attempt and every later one: who wants its share counts attempts
by model in the schema `router`, where the first of each request stands.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_MODEL: Final = ("provider", "model")

CALLS: Final = Counter(
    "stellwerk_router_calls_total",
    "Provider calls by how they ended. Faults of one class rising: docs/sre/resilience.md.",
    (*_MODEL, "outcome", "error_class"),
)
CALL_SECONDS: Final = Histogram(
    "stellwerk_router_call_duration_seconds",
    "From sending a request to the end of its answer, in seconds. Slow: weigh speed, or hand on.",
    _MODEL,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 120),
)
FIRST_SECONDS: Final = Histogram(
    "stellwerk_router_first_token_seconds",
    "From sending a request to the first of its answer, in seconds. Slow: as for the whole call.",
    _MODEL,
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
IN_FLIGHT: Final = Gauge(
    "stellwerk_router_calls_in_flight",
    "Calls that are open at a model. At `side_by_side` for long: add capacity there.",
    _MODEL,
)
WAITING: Final = Gauge(
    "stellwerk_router_requests_waiting",
    "Requests that wait for a model's limits. Growing: raise the limit, or name a fallback.",
    _MODEL,
)
ROOM: Final = Gauge(
    "stellwerk_router_room_ratio",
    "How much of a model's limits is free, from 0 to 1. Near 0 for long: as for those waiting.",
    _MODEL,
)
CIRCUIT_OPEN: Final = Gauge(
    "stellwerk_router_circuit_open",
    "1 while a model is left alone after faults. At 1: see error_class of its calls.",
    _MODEL,
)
LIMIT: Final = Gauge(
    "stellwerk_router_limit_per_minute",
    "The limit that counts, stated or learned, a minute. Lower than agreed: ask the provider.",
    (*_MODEL, "of"),
)
GAUGES: Final = (IN_FLIGHT, WAITING, ROOM, CIRCUIT_OPEN)

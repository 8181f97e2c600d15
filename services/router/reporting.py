"""What others are told of providers: how each does just now, and what has changed about them.

An event's id is derived from what it tells and when, so what several replicas notice is told once.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.router.endpoints import Endpoints, Probed
from services.router.health import Change
from services.router.settings import Configuration
from shared.contracts.providers import ModelHealth, ProviderChange, ProviderChanged, ProviderState
from shared.contracts.stated import StatedProvider
from shared.contracts.values import derived_id

TENANT: Final = "default"
APP: Final = "router"
TOLD_DAYS_BEFORE: Final = 30
OCCASION_S: Final = 5
"""What replicas see within so long is one occasion. A circuit rests for longer than that between
two openings, so no second one hides behind a first."""
_PROVIDERS: Final = UUID("6f3f7b52-9d0c-5c83-a2e1-0c6f0f0d2a11")
_UNSET: Final = " is not set"


def states_of(
    configuration: Configuration,
    endpoints: Endpoints,
    known: Sequence[ModelHealth],
    day: date,
    wanted: str | None = None,
) -> tuple[ProviderState, ...]:
    """Return how all described providers do, or the one that is wanted, after a probe."""
    return tuple(
        _state(name, stated, configuration, endpoints, known, day)
        for name, stated in configuration.providers.items()
        if wanted in (None, name)
    )


def changed(changes: Collection[Change], version: str, at: datetime) -> list[ProviderChanged]:
    """Return the events that tell of what one replica has seen."""
    occasion = int(at.timestamp()) // OCCASION_S
    return [
        ProviderChanged(
            id=derived_id(
                _PROVIDERS,
                f"{one.provider}/{one.model}/{one.change}/{one.requests_a_minute}/"
                f"{one.tokens_a_minute}/{occasion}",
            ),
            tenant=TENANT,
            app=APP,
            provider=one.provider,
            model=one.model,
            change=one.change,
            config_version=version,
            error_class=one.error_class,
            requests_a_minute=one.requests_a_minute,
            tokens_a_minute=one.tokens_a_minute,
        )
        for one in changes
    ]


def agreements(configuration: Configuration, day: date) -> Iterator[ProviderChanged]:
    """Yield an event for each agreement that is about to end, or has; the same all day long."""
    for name, stated in configuration.providers.items():
        left = _days_left(stated, day)
        if left is None or left > TOLD_DAYS_BEFORE:
            continue
        expiring, expired = ProviderChange.AGREEMENT_EXPIRING, ProviderChange.AGREEMENT_EXPIRED
        change = expired if left < 0 else expiring
        yield ProviderChanged(
            id=derived_id(_PROVIDERS, f"{name}/{change}/{day}"),
            tenant=TENANT,
            app=APP,
            provider=name,
            change=change,
            config_version=configuration.version,
            days_left=left,
        )


def _state(
    name: str,
    stated: StatedProvider,
    configuration: Configuration,
    endpoints: Endpoints,
    known: Sequence[ModelHealth],
    day: date,
) -> ProviderState:
    found = [endpoints.probed.get(place) for place in endpoints.places_of(name)]
    worst = _worst([one for one in found if one is not None])
    faulty = worst.error_class if worst is not None else None
    return ProviderState(
        provider=name,
        wire=stated.wire,
        region=stated.region,
        residency=stated.residency,
        local=stated.local,
        legal_country=stated.legal_country,
        reachable=worst is not None and faulty is None,
        error_class=faulty.value if faulty is not None else None,
        status=worst.status if worst is not None else None,
        answered_ms=worst.answered_ms if worst is not None and faulty is None else None,
        missing=None if found else _missing(name, configuration),
        agreement_days_left=_days_left(stated, day),
        agreement=stated.dpa is not None,
        models=tuple(one for one in known if one.provider == name),
    )


def _worst(found: Sequence[Probed]) -> Probed | None:
    """Return what the address says that does worst, where a provider has several."""
    faulty = [one for one in found if one.error_class is not None]
    return next(iter(faulty), None) or max(found, key=lambda one: one.answered_ms, default=None)


def _missing(name: str, configuration: Configuration) -> str:
    """Return which variable is not set, or what else keeps a provider off."""
    own = [one for one in configuration.models.values() if one.provider == name]
    reasons = [one.disabled for one in own if one.disabled is not None]
    return reasons[0].removesuffix(_UNSET) if reasons else "no model names it"


def _days_left(stated: StatedProvider, day: date) -> int | None:
    if stated.dpa is None or stated.dpa.expires is None:
        return None
    return (stated.dpa.expires - day).days

"""Who would notice if a model went: lines of the policy, aliases and packs that name it.

A name that leads to the model counts as it does itself, so it is found behind its aliases too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from shared.contracts.routing import StatedModel, StatedRoute
from shared.contracts.stated import ModelsDocument, PolicyDocument
from stellwerk.errors import NotFound
from stellwerk.packs import Pack
from stellwerk.reach import levels_of
from stellwerk.routes import answering, routes_of

_PLACES: Final = ("primary", "first fallback", "second fallback")


@dataclass(frozen=True, slots=True)
class Affected:
    """All that leads to one model."""

    model: str
    aliases: tuple[str, ...]
    routes: tuple[tuple[str, str], ...]
    """Each line that names it, and in which place."""
    fallbacks: tuple[str, ...]
    """Models whose fallback it is, where the policy's `fallbacks` say so."""
    entitled: tuple[str, ...]
    """The only apps that may use it; empty: all may."""
    follows: tuple[str, ...]
    """Models that it is the successor of."""
    packs: tuple[tuple[str, str], ...]
    """Tasks of packs, with their place, whether imported or not."""

    @property
    def facts(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "model": self.model,
            "aliases": list(self.aliases),
            "routes": [{"line": line, "place": place} for line, place in self.routes],
            "fallback_of": list(self.fallbacks),
            "only_for": list(self.entitled),
            "successor_of": list(self.follows),
            "packs": [{"task": task, "place": place} for task, place in self.packs],
        }

    def lines(self) -> Iterator[str]:
        """Yield it for people."""
        if self.aliases:
            yield f"aliases        {', '.join(self.aliases)}"
        yield from _listed("routes", [f"{line} ({place})" for line, place in self.routes])
        if self.fallbacks:
            yield f"fallback of    {', '.join(self.fallbacks)}"
        if self.follows:
            yield f"successor of   {', '.join(self.follows)}"
        if self.entitled:
            yield f"only for       {', '.join(self.entitled)}"
        yield from _listed("packs", [f"{task} ({place})" for task, place in self.packs])


def affected(
    name: str,
    models: ModelsDocument,
    policy: PolicyDocument,
    packs: Mapping[str, Pack],
) -> Affected:
    """Return what leads to a model, which may be named by an alias. Raises `NotFound`."""
    model = known(name, models)

    def leads_here(one: str) -> bool:
        return models.model_named(one) == model

    def place_in(route: StatedRoute) -> str | None:
        places = [at for at, one in enumerate(route.models) if leads_here(one)]
        if not places:
            return None
        return _PLACES[places[0]] if places[0] < len(_PLACES) else f"fallback {places[0]}"

    return Affected(
        model=model,
        aliases=tuple(alias for alias in models.aliases if leads_here(alias)),
        routes=tuple(
            (line, place) for line, route in routes_of(policy) if (place := place_in(route))
        ),
        fallbacks=tuple(one for one, then in policy.fallbacks.items() if leads_here(then)),
        entitled=tuple(
            app for one, apps in policy.entitlements.items() if leads_here(one) for app in apps
        ),
        follows=tuple(one for one, each in models.models.items() if each.successor == model),
        packs=tuple(
            (f"{pack}: {task}", place)
            for pack, found in packs.items()
            for task, route in found.tasks.items()
            if (place := place_in(route))
        ),
    )


def known(name: str, models: ModelsDocument) -> str:
    """Return the model that a name or an alias stands for; raise `NotFound` naming what to do."""
    model = models.model_named(name)
    if model not in models.models:
        raise NotFound(f"No model is named {name}. `stellwerk model list` shows all of them.")
    return model


def warnings(
    model: str, successor: str, models: ModelsDocument, policy: PolicyDocument, day: date
) -> list[str]:
    """Return a sentence for each thing that those who move would miss or should know."""
    before, after = models.models[model], models.models[successor]
    found = list(_missed(model, successor, before, after))
    was, will = models.providers[before.provider], models.providers[after.provider]
    lost = set(levels_of(was, policy, day)) - set(levels_of(will, policy, day))
    if lost:
        levels = ", ".join(level for level in levels_of(was, policy, day) if level in lost)
        found.append(
            f"{successor} gets no {levels} texts, {model} does: they go to the next model of their "
            "line, or are refused."
        )
    apps = {models.model_named(one): apps for one, apps in policy.entitlements.items()}
    if model in apps and apps.get(successor) != apps[model]:
        allowed = ", ".join(apps.get(successor, ())) or "every app"
        found.append(
            f"Only {', '.join(apps[model])} may use {model}, {allowed} may use {successor}: see "
            "`entitlements` in policy.yaml."
        )
    last = answering(successor, models, day)
    if last != successor:
        found.append(f"{successor} is retired itself: {last} answers for both.")
    return found


def _missed(model: str, successor: str, before: StatedModel, after: StatedModel) -> Iterator[str]:
    missing = sorted(before.capabilities - after.capabilities)
    if missing:
        yield f"{successor} cannot do {', '.join(missing)}, {model} can."
    if after.context_tokens < before.context_tokens:
        yield (
            f"{successor} takes {after.context_tokens:,} tokens, {model} takes "
            f"{before.context_tokens:,}: longer requests go to the next model of their line."
        )


def _listed(name: str, entries: Sequence[str]) -> Iterator[str]:
    for place, entry in enumerate(entries):
        yield f"{'' if place else name:<15}{entry}"

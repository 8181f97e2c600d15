"""Any routing there can be: models, policies, requests and conditions drawn at random.

And the rules once more, as a data-protection officer would read them out: written without looking
at the filters, so that the two can be held against each other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import repeat
from random import Random
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from hypothesis import strategies as st

from services.router.deciding import Sight
from services.router.domain import Condition, Model, Policy, Route, UseCase
from services.router.sizing import size_of
from services.router.strategies.base import Choice, Rated, StrategyModule, strategies
from shared.contracts.requests import (
    Message,
    Operation,
    Part,
    PartKind,
    RequestRedacted,
    Role,
    Tool,
)
from shared.contracts.routing import Agreement, Capability, Factor, Quality, StatedResilience
from shared.contracts.values import Sensitivity
from tests.unit.router.world import DAY, PRICE, model, request

T = TypeVar("T")
NAMES = tuple(f"m{number}" for number in range(5))
ALIASES = ("best", "cheap")
UNKNOWN = "nobody"
APPS = ("letters", "hr")
RESIDENCIES = ("local", "eu", "us")
TASKS = ("letter", "screening")
USE_CASES = ("default", "hiring")
TEXTS = ("Skriv til Klient_001.", "ord " * 600, "ord " * 1016, "")
SIZES = (100_000, 100_000, 1024, 1023, 256)
"""The second text is as long as the third context, to the token."""


# --- strategies of other people, each wrong in its own way -----------------------------------


def _plug_in(name: str, order: Callable[[Choice], Any]) -> StrategyModule:
    return cast("StrategyModule", SimpleNamespace(NAME=name, order=order))


def _invents(choice: Choice) -> Sequence[Rated]:
    """Put models first that nobody offered: unknown ones, and own ones that point elsewhere."""
    astray = replace(choice.options[0].model, base_url="http://elsewhere.example", residency="us")
    strangers = [model(name, residency="us", local=False) for name in (*NAMES, "stranger")]
    made = [replace(choice.options[0], model=one) for one in (*strangers, astray)]
    return [Rated(one, 1.0) for one in made]


def _spoils(choice: Choice) -> Sequence[Rated]:
    cast("dict[Factor, float]", choice.weights).update({Factor.COST: 7.0})
    cast("list[object]", choice.options).clear()
    return []


def _raises(_: Choice) -> Sequence[Rated]:
    class UnheardOfError(Exception): ...

    raise UnheardOfError("Klient_001")


HOSTILE = [
    _plug_in("invents", _invents),
    _plug_in("spoils", _spoils),
    _plug_in("raises", _raises),
    _plug_in("drops", lambda choice: [Rated(choice.options[-1], 0.5)]),
    _plug_in("repeats", lambda choice: [Rated(choice.options[-1], 0.5)] * 9),
    _plug_in("endless", lambda choice: repeat(Rated(choice.options[0], 1.0))),
    _plug_in("nan", lambda choice: [Rated(one, float("nan")) for one in choice.options]),
    _plug_in("beyond", lambda choice: [Rated(one, 1e300) for one in choice.options]),
    _plug_in("nothing", lambda _: None),
    _plug_in("nonsense", lambda choice: [*map(str, choice.options), 7]),
]
KNOWN = strategies() | {one.NAME: one for one in HOSTILE}


# --- policies, requests, conditions ----------------------------------------------------------


class Lots:
    """Draws what might be; most of it as it should be, so that the rest makes the difference."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.pick = self._random.choice

    def rarely(self, share: float = 0.15) -> bool:
        return self._random.random() < share

    def some(self, of: Sequence[T]) -> tuple[T, ...]:
        return tuple(self._random.sample(of, self._random.randint(1, len(of))))

    def day(self) -> date:
        return DAY + timedelta(days=self.pick((-2, -1, 0, 1)))

    def model(self, name: str) -> Model:
        can = set(Capability)
        if self.rarely():
            can -= set(self.some([*Capability]))
        signed, expires = DAY - timedelta(days=9), None
        if self.rarely(0.5):
            signed, expires = (self.day(), None) if self.rarely(0.5) else (signed, self.day())
        agreement = Agreement(reference="DPA 1", signed=signed, expires=expires)
        price = {
            "input_token_nano": self.pick((0, 9, 10**9)),
            "output_token_nano": self.pick((0, 99)),
        }
        local = self.rarely(0.4)
        return replace(
            model(name),
            local=local,
            residency=self.pick(RESIDENCIES) if self.rarely() or not local else "local",
            agreement=None if self.rarely() else agreement,
            retired=self.day() if self.rarely() else None,
            successor=self.pick(NAMES) if self.rarely(0.5) else None,
            capabilities=frozenset(can),
            context_tokens=self.pick(SIZES),
            output_tokens_max=self.pick((1, 512)),
            price=PRICE.model_copy(update=price),
            disabled="no address" if self.rarely(0.1) else None,
            quality=Quality(default=0.7, tasks={"letter": 0.9}) if self.rarely(0.5) else None,
        )

    def route(self) -> Route:
        return Route(
            models=self.some([*NAMES, *ALIASES, UNKNOWN]),
            reason="drawn",
            strategy=self.pick(sorted(KNOWN)),
            weights={factor: self._random.random() for factor in self.some([*Factor])},
            duty="annex-iii-4" if self.rarely() else None,
        )

    def routes(self, names: Sequence[str]) -> dict[str, Route]:
        return {name: self.route() for name in names if self.rarely(0.5)}

    def policy(self) -> Policy:
        return Policy(
            default=self.route(),
            tasks=self.routes(TASKS),
            residency={
                level: frozenset(self.some(RESIDENCIES))
                for level in Sensitivity
                if not self.rarely(0.3)
            },
            fallbacks={
                name: self.pick([*NAMES, *ALIASES]) for name in self.some([*NAMES, *ALIASES])
            },
            use_cases={
                name: UseCase(self.route(), self.routes(TASKS))
                for name in USE_CASES
                if self.rarely(0.5)
            },
            operations={
                one: self.route()
                for one in (Operation.EMBED, Operation.TRANSLATE)
                if self.rarely(0.5)
            },
            entitlements={name: frozenset(self.some(APPS)) for name in NAMES if self.rarely()},
            aliases={name: self.pick(NAMES) for name in ALIASES},
            resilience=StatedResilience(
                models_max=self.pick((1, 3, 8)), retries_max=self.pick((0, 1))
            ),
        )

    def part(self) -> Part:
        there = self.pick(({"text": "Hej."}, {"url": "https://example.com/a"}, {"data": "QUJD"}))
        return Part(kind=self.pick([*PartKind]), **there)

    def message(self) -> Message:
        parts = (self.part(),) if self.rarely(0.2) else ()
        role = self.pick([*Role]) if self.rarely() else Role.USER
        return Message(role=role, content=self.pick(TEXTS), parts=parts)

    def request(self) -> RequestRedacted:
        # A level that this version does not know is read as the strictest.
        levels = [*Sensitivity, Sensitivity("of-a-later-version")]
        return request(
            model=self.pick([*NAMES, *ALIASES, UNKNOWN]) if self.rarely(0.3) else "auto",
            messages=tuple(self.message() for _ in range(self.pick((1, 1, 2)))),
            sensitivity=self.pick(levels),
            operation=self.pick([*Operation]) if self.rarely(0.4) else Operation.CHAT,
            app=self.pick(APPS),
            task=self.pick((None, *TASKS)),
            use_case=self.pick(USE_CASES),
            stream=self.rarely(0.3),
            tools=(Tool(name="find_order"),) if self.rarely(0.2) else (),
            max_tokens=self.pick((None, 1, 4096)),
        )

    def condition(self) -> Condition:
        return Condition(
            circuit_open=self.rarely(),
            resting=self.rarely(),
            wait_s=self.pick((0.0, 0.5, 60.0)),
            first_token_ms=self.pick((None, 0, 10**6)),
            room=self._random.random(),
        )


@dataclass(frozen=True)
class Situation:
    """A request, and all that a decision about it is made from."""

    ask: RequestRedacted
    sight: Sight
    conditions: Mapping[str, Condition]

    @property
    def officer(self) -> "Officer":
        return Officer(self.sight.policy, self.sight.day)


def situation(seed: int) -> Situation:
    """Return what a number stands for: the same number, the same situation."""
    lots = Lots(seed)
    models = {name: lots.model(name) for name in NAMES}
    sight = Sight(models, lots.policy(), KNOWN, DAY)
    return Situation(lots.request(), sight, {name: lots.condition() for name in lots.some(NAMES)})


SITUATIONS = st.integers(0, 2**48).map(situation)


# --- the rules, read out ---------------------------------------------------------------------


@dataclass(frozen=True)
class Officer:
    """Somebody who knows the rules, and has never seen the filters."""

    policy: Policy
    day: date

    def objections(self, ask: RequestRedacted, one: Model) -> Iterator[str]:
        """Say everything that speaks against having this model answer this request."""
        if one.retired is not None and not self.day < one.retired:
            yield "it is retired"
        if (
            one.name in self.policy.entitlements
            and ask.app not in self.policy.entitlements[one.name]
        ):
            yield "it is for other apps"
        if ask.sensitivity == "special" and not one.local:
            yield "special categories stay in the house"
        if one.residency not in self._places(ask.sensitivity):
            yield "it stands where this may not go"
        if not one.local and ask.sensitivity in {"confidential", "personal", "special"}:
            yield from self._without_agreement(one.agreement)
        if not self._can(ask, one.capabilities):
            yield "it cannot do that"
        if one.context_tokens <= size_of(ask).likely:
            yield "it is too long for it"
        if one.disabled:
            yield "it is off"

    def _places(self, sensitivity: Sensitivity) -> frozenset[str]:
        if sensitivity in self.policy.residency:
            return self.policy.residency[sensitivity]
        return frozenset({"local"} if sensitivity == "special" else RESIDENCIES)

    def _without_agreement(self, agreement: Agreement | None) -> Iterator[str]:
        if agreement is None:
            yield "nothing is signed"
        elif self.day < agreement.signed:
            yield "it is not signed yet"
        elif agreement.expires is not None and self.day > agreement.expires:
            yield "the agreement has expired"

    def _can(self, ask: RequestRedacted, able: frozenset[Capability]) -> bool:
        parts = [part for message in ask.messages for part in message.parts]
        if ask.operation == "embed":
            return "embed" in able and not parts
        if ask.operation == "translate":
            one_text = "chat" in able and len(ask.messages) == 1
            return ("translate" in able or one_text) and not parts
        return ask.operation == "chat" and self._can_chat(ask, able, parts)

    def _can_chat(
        self, ask: RequestRedacted, able: frozenset[Capability], parts: Sequence[Part]
    ) -> bool:
        for part in parts:
            sense = {"image": "vision", "audio": "audio", "file": "files"}.get(part.kind)
            sent_along = part.data is not None or (part.kind == "image" and part.url is not None)
            if part.kind != "text" and not (sense in able and sent_along):
                return False
        uses_tools = ask.tools or any(one.role == "tool" for one in ask.messages)
        return (
            "chat" in able
            and ("tools" in able or not uses_tools)
            and ("stream" in able or not ask.stream)
        )

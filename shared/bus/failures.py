"""What happens to a message whose handler failed: again after a delay, or never again."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from shared.bus.deliveries import Delivery, GivenUp, given_up, message_id_of, outgoing
from shared.bus.publishing import Outgoing, Publisher
from shared.contracts.catalog import dead_subject
from shared.contracts.errors import ErrorCode
from shared.contracts.event import Event
from shared.contracts.values import DataClass, derived_id
from shared.errors import DependencyDown, Permanent, Postponed, Transient
from shared.telemetry import MESSAGES, TRACEPARENT, finish, traceparent_of

_log = logging.getLogger(__name__)

ATTEMPTS_MAX: Final = 5
BACKOFF_S: Final = (0.5, 2.0, 5.0, 15.0)
DOWN_S: Final = 0.5
COUNTED_MAX: Final = 100_000

GiveUp = Callable[[GivenUp], Sequence[Event]]


class Failures:
    """Counts the failed attempts of each message of one consumer and decides what comes next."""

    def __init__(
        self, service: str, consumer: str, publisher: Publisher, give_up: GiveUp | None
    ) -> None:
        self._service = service
        self._consumer = consumer
        self._publisher = publisher
        self._give_up = give_up
        self._attempts: dict[int, int] = {}

    async def handle(self, delivery: Delivery, error: BaseException | None) -> None:
        """Hand the message back with a delay, or keep it as a dead letter and tell its caller.

        A dependency that is down counts as no attempt. Only handler failures are counted, because
        JetStream's own counter also rises with every restart and every outage.
        """
        code = self._verdict(delivery, error)
        if code is None:
            MESSAGES.labels(self._consumer, "retried").inc()
            await delivery.hand_back(self._delay_s(delivery, error))
        else:
            MESSAGES.labels(self._consumer, "dead").inc()
            await self._publisher.durable(self._farewell(delivery, code, error))
            await delivery.acknowledge()
            self._attempts.pop(delivery.place.sequence, None)
        finish(delivery.hop, error)

    def _verdict(self, delivery: Delivery, error: BaseException | None) -> ErrorCode | None:
        if delivery.fault is not None:
            return delivery.fault
        if isinstance(error, Permanent):
            return error.code
        if isinstance(error, DependencyDown):
            return None
        attempts = self._attempts.get(delivery.place.sequence, 0) + 1
        if len(self._attempts) >= COUNTED_MAX:
            self._attempts.clear()
        self._attempts[delivery.place.sequence] = attempts
        facts = {"consumer": self._consumer, "attempt": attempts}
        trace = error if error is not None and not isinstance(error, Transient) else None
        _log.warning("handler failed", exc_info=trace, extra={"facts": facts})
        return ErrorCode.INTERNAL if attempts >= ATTEMPTS_MAX else None

    def _delay_s(self, delivery: Delivery, error: BaseException | None) -> float:
        if isinstance(error, DependencyDown):
            return error.delay_s if isinstance(error, Postponed) else DOWN_S
        if isinstance(error, Transient) and error.delay_s is not None:
            return error.delay_s
        attempts = self._attempts.get(delivery.place.sequence, 1)
        return BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1]

    def _farewell(
        self, delivery: Delivery, code: ErrorCode, error: BaseException | None
    ) -> list[Outgoing]:
        """Return the dead letter and the typed failures that follow from giving up."""
        message_id = message_id_of(delivery)
        data_class = DataClass(delivery.message.subject.split(".")[1])
        sent = (delivery.message.headers or {}).items()
        headers = {name: value for name, value in sent if not name.startswith("Nats-")}
        headers |= {
            TRACEPARENT: traceparent_of(delivery.hop) or "",
            "Sw-Subject": delivery.message.subject,
            "Sw-Consumer": self._consumer,
            "Sw-Reason": code.value,
            "Sw-Error": type(error).__name__ if error else "ContractError",
        }
        letter = Outgoing(
            derived_id(message_id, f"dead/{self._consumer}"),
            dead_subject(data_class, self._service),
            delivery.message.data,
            headers,
        )
        facts = {"consumer": self._consumer, "reason": code.value, "message_id": str(message_id)}
        _log.error("message given up", extra={"facts": facts})
        return [letter, *self._told(delivery, code)]

    def _told(self, delivery: Delivery, code: ErrorCode) -> list[Outgoing]:
        try:
            told = self._give_up(given_up(delivery, code)) if self._give_up else ()
            return [outgoing(event, self._service, delivery) for event in told]
        except Exception:
            # A fault in the rule must not keep the message for ever: the dead letter remains.
            _log.exception("nobody was told", extra={"facts": {"consumer": self._consumer}})
            return []

"""The bus: handlers take events and return events; all the rest happens here, once."""

from shared.bus.commands import Answered
from shared.bus.deliveries import GivenUp
from shared.bus.service import Service
from shared.errors import BusError, DependencyDown, Permanent, Postponed, Transient

__all__ = [
    "Answered",
    "BusError",
    "DependencyDown",
    "GivenUp",
    "Permanent",
    "Postponed",
    "Service",
    "Transient",
]

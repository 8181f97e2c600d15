"""Services are asked to stop while NATS is away: they end at once, and well."""

import time

from shared.contracts.catalog import SERVICES
from tests.chaos.story import MARKS
from tests.fixtures.platform import Platform

pytestmark = MARKS

STOP_S_MAX = 10.0


def test_a_service_stops_well_while_the_bus_is_away(platform: Platform) -> None:
    platform.nats_running.kill()
    began = time.monotonic()
    codes = {service: platform.processes[service].stop() for service in SERVICES}
    assert codes == dict.fromkeys(SERVICES, 0)
    assert time.monotonic() - began < STOP_S_MAX

"""A slip of the pen in a provider's options is an error on every wire, and says what there is."""

from collections.abc import Collection
from typing import Protocol, cast

import pytest

from services.router.providers.base import ENTRY_POINTS, PACKAGE, Endpoint, ProviderModule
from shared.plugins import load


class Wire(ProviderModule, Protocol):
    """What the modules that ship have as well."""

    OPTIONS: Collection[str]


WIRES = cast("list[Wire]", load(PACKAGE, ProviderModule, ENTRY_POINTS))


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.WIRE)
def test_an_option_that_a_wire_does_not_know_is_named(wire: Wire) -> None:
    slip = Endpoint("elsewhere", "http://elsewhere.example/v1", 1.0, options={"auht": "bearer"})

    with pytest.raises(ValueError, match="no option auht") as said:
        wire.connect(slip)

    assert all(name in str(said.value) for name in wire.OPTIONS)


@pytest.mark.parametrize("wire", [one for one in WIRES if "auth" in one.OPTIONS])
def test_a_way_to_sign_in_that_a_wire_does_not_know_is_not_repeated(wire: Wire) -> None:
    slip = Endpoint("elsewhere", "http://elsewhere.example/v1", 1.0, options={"auth": "s3cret"})

    with pytest.raises(ValueError, match="auth") as said:
        wire.connect(slip)

    assert "s3cret" not in str(said.value)

"""The demonstration shows one letter on its way, with and without a model."""

import pytest

from shared.contracts.errors import ErrorCode
from stellwerk.demo import show
from stellwerk.platform import Platform as RunningPlatform
from tests.fixtures.platform import Platform

NAMES = ("Skovlund", "140385-4218", "mette.thorsen@eksempel.dk", "40 28 11 93", "Birkevænget")


@pytest.fixture(scope="module")
def found(platform: Platform) -> RunningPlatform:
    return RunningPlatform(
        nats_url=platform.nats.address,
        postgres_url="postgresql://127.0.0.1/stellwerk",
        secrets=platform.folder / "secrets",
    )


async def test_a_letter_is_masked_answered_paid_recorded_and_traced(
    found: RunningPlatform, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = await show(found, has_model=True, app="crm", model="scripted")
    said = capsys.readouterr().out
    assert shown.reason == ""
    masked, rest = said.split("2  The answer")
    assert "Klient_001" in masked
    assert "4711-2089" in masked
    assert [name for name in NAMES if name in masked] == []
    for part in (
        "EUR for",
        "charged to",
        "Every proof was checked here",
        "client",
        "chat scripted",
    ):
        assert part in rest
    assert "\x1b" not in said


async def test_without_a_model_it_says_so_and_shows_how_the_request_ended(
    found: RunningPlatform, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = await show(found, has_model=False, app="crm")
    said = capsys.readouterr().out
    assert shown.reason.split(":")[0] in set(ErrorCode)
    assert "No model runs here" in said
    assert f"No answer: {shown.reason[:20]}" in said
    assert "Every proof was checked here" in said

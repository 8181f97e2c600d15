"""The models page in a real browser: a slow model shows within seconds, on every screen."""

import re

import pytest

from shared.contracts.access import Role
from tests.fixtures.browser import DESKTOP, PHONE, Chromium, Looked
from tests.fixtures.platform import Platform

APPEARS_MS = 8_000
PROMPT = "Skriv en kort hilsen."
_CALLS = """
INSERT INTO router.attempt (id, request_id, started_at, model, provider, region, residency,
    input_tokens_max, output_tokens_max, outcome, error_class, duration_ms, first_token_ms,
    input_tokens, output_tokens)
SELECT gen_random_uuid(), gen_random_uuid(), now() - make_interval(secs => $2::int + n), $1,
    'north', 'dk', 'eu', 100, 100, CASE WHEN n <= $4::int THEN 'failed' ELSE 'answered' END,
    CASE WHEN n <= $4::int THEN 'timeout' END, $3::int, $3::int / 3, 100, 50
FROM generate_series(1, 30) AS n
"""

_HUNG = """
INSERT INTO router.attempt (id, request_id, started_at, deadline, model, provider, region,
    residency, input_tokens_max, output_tokens_max)
VALUES (gen_random_uuid(), gen_random_uuid(), now() - make_interval(secs => $2::int),
    now() + interval '10 minutes', $1, 'north', 'dk', 'eu', 100, 100)
"""


async def made(platform: Platform, model: str, ago_s: int, took_ms: int, failed: int = 0) -> None:
    """Write thirty calls to a model as the router would have, so long ago."""
    await platform.query(_CALLS, model, ago_s, took_ms, failed)


async def hung(platform: Platform, model: str, ago_s: int) -> None:
    """Write a call that began so long ago and has not ended."""
    await platform.query(_HUNG, model, ago_s)


async def opened(window: Looked, platform: Platform) -> None:
    await window.page.goto(f"{platform.console_url}/models")
    if "/sign-in" in window.page.url:
        await window.page.get_by_label("Your key").fill(platform.key("ops", Role.ADMINISTRATOR))
        await window.page.get_by_role("button", name="Sign in").click()
    await window.page.wait_for_selector("#speeds")


async def test_a_model_that_has_become_slow_shows_while_the_page_is_open(
    platform: Platform, chromium: Chromium
) -> None:
    await made(platform, "north-large", ago_s=1, took_ms=400)
    async with chromium.window() as window:
        await opened(window, platform)
        row = window.page.get_by_role("row", name=re.compile("north-large"))
        await row.get_by_text("Answering").wait_for(timeout=APPEARS_MS)
        assert "400 ms / 400 ms" in await row.inner_text()
        assert "dk" in await row.inner_text()

        await hung(platform, "north-large", ago_s=70)

        await row.get_by_text("Slow").wait_for(timeout=APPEARS_MS)
        assert "oldest 1 min" in await row.inner_text()
        assert window.complaints == []


async def test_what_was_really_called_stands_with_its_speed_and_its_faults(
    platform: Platform, chromium: Chromium
) -> None:
    async with platform.client() as client:
        await client.complete(PROMPT, model="scripted")
    await made(platform, "north-small", ago_s=5, took_ms=700, failed=20)
    async with chromium.window() as window:
        await opened(window, platform)
        called = window.page.get_by_role("row", name=re.compile("^scripted scripted"))
        await called.get_by_text("Answering").wait_for(timeout=APPEARS_MS)
        assert "0.0 % of" in await called.inner_text()
        failing = window.page.get_by_role("row", name=re.compile("north-small"))
        await failing.get_by_text("Failing").wait_for(timeout=APPEARS_MS)
        assert "66.7 %" in await failing.inner_text()


async def test_the_page_is_read_and_reached_without_a_mouse(
    platform: Platform, chromium: Chromium
) -> None:
    await made(platform, "north-medium", ago_s=2, took_ms=400)
    async with chromium.window() as window:
        await opened(window, platform)
        page = window.page
        assert await page.get_by_role("table", name="Each model in the last five").count() == 1
        heads = await page.get_by_role("columnheader").all_inner_texts()
        assert [head.split()[0] for head in heads[:3]] == ["Model", "State", "Runs"]
        # The skip link is first, then the brand, then the pages.
        for _ in range(4):
            await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.getAttribute('href')") == "/models"
        assert await page.evaluate("document.activeElement.ariaCurrent") == "page"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_the_models_page_fits_its_window(
    platform: Platform, chromium: Chromium, size: tuple[int, int], scheme: str
) -> None:
    await made(platform, "claude-sonnet-4-5-bedrock-eu", ago_s=2, took_ms=61_000, failed=3)
    await hung(platform, "claude-sonnet-4-5-bedrock-eu", ago_s=75)
    async with chromium.window(size, scheme) as window:
        await opened(window, platform)
        row = window.page.get_by_role("row", name=re.compile("claude-sonnet"))
        await row.wait_for(timeout=APPEARS_MS)
        assert await window.overflow() <= 0
        await window.page.get_by_role("link", name="Operations").click()
        await window.page.wait_for_selector("#overview")
        assert window.complaints == []

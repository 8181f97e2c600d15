"""The console while others are away: the page stands, says what is missing, and comes back."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.access import Role
from tests.fixtures.browser import Chromium
from tests.fixtures.platform import Platform, start_platform

COMES_BACK_MS = 30_000


@pytest.fixture
def breakable() -> Iterator[Platform]:
    """Return a platform whose parts may be killed."""
    with tempfile.TemporaryDirectory(prefix="stellwerk-", ignore_cleanup_errors=True) as name:
        running = start_platform(Path(name), SW_CONSOLE_RECHECK_S_MAX="1")
        yield running
        running.stop()


@pytest.mark.timeout(120)
async def test_a_page_stands_while_others_are_away_and_comes_back_by_itself(
    breakable: Platform, chromium: Chromium
) -> None:
    async with chromium.window() as window:
        page = window.page
        await page.goto(f"{breakable.console_url}/")
        await page.get_by_label("Your key").fill(breakable.key("ops", Role.ADMINISTRATOR))
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_text("No request has ended yet").wait_for()

        breakable.processes["watch"].kill()
        await page.get_by_text("Watch does not answer").wait_for(timeout=COMES_BACK_MS)
        await page.get_by_text("No request has ended yet").wait_for()
        breakable.processes["watch"].start()
        await page.get_by_text("No incident is open.", exact=True).wait_for(timeout=COMES_BACK_MS)

        # A key that cannot be confirmed may have been disabled: nothing is shown.
        breakable.processes["gateway"].kill()
        await page.get_by_text("Your key cannot be confirmed").wait_for(timeout=COMES_BACK_MS)
        assert await page.locator("#requests").count() == 0
        breakable.processes["gateway"].start()
        await page.locator("#requests").wait_for(timeout=COMES_BACK_MS)

        breakable.postgres_running.stop()
        await page.get_by_text("Your key cannot be confirmed").wait_for(timeout=COMES_BACK_MS)
        breakable.start_postgres()
        await page.locator("#requests").wait_for(timeout=COMES_BACK_MS)

        breakable.processes["console"].kill()
        await page.get_by_text("The console does not answer").wait_for(timeout=COMES_BACK_MS)
        breakable.processes["console"].start()
        # The cookie is the session: another process of the console reads it too.
        await page.get_by_text("The console does not answer").wait_for(
            state="hidden", timeout=COMES_BACK_MS
        )
        assert await page.get_by_text("No incident is open.", exact=True).count() == 1

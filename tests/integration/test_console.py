"""The console in a real browser, on a running platform: what each role sees, and what it never."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any
from uuid import UUID

import pytest

from shared.bus.commands import ask
from shared.contracts.access import AppDisable, AppReply, Role
from shared.contracts.catalog import OPERATOR
from stellwerk.answer import Answer
from tests.fixtures.browser import DESKTOP, PHONE, Chromium, Looked
from tests.fixtures.platform import Platform

NAME = "Anne Marie Jensen"
PROMPT = f"Skriv et kort svar til {NAME}, anne.jensen@example.dk, om hendes sag."
APPEARS_MS = 5_000
ADMINISTRATOR, SUPER_ADMIN = ("ops", Role.ADMINISTRATOR), ("board", Role.SUPER_ADMIN)
Who = tuple[str, Role]


@pytest.fixture(scope="module", autouse=True)
def quick_rechecks() -> Iterator[None]:
    """Ask the gateway about a key every second, so that the test need not wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SW_CONSOLE_RECHECK_S_MAX", "1")
        yield


async def answered(platform: Platform) -> Answer:
    async with platform.client() as client:
        return await client.complete(PROMPT, model="scripted", use_case="reply")


async def sign_in(window: Looked, platform: Platform, who: Who) -> None:
    await window.page.goto(f"{platform.console_url}/")
    await window.page.get_by_label("Your key").fill(platform.key(*who))
    await window.page.get_by_role("button", name="Sign in").click()
    await window.page.wait_for_selector("#overview")


async def open_request(window: Looked, platform: Platform, request_id: UUID) -> None:
    await window.page.goto(f"{platform.console_url}/requests/{request_id}")
    await window.page.get_by_text("Completed").wait_for()
    await window.page.locator(".waterfall .router .run").first.wait_for()


async def test_a_new_request_appears_within_seconds_and_leads_to_its_waterfall(
    platform: Platform, chromium: Chromium
) -> None:
    async with chromium.window() as window:
        await sign_in(window, platform, ADMINISTRATOR)
        answer = await answered(platform)
        line = window.page.locator(f"#to-{answer.request_id}")
        await line.wait_for(timeout=APPEARS_MS)
        row = window.page.locator("tr", has=line)
        await row.get_by_text("Completed").wait_for()
        assert await row.locator(".app").inner_text() == "crm"
        assert (
            await row.locator("time").get_attribute("title")
            == (await row.locator("time").get_attribute("datetime") or "")
            .replace("T", " ")
            .split(".")[0]
            + " UTC"
        )

        await line.click()
        await window.page.locator(".waterfall .router .run").first.wait_for()

        steps = await window.page.locator(".waterfall .service").all_inner_texts()
        assert {"client", "redactor", "router", "billing"} <= set(steps)
        assert await window.page.get_by_text("chosen").count() == 1
        await window.page.get_by_text("answer language").wait_for(timeout=APPEARS_MS)
        assert window.complaints == []


async def test_an_administrator_sees_everything_of_a_request_but_its_text(
    platform: Platform, chromium: Chromium
) -> None:
    answer = await answered(platform)
    async with chromium.window() as window:
        await sign_in(window, platform, ADMINISTRATOR)
        await open_request(window, platform, answer.request_id)

        await window.page.get_by_text("Only the role super admin").wait_for()
        assert await window.page.get_by_role("button", name="Show the masked text").count() == 0
        shown = await window.page.content()
        assert "Klient_001" not in shown
        # Whoever sends the form nevertheless is refused by the door.
        forged = await window.page.evaluate(
            "async (url) => (await fetch(url, {method: 'POST', body: 'kind=incident', headers:"
            " {'Content-Type': 'application/x-www-form-urlencoded'}})).status",
            f"/requests/{answer.request_id}/text",
        )
        assert forged == 403

    assert await looks_at(platform, answer.request_id) == []


async def test_a_super_admin_sees_placeholders_and_the_look_is_in_the_record(
    platform: Platform, chromium: Chromium
) -> None:
    answer = await answered(platform)
    async with chromium.window() as window:
        await sign_in(window, platform, SUPER_ADMIN)
        await open_request(window, platform, answer.request_id)
        await window.page.get_by_label("Reason").select_option("complaint")
        await window.page.get_by_label("Ticket or case").fill("4711")
        await window.page.get_by_role("button", name="Show the masked text").click()
        await window.page.locator(".turn.user mark").first.wait_for()

        shown = await window.page.locator(".turns").inner_text()
        assert "Klient_001" in shown
        assert NAME not in await window.page.content()
        assert window.complaints == []

    (look,) = await looks_at(platform, answer.request_id)
    assert (look["actor"], look["role"]) == ("board", "super_admin")
    assert (look["reason"], look["denied"]) == ("complaint-4711", False)


async def test_a_form_without_the_token_of_its_session_does_nothing(
    platform: Platform, chromium: Chromium
) -> None:
    answer = await answered(platform)
    async with chromium.window() as window:
        await sign_in(window, platform, SUPER_ADMIN)
        forged = await window.page.evaluate(
            "async (url) => (await fetch(url, {method: 'POST', body: 'kind=incident', headers:"
            " {'Content-Type': 'application/x-www-form-urlencoded'}})).status",
            f"/requests/{answer.request_id}/text",
        )
        assert forged == 403

    assert await looks_at(platform, answer.request_id) == []


async def test_an_administrator_takes_care_of_an_incident(
    platform: Platform, chromium: Chromium
) -> None:
    async with platform.client() as client:
        await client.complete(PROMPT, model="scripted-503")
    async with chromium.window() as window:
        await sign_in(window, platform, ADMINISTRATOR)
        button = window.page.get_by_role("button", name="Acknowledge fallback")
        await button.first.click(timeout=15_000)
        await window.page.get_by_text("ops takes care of it").first.wait_for()
        assert window.complaints == []


async def test_a_session_is_good_at_every_replica(platform: Platform, chromium: Chromium) -> None:
    platform.add_replica("console", 2)
    async with chromium.window() as window:
        await sign_in(window, platform, ADMINISTRATOR)
        await window.page.goto(f"{platform.door_url('console-2')}/")
        await window.page.wait_for_selector("#overview")


async def test_a_disabled_key_is_thrown_out_of_a_running_page(
    platform: Platform, chromium: Chromium
) -> None:
    async with chromium.window() as window:
        await sign_in(window, platform, ("leaver", Role.ADMINISTRATOR))
        operator = await platform.operator()
        reply = await ask(operator, AppDisable(actor=OPERATOR, app="leaver"), timeout_s=5.0)
        assert isinstance(reply, AppReply)
        await operator.close()

        await window.page.wait_for_url("**/sign-in?out=1**", timeout=8_000)

        assert await window.page.get_by_text("was disabled").count() == 1
        await window.page.goto(f"{platform.console_url}/")
        assert "/sign-in" in window.page.url


async def test_who_may_not_see_operations_is_told_what_to_do(
    platform: Platform, chromium: Chromium
) -> None:
    async with chromium.window(PHONE) as window:
        page = window.page
        await page.goto(f"{platform.console_url}/")
        await page.get_by_label("Your key").fill(platform.key("letters", Role.READ_ONLY))
        await page.get_by_role("button", name="Sign in").click()

        await page.get_by_text("This page is not for your key").wait_for()

        assert await page.get_by_text("stellwerk app create").count() == 1
        assert await window.overflow() <= 0
    await asyncio.wait_for(until_denied(platform, "letters"), timeout=15)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_every_page_fits_its_window_and_the_browser_has_nothing_to_complain_of(
    platform: Platform, chromium: Chromium, size: tuple[int, int], scheme: str
) -> None:
    answer = await answered(platform)
    async with chromium.window(size, scheme) as window:
        await sign_in(window, platform, SUPER_ADMIN)
        await window.page.locator(f"#to-{answer.request_id}").wait_for(timeout=APPEARS_MS)
        assert await window.overflow() <= 0
        await open_request(window, platform, answer.request_id)
        assert await window.overflow() <= 0
        assert window.complaints == []


async def test_a_filter_shows_what_it_names_and_stays_while_the_list_refreshes(
    platform: Platform, chromium: Chromium
) -> None:
    answer = await answered(platform)
    async with chromium.window() as window:
        await sign_in(window, platform, ADMINISTRATOR)
        await window.page.locator(f"#to-{answer.request_id}").wait_for(timeout=APPEARS_MS)
        await window.page.get_by_label("Outcome").select_option("failed")
        await window.page.get_by_text("No request matches").wait_for()
        assert "outcome=failed" in window.page.url

        again = await answered(platform)
        await asyncio.sleep(2.5)

        assert await window.page.locator(f"#to-{again.request_id}").count() == 0
        await window.page.get_by_text("Show all requests").click()
        await window.page.locator(f"#to-{again.request_id}").wait_for()


def opened(address: str | urllib.request.Request, data: bytes | None = None) -> HTTPResponse:
    response: HTTPResponse = urllib.request.urlopen(address, data=data, timeout=5.0)  # noqa: S310
    return response


def test_the_door_lets_nothing_through_without_a_session(platform: Platform) -> None:
    for path in ("/", "/operations/requests", f"/requests/{UUID(int=1)}"):
        with opened(f"{platform.console_url}{path}") as answer:
            assert "/sign-in" in answer.url
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
    # Browsers keep a strict cookie back when a link in a mail is followed: we ask once more.
    followed = urllib.request.Request(  # noqa: S310  Our own door.
        f"{platform.console_url}/", headers={"Sec-Fetch-Site": "cross-site"}
    )
    with opened(followed) as answer:
        assert b'http-equiv="refresh"' in answer.read()
    # A form that no page of ours has sent.
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opened(f"{platform.console_url}/sign-in", b"key=sw-x")


async def looks_at(platform: Platform, request_id: UUID) -> list[dict[str, object]]:
    rows = await platform.query(
        "SELECT payload FROM audit.entry WHERE request_id = $1"
        " AND type = 'eu.stellwerk.access.read.v1'",
        request_id,
    )
    return [json.loads(row["payload"])["data"] for row in rows]


async def until_denied(platform: Platform, app: str) -> None:
    """Return when the record says that a page stayed shut to an app."""
    found: list[Any] = []
    while not found:
        await asyncio.sleep(0.2)
        found = await platform.query(
            "SELECT payload FROM audit.entry WHERE app = $1"
            " AND type = 'eu.stellwerk.access.denied.v1'",
            app,
        )
    data = json.loads(found[0]["payload"])["data"]
    assert (data["door"], data["why"], data["right"]) == ("console", "role", "see_operations")

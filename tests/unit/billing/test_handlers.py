"""Which account a moment belongs to."""

from datetime import UTC, datetime, timedelta, timezone

from services.billing.handlers import budget_key


def test_a_new_month_is_a_new_account() -> None:
    last = datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)
    assert budget_key("nordlys", last) == "tenant/nordlys/2026-11"
    assert budget_key("nordlys", last + timedelta(microseconds=1)) == "tenant/nordlys/2026-12"


def test_the_month_turns_in_utc_whatever_clock_a_moment_is_read_from() -> None:
    copenhagen = timezone(timedelta(hours=1))
    assert budget_key("nordlys", datetime(2026, 12, 1, 0, 30, tzinfo=copenhagen)) == (
        "tenant/nordlys/2026-11"
    )

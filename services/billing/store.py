"""The SQL of the ledger: few statements, each for a whole batch; decisions are made elsewhere.

Whoever changes a balance locks its row first, and rows are locked in the order of their keys, so
that no two transactions can wait for each other.
"""
# ruff: noqa: S608 -- every statement is composed of constants of this service.

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from asyncpg import Record

from services.billing import rows
from services.billing.domain import (
    Account,
    Answer,
    Books,
    Hold,
    PriceBook,
    PriceRow,
    Resolution,
    Settlement,
)
from shared.bus import Transient
from shared.contracts.billing import HoldReply, HoldState
from shared.contracts.errors import ErrorCode
from shared.contracts.money import Price
from shared.contracts.usage import UsageRecorded
from shared.db import Transaction

_PRICE: Final = (
    "price.id AS price_id, price.currency, input_token_nano, output_token_nano, request_nano,"
    " character_nano"
)
_ACCOUNT: Final = (
    "key, currency, limit_nano, pending_nano, posted_nano, overage_nano, exhausted_nano"
)


def _insert(table: str, columns: rows.Columns, first: int = 1) -> str:
    return f"INSERT INTO {table} ({columns.names}) SELECT * FROM {columns.given(first)}"


def _update_budget(columns: rows.Columns, first: int) -> str:
    given = columns.given(first)
    return f"UPDATE budget SET {columns.assigned} FROM {given} WHERE budget.key = given.key"


def _move_budget(first: int) -> str:
    """Write balances; what a lowered limit is exceeded by shrinks with them."""
    return f"""
        UPDATE budget SET {rows.BALANCE.assigned}, over_limit_nano = greatest(0, least(
            over_limit_nano, given.pending_nano + given.posted_nano - limit_nano
        ))
        FROM {rows.BALANCE.given(first)} WHERE budget.key = given.key
    """


# --- prices and accounts ---------------------------------------------------------------

_ADD_PRICES: Final = f"{_insert('price', rows.PRICE)} ON CONFLICT (id) DO NOTHING"
_READ_PRICES: Final = f"""
    SELECT {_PRICE}, provider, model, source, valid_from
    FROM price ORDER BY valid_from, recorded_at, id
"""
_OPEN_ACCOUNTS: Final = f"{_insert('budget', rows.BUDGET)} ON CONFLICT (key) DO NOTHING"
_LOCK_ACCOUNTS: Final = f"""
    SELECT {_ACCOUNT} FROM budget WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE
"""
_LOCK_PERIOD: Final = f"""
    SELECT tenant, {_ACCOUNT} FROM budget WHERE period = $1 ORDER BY key FOR UPDATE
"""
_SET_LIMITS: Final = f"""
    UPDATE budget SET {rows.LIMIT.assigned},
        over_limit_nano = greatest(0, pending_nano + posted_nano - given.limit_nano)
    FROM {rows.LIMIT.given(1)} WHERE budget.key = given.key
"""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A budget that starts in a period, with nothing held or spent."""

    key: str
    tenant: str
    period: str
    currency: str
    limit_nano: int


async def add_prices(tx: Transaction, lines: Sequence[PriceRow]) -> None:
    """Add the lines that the price book lacks; a line that exists is never changed."""
    await tx.execute(_ADD_PRICES, *rows.PRICE.arrays(rows.price_row(line) for line in lines))


async def read_prices(tx: Transaction) -> PriceBook:
    """Return the whole price book."""
    return PriceBook(
        PriceRow(
            _price(found), found["provider"], found["model"], found["source"], found["valid_from"]
        )
        for found in await tx.fetch(_READ_PRICES)
    )


async def open_accounts(tx: Transaction, accounts: Iterable[NewAccount]) -> None:
    """Open the accounts that do not exist; one that does keeps its limit and its balances."""
    given = sorted((a.key, a.tenant, a.period, a.currency, a.limit_nano) for a in accounts)
    await tx.execute(_OPEN_ACCOUNTS, *rows.BUDGET.arrays(given))


async def lock_accounts(tx: Transaction, keys: Iterable[str]) -> dict[str, Account]:
    """Return those of the accounts that exist, locked until the transaction ends."""
    found = [_account(record) for record in await tx.fetch(_LOCK_ACCOUNTS, sorted(keys))]
    return {account.key: account for account in found}


async def lock_period(tx: Transaction, period: str) -> dict[str, Account]:
    """Return all accounts of a period by tenant, locked until the transaction ends."""
    found = await tx.fetch(_LOCK_PERIOD, period)
    return {record["tenant"]: _account(record) for record in found}


async def set_limits(tx: Transaction, accounts: Iterable[Account]) -> None:
    """Write changed limits of accounts that are locked."""
    given = [(a.key, a.limit_nano, a.exhausted_nano) for a in accounts]
    await tx.execute(_SET_LIMITS, *rows.LIMIT.arrays(given))


def _price(found: Record) -> Price:
    # Without validation: these numbers were validated when they were written.
    return Price.model_construct(
        id=found["price_id"],
        currency=found["currency"],
        input_token_nano=found["input_token_nano"],
        output_token_nano=found["output_token_nano"],
        request_nano=found["request_nano"],
        character_nano=found["character_nano"],
    )


def _account(found: Record) -> Account:
    return Account(
        key=found["key"],
        currency=found["currency"],
        limit_nano=found["limit_nano"],
        pending_nano=found["pending_nano"],
        posted_nano=found["posted_nano"],
        overage_nano=found["overage_nano"],
        exhausted_nano=found["exhausted_nano"],
    )


def _balances(accounts: Iterable[Account]) -> rows.Arrays:
    return rows.BALANCE.arrays(rows.balance_row(account) for account in accounts)


# --- holds -----------------------------------------------------------------------------

_READ_ANSWERS: Final = f"""
    SELECT hold.id, held_nano, NULL AS code, {_PRICE}
    FROM hold JOIN price ON price.id = hold.price_id WHERE hold.id = ANY($1::uuid[])
    UNION ALL
    SELECT hold_id, 0, code, NULL, NULL, NULL, NULL, NULL, NULL
    FROM refusal WHERE hold_id = ANY($1::uuid[])
"""
_WRITE_GRANTS: Final = f"""
    WITH granted AS (
        {_insert("hold", rows.HOLD)} RETURNING request_id, id, expires_at
    ), opened AS (
        INSERT INTO open_hold (request_id, hold_id, expires_at) SELECT * FROM granted
    )
    {_move_budget(1 + len(rows.HOLD))}
"""
_WRITE_REFUSALS: Final = f"""
    WITH refused AS ({_insert("refusal", rows.REFUSAL)})
    {_update_budget(rows.EXHAUSTED, 1 + len(rows.REFUSAL))}
"""


async def read_answers(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, HoldReply]:
    """Return the answers that these holds' ids have already got, whenever that was."""
    return {
        found["id"]: HoldReply(
            id=found["id"],
            code=ErrorCode(found["code"]) if found["code"] else None,
            held_nano=found["held_nano"],
            price=None if found["code"] else _price(found),
        )
        for found in await tx.fetch(_READ_ANSWERS, ids)
    }


async def write_answers(
    tx: Transaction, answers: Sequence[Answer], accounts: Mapping[str, Account]
) -> None:
    """Record what was granted and what was refused, and the balances that follow.

    Raises `UniqueViolationError` if another transaction has just answered one of the ids: the
    whole batch is asked again and then finds that answer.
    """
    granted = [answer for answer in answers if answer.code is None]
    if granted:
        moved = {answer.wanted.budget for answer in granted}
        holds = rows.HOLD.arrays(rows.hold_row(answer) for answer in granted)
        await tx.execute(_WRITE_GRANTS, *holds, *_balances(accounts[key] for key in moved))
    refused = [answer for answer in answers if answer.code is not None]
    if refused:
        marked = {answer.wanted.budget for answer in refused if answer.reported is not None}
        refusals = rows.REFUSAL.arrays(rows.refusal_row(answer) for answer in refused)
        exhausted = rows.EXHAUSTED.arrays((key, accounts[key].exhausted_nano) for key in marked)
        await tx.execute(_WRITE_REFUSALS, *refusals, *exhausted)


# --- settlement ------------------------------------------------------------------------

# Follows a common table `claimed` of the open holds that this transaction now ends.
_HELD_AND_LOCKED: Final = f"""
    held AS (
        SELECT hold.id, hold.request_id, hold.tenant, hold.app, hold.budget, hold.provider,
            hold.model, held_nano, {_PRICE},
            claimed.hold_id IS NOT NULL AS is_open, resolution.state,
            EXISTS (SELECT FROM correction WHERE correction.hold_id = hold.id) AS corrected
        FROM (SELECT hold_id FROM claimed UNION SELECT unnest($1::uuid[])) AS named (id)
        JOIN hold ON hold.id = named.id AND hold.request_id = ANY($2::uuid[])
        JOIN price ON price.id = hold.price_id
        LEFT JOIN claimed ON claimed.hold_id = hold.id
        LEFT JOIN resolution ON resolution.hold_id = hold.id
    ), locked AS (
        SELECT {_ACCOUNT} FROM budget
        WHERE key IN (SELECT budget FROM held) ORDER BY key FOR UPDATE
    )
    SELECT held.*, locked.key, locked.limit_nano, locked.pending_nano, locked.posted_nano,
        locked.overage_nano, locked.exhausted_nano,
        ARRAY(SELECT id FROM attempt WHERE id = ANY($3::uuid[])) AS counted
    FROM held JOIN locked ON locked.key = held.budget
"""
_CLAIM: Final = f"""
    WITH claimed AS (
        DELETE FROM open_hold WHERE request_id = ANY($2::uuid[]) RETURNING hold_id
    ), {_HELD_AND_LOCKED}
"""
_COUNTED: Final = "SELECT id FROM attempt WHERE id = ANY($1::uuid[])"
_EXPIRED: Final = """
    SELECT request_id, hold_id FROM open_hold WHERE expires_at <= $1
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_CLAIM_EXPIRED: Final = f"""
    WITH claimed AS (
        DELETE FROM open_hold WHERE hold_id = ANY($1::uuid[]) AND request_id = ANY($2::uuid[])
        RETURNING hold_id
    ), {_HELD_AND_LOCKED}
"""
_USAGE_KNOWN: Final = "SELECT request_id FROM usage WHERE request_id = ANY($1::uuid[])"
_CALLS_FROM: Final = 1 + len(rows.USAGE)
_ENDS_FROM: Final = _CALLS_FROM + len(rows.ATTEMPT)
_CORRECTIONS_FROM: Final = _ENDS_FROM + len(rows.RESOLUTION)
_BALANCES_FROM: Final = _CORRECTIONS_FROM + len(rows.CORRECTION)
_WRITE_SETTLEMENTS: Final = f"""
    WITH used AS ({_insert("usage", rows.USAGE)} ON CONFLICT (event_id) DO NOTHING),
    called AS ({_insert("attempt", rows.ATTEMPT, _CALLS_FROM)}),
    resolved AS ({_insert("resolution", rows.RESOLUTION, _ENDS_FROM)}),
    corrected AS ({_insert("correction", rows.CORRECTION, _CORRECTIONS_FROM)})
    {_move_budget(_BALANCES_FROM)}
"""
_WRITE_EXPIRIES: Final = f"""
    WITH resolved AS ({_insert("resolution", rows.RESOLUTION)})
    {_move_budget(1 + len(rows.RESOLUTION))}
"""


async def claim_for(tx: Transaction, usages: Sequence[UsageRecorded], prices: PriceBook) -> Books:
    """Return what is needed to settle these usages; their open holds are now ours to end.

    Raises `Transient` if another transaction is ending one of the holds at this moment.
    """
    named = [usage.hold_id for usage in usages if usage.hold_id is not None]
    requests = [usage.request_id for usage in usages]
    calls = [attempt.id for usage in usages for attempt in usage.attempts]
    found = await tx.fetch(_CLAIM, named, requests, calls)
    books = _books(found, prices)
    if found:
        books.counted.update(found[0]["counted"])
    elif calls:
        books.counted.update(row["id"] for row in await tx.fetch(_COUNTED, calls))
    return books


async def claim_expired(
    tx: Transaction, at: datetime, limit: int, prices: PriceBook
) -> tuple[Books, set[UUID]]:
    """Return holds that expired by `at`, now ours to end, and the requests whose usage is known."""
    due = await tx.fetch(_EXPIRED, at, limit)
    holds, requests = [found["hold_id"] for found in due], [found["request_id"] for found in due]
    books = _books(await tx.fetch(_CLAIM_EXPIRED, holds, requests, ()), prices)
    known = {found["request_id"] for found in await tx.fetch(_USAGE_KNOWN, requests)}
    return books, known


async def write_settlements(
    tx: Transaction, settlements: Sequence[Settlement], books: Books, currency: str
) -> None:
    """Record usage, calls, ends of holds and corrections; `currency` where no price says one."""
    await tx.execute(
        _WRITE_SETTLEMENTS,
        *rows.USAGE.arrays(rows.usage_row(item, currency) for item in settlements),
        *rows.ATTEMPT.arrays(
            row for item in settlements for row in rows.attempt_rows(item, currency)
        ),
        *rows.RESOLUTION.arrays(
            rows.resolution_row(resolution, item.usage.id)
            for item in settlements
            for resolution in item.resolutions
        ),
        *rows.CORRECTION.arrays(row for item in settlements for row in rows.correction_rows(item)),
        *_balances(books.accounts.values()),
    )


async def write_expiries(tx: Transaction, resolutions: Sequence[Resolution], books: Books) -> None:
    """Record how holds ended that nobody settled, and the balances that follow."""
    ends = rows.RESOLUTION.arrays(rows.resolution_row(end, None) for end in resolutions)
    await tx.execute(_WRITE_EXPIRIES, *ends, *_balances(books.accounts.values()))


def _books(found: Sequence[Record], prices: PriceBook) -> Books:
    books = Books(prices)
    for row in found:
        if not row["is_open"] and row["state"] is None:
            raise Transient("a hold is being ended by another transaction", delay_s=0.1)
        books.accounts.setdefault(row["key"], _account(row))
        books.keep(
            Hold(
                id=row["id"],
                request_id=row["request_id"],
                tenant=row["tenant"],
                app=row["app"],
                budget=row["budget"],
                provider=row["provider"],
                model=row["model"],
                held_nano=row["held_nano"],
                price=_price(row),
                state=HoldState(row["state"]) if row["state"] else HoldState.PENDING,
                corrected=row["corrected"],
            )
        )
    return books

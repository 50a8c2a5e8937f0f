"""What is held of each kind of contract: what it cost, its average price, and what it earns."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fillbook.accounting.allocation import share
from fillbook.ledger import accounts
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.reports import lots, positions
from fillbook.reports._report import Query, ask

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + timedelta(days=2)

LAID = """
WITH covered AS (
    INSERT INTO derived.coverage (account_id, stream, scope, read, settled, unavailable, live)
    VALUES (%(account)s, 'executions', %(category)s,
        tstzmultirange(tstzrange(%(start)s, %(start)s + interval '1 day')), '{}', '{}',
        tstzmultirange(tstzrange(%(start)s + interval '1 day', %(start)s + interval '2 days')))
), stretch AS (
    INSERT INTO derived.stretches (account_id, category, symbol, leg, started_at, opening_evidence)
    VALUES (%(account)s, %(category)s, 'X', 'net', %(start)s, 'pinned')
), book AS (
    INSERT INTO derived.books (account_id, book_id, category, symbol, leg, owner, currency, kind,
        multiplier)
    VALUES (%(account)s, 1, %(category)s, 'X', 'net', 'b', 'C', %(kind)s, %(multiplier)s)
), mark AS (
    INSERT INTO ops.marks (venue, environment, category, symbol, mark_price, observed_at)
    VALUES ('bybit', 'paper', %(category)s, 'X', 40000, %(start)s)
)
SELECT 1
"""
LINE = """
INSERT INTO derived.lines (account_id, book_id, stretch, side, unit_start, unit_end, executed_at,
    rank, execution_key, order_key, share_start, execution_qty, price, fee, reason, evidence, value)
VALUES (%(account)s, 1, %(start)s, %(side)s, %(from)s, %(to)s, %(at)s, 0, gen_random_uuid(),
    gen_random_uuid(), 0, %(to)s - %(from)s, %(price)s, 0, 'entry', 'none', %(value)s)
"""
HELD = """
SELECT side, quantity, cost, avg_entry_price, unrealized_pnl, is_provisional, kind
FROM trading.positions
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A ledger."""
    async with open_pool(database_url) as opened:
        yield opened


async def laid(pool: Pool, kind: str, *, multiplier: str, last: timedelta) -> tuple[Any, ...]:
    """7 contracts bought at 30000 and 3 at 50000, 2 of them sold; the view's row."""
    account = await accounts.find_or_add(
        pool, name="a", venue="bybit", environment="paper", venue_user_id="1", now=NOW
    )
    words: dict[str, Any] = {
        "account": account.account_id,
        "start": START,
        "kind": kind,
        "category": kind,
        "multiplier": Decimal(multiplier),
    }
    fills = (
        (1, 0, 7, timedelta(hours=1), 30000),
        (1, 7, 10, timedelta(hours=2), 50000),
        (-1, 0, 2, last, 45000),
    )
    async with transaction(pool) as conn:
        await conn.execute(LAID.encode(), words)
        for side, low, high, after, price in fills:
            value = round(Decimal(high - low) / price, 8) if kind == "inverse" else None
            line = {"side": side, "from": low, "to": high, "at": START + after}
            await conn.execute(LINE.encode(), words | line | {"price": price, "value": value})
        rows = await (await conn.execute(HELD.encode())).fetchall()
    assert len(rows) == 1
    return rows[0]


async def test_an_inverse_lot_bears_its_part_of_what_was_printed(pool: Pool) -> None:
    """Five of seven contracts and three more: cost in the coin, an average that is harmonic."""

    side, quantity, cost, average, unrealized, is_provisional, kind = await laid(
        pool, "inverse", multiplier="1", last=timedelta(hours=3)
    )
    printed, second = Decimal("0.00023333"), Decimal("0.00006")
    expected = printed - share(printed, 0, 2, 7) + second
    (row,) = (await ask(pool, positions.REPORT, Query(), now=NOW)).rows
    first, other = (await ask(pool, lots.REPORT, Query(), now=NOW)).rows

    assert (side, quantity, cost, kind, is_provisional) == ("Buy", 8, expected, "inverse", False)
    assert round(average, 6) == round(8 / expected, 6)
    assert unrealized == expected - Decimal(8) / 40000
    assert (row.cost, row.unrealized_pnl, row.realized_pnl) == (cost, unrealized, Decimal(0))
    assert (first.quantity, other.quantity) == (Decimal(5), Decimal(3))
    assert (first.cost, other.cost) == (expected - second, second)


async def test_a_multiplier_is_part_of_the_value(pool: Pool) -> None:
    """Ten units in each contract: the average price is still a price."""

    side, quantity, cost, average, unrealized, _, kind = await laid(
        pool, "linear", multiplier="10", last=timedelta(hours=3)
    )

    assert (side, quantity, kind) == ("Buy", 8, "linear")
    assert cost == (5 * 30000 + 3 * 50000) * 10
    assert average == 37500
    assert unrealized == 8 * 40000 * 10 - cost


async def test_what_is_only_heard_is_provisional(pool: Pool) -> None:
    """The last fill lies behind the proven day, in time that was heard live."""

    row = await laid(pool, "linear", multiplier="1", last=timedelta(hours=30))
    (said,) = (await ask(pool, positions.REPORT, Query(), now=NOW)).rows

    assert row[5] is True
    assert said.is_provisional is True
    assert said.proven_until == START + timedelta(days=1)

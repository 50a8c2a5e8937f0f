"""Coverage says what is missing and why; a percentage is never rounded up to all of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from fillbook.ledger import accounts
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.reports import coverage, net_positions, positions, summary
from fillbook.reports._report import Query, ask

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + timedelta(days=10)

COVERED = """
WITH wanted AS (
    INSERT INTO ops.wanted (account_id, stream, scope, ranges)
    VALUES (%(account)s, 'executions', 'linear',
            tstzmultirange(tstzrange(%(start)s, %(start)s + interval '10 days')))
)
INSERT INTO derived.coverage (account_id, stream, scope, read, settled, unavailable)
VALUES (%(account)s, 'executions', 'linear',
    tstzmultirange(tstzrange(%(start)s + interval '2 days', %(start)s + interval '5 days'),
                   tstzrange(%(start)s + interval '6 days', %(start)s + interval '10 days')),
    tstzmultirange(tstzrange(%(start)s + interval '2 days', %(start)s + interval '3 days')),
    tstzmultirange(tstzrange(%(start)s, %(start)s + interval '1 day')))
"""
FAILED = """
INSERT INTO ops.window_failures
    (account_id, stream, scope, starts_at, ends_at, reason, failed_at, run_id)
VALUES (%(account)s, 'executions', 'linear', %(start)s + interval '5 days',
    %(start)s + interval '6 days', %(reason)s, %(at)s, %(run)s)
ON CONFLICT (account_id, stream, scope, starts_at, ends_at) DO UPDATE SET
    reason = excluded.reason
"""
FORGET = """
UPDATE derived.coverage SET read = tstzmultirange(
    tstzrange(%(start)s, %(start)s + interval '10 days' - interval '1 microsecond'))
"""
UNKNOWN_LEG = """
INSERT INTO derived.stretches (account_id, category, symbol, leg, started_at, opening_evidence)
VALUES (%(account)s, 'linear', 'BTCUSDT', 'net', %(start)s, 'unknown')
"""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A ledger with one account and no facts."""
    async with open_pool(database_url) as opened:
        yield opened


async def an_account(pool: Pool, *statements: str) -> dict[str, object]:
    found = await accounts.find_or_add(
        pool, name="a", venue="bybit", environment="paper", venue_user_id="1", now=NOW
    )
    words = {"account": found.account_id, "start": START, "at": NOW, "run": uuid4()}
    async with transaction(pool) as conn:
        for statement in statements:
            await conn.execute(statement.encode(), words | {"reason": "a broken page"})
    return words


def days(row: coverage.Gap | coverage.Covered) -> tuple[int, int]:
    return (row.starts_at - START).days, (row.ends_at - START).days


async def test_every_gap_has_its_reason(pool: Pool) -> None:
    """Too old, failed with the venue's words, or simply not read yet."""

    await an_account(pool, COVERED, FAILED)
    said = await ask(pool, coverage.REPORT, Query(), now=NOW)

    assert [(days(gap), gap.reason) for gap in said.gaps] == [
        ((0, 1), "older than the venue keeps"),
        ((1, 2), "not read yet"),
        ((5, 6), "a broken page"),
    ]
    assert [(days(row), row.grade) for row in said.rows] == [
        ((2, 3), "settled"),
        ((3, 5), "read"),
        ((6, 10), "read"),
    ]
    assert (said.percent, said.basis.gaps) == (Decimal("70.00"), 2)


async def test_a_part_of_the_time_is_judged_by_itself(pool: Pool) -> None:
    """An interval that is read is whole, whatever is missing outside."""

    await an_account(pool, COVERED)
    inside = Query(since=START + timedelta(days=3), until=START + timedelta(days=5))
    said = await ask(pool, coverage.REPORT, inside, now=NOW)

    assert (said.percent, said.gaps) == (Decimal("100.00"), ())


async def test_all_but_a_microsecond_is_not_all(pool: Pool) -> None:
    """Rounded down, so that 100.00 is a proof."""

    await an_account(pool, COVERED, FORGET)
    said = await ask(pool, coverage.REPORT, Query(), now=NOW)

    assert said.percent == Decimal("99.99")
    assert said.basis.gaps == 1


async def test_where_nothing_was_asked_nothing_is_claimed(pool: Pool) -> None:
    """No percentage, not even 100; and every report answers an empty ledger."""

    await an_account(pool)
    said = await ask(pool, coverage.REPORT, Query(), now=NOW)
    total = await ask(pool, summary.REPORT, Query(), now=NOW)

    assert (said.percent, said.read_at) == (None, None)
    assert (total.totals.trades, total.totals.net_pnl) == (0, Decimal(0))
    assert (total.totals.win_rate, total.totals.max_drawdown) == (None, None)


async def test_an_unknown_opening_is_no_position_of_zero(pool: Pool) -> None:
    """The leg is named, its quantity is not invented, and its sum is unknown."""

    await an_account(pool, COVERED, UNKNOWN_LEG)
    books = await ask(pool, positions.REPORT, Query(), now=NOW)
    net = await ask(pool, net_positions.REPORT, Query(), now=NOW)
    before = Query(as_of=START - timedelta(days=1))

    assert [(row.symbol, row.side, row.quantity, row.opening_evidence) for row in books.rows] == [
        ("BTCUSDT", "unknown", None, "unknown")
    ]
    assert [(row.symbol, row.side, row.quantity) for row in net.rows] == [
        ("BTCUSDT", "unknown", None)
    ]
    assert (await ask(pool, positions.REPORT, before, now=NOW)).rows == ()

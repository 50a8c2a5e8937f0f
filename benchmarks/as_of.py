"""What is held now, and what was held at random past instants, in a small and a large ledger (P8).

Every question goes through the report `positions`, as the command line and the API put it.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from benchmarks.booked import Ledger
from benchmarks.history import BOTS, STARTS_AT
from fillbook.accounting.leg import UNASSIGNED
from fillbook.ledger._pool import Pool, transaction
from fillbook.reports import positions
from fillbook.reports._report import Query, ask

QUESTIONS = 400
SECONDS_MAX = 120  # then as many as were asked must do
CHECKED = 5
SEED = 5
BOOK = Query(bot=BOTS[0], symbol="BTCUSDT")

Held = dict[tuple[str, str], Decimal]

# The oracle: fills up to an instant, by the bot that their tag names.
SUMMED = """
SELECT symbol, split_part(client_order_id, '-', 2),
    sum(CASE side WHEN 'Buy' THEN qty ELSE -qty END) AS qty
FROM facts.executions WHERE account_id = %(account_id)s AND executed_at <= %(at)s
GROUP BY 1, 2 HAVING sum(CASE side WHEN 'Buy' THEN qty ELSE -qty END) <> 0
"""


async def measure(ledgers: Sequence[tuple[Pool, Ledger]]) -> list[dict[str, float]]:
    """p50 and p99 in milliseconds of each kind of question, for each ledger."""
    took: list[dict[str, list[float]]] = [{} for _ in ledgers]
    chance = Random(SEED)
    for pool, ledger in ledgers:
        for _ in range(CHECKED):
            await check(pool, ledger, _instant(ledger, chance))
        await check(pool, ledger, None)
    ends_at = time.perf_counter() + SECONDS_MAX
    for asked in range(QUESTIONS):
        if asked and time.perf_counter() > ends_at:
            break
        for (pool, ledger), found in zip(ledgers, took, strict=True):
            at = _instant(ledger, chance)
            for kind, query in {
                "now": Query(),
                "as_of": Query(as_of=at),
                "book_now": BOOK,
                "book_as_of": Query(bot=BOOK.bot, symbol=BOOK.symbol, as_of=at),
            }.items():
                started = time.perf_counter()
                await ask(pool, positions.REPORT, query, now=now_of(ledger))
                found.setdefault(kind, []).append(time.perf_counter() - started)
    return [
        {
            f"{kind}_{name}_ms": round(1000 * _percentile(seconds, percent), 2)
            for kind, seconds in found.items()
            for name, percent in (("p50", 50), ("p99", 99))
        }
        for found in took
    ]


def now_of(ledger: Ledger) -> datetime:
    """The clock of the questions."""
    return ledger.proven_until + timedelta(seconds=1)


async def check(pool: Pool, ledger: Ledger, at: datetime | None) -> None:
    """The report says what the sums of the facts say."""
    answer = await ask(pool, positions.REPORT, Query(as_of=at), now=now_of(ledger))
    reported = {
        (row.symbol, row.bot_id or ""): row.quantity if row.side == "Buy" else -row.quantity
        for row in answer.rows
        if row.quantity is not None
    }
    summed = await _summed(pool, ledger, at or now_of(ledger))
    assert summed == reported, f"positions at {at}: {reported} reported, {summed} summed"


async def _summed(pool: Pool, ledger: Ledger, at: datetime) -> Held:
    async with transaction(pool) as conn:
        found = await conn.execute(SUMMED, {"account_id": ledger.account_id, "at": at})
        return {(symbol, owner or UNASSIGNED): qty for symbol, owner, qty in await found.fetchall()}


def _instant(ledger: Ledger, chance: Random) -> datetime:
    return STARTS_AT + (ledger.proven_until - STARTS_AT) * chance.random()


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]

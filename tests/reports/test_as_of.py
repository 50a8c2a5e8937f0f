"""As of a past instant the book says what a book says that ends there."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fillbook.domain.window import Window
from fillbook.reports import lots, positions
from fillbook.reports._held import Position
from fillbook.reports._report import Query, ask
from tests.ledger.handed_in import END, Hand, hand, paper_rows

DAYS = 6
ALL = Window(END - timedelta(days=DAYS), END)
INSTANTS = 6
MILLISECOND = timedelta(milliseconds=1)


def _happened(row: Position) -> Position:
    """A position without what depends on when one asks, or on what was learnt since."""
    return replace(
        row, account="", proven_until=None, mark_price=None, mark_at=None, unrealized_pnl=None,
        is_provisional=False, opening_evidence="",
    )  # fmt: skip


async def _held(one: Hand, name: str, as_of: datetime | None, now: datetime) -> list[Position]:
    query = Query(account=name, as_of=as_of)
    held = await ask(one.pool, positions.REPORT, query, now=now)
    return [_happened(row) for row in held.rows]


async def _open(one: Hand, name: str, as_of: datetime | None, now: datetime) -> list[lots.Lot]:
    query = Query(account=name, as_of=as_of)
    found = await ask(one.pool, lots.REPORT, query, now=now)
    return [replace(row, account="", unrealized_pnl=None) for row in found.rows]


async def _name(one: Hand) -> str:
    ((name,),) = await one.rows(
        "SELECT name FROM ops.accounts WHERE account_id = %s", one.account_id
    )
    return str(name)


@pytest.mark.parametrize("seed", [2, pytest.param(3, marks=pytest.mark.slow)])
async def test_as_of_equals_a_replay_to_that_instant(database_url: str, seed: int) -> None:
    """Positions, open lots and realised profit, at instants of fills and between them."""
    rows = paper_rows("same_ms_burst=0.02", executions=140, days=DAYS, seed=seed)
    chance = random.Random(seed)
    between = ALL.starts_at + timedelta(hours=chance.randint(30, 100))
    instants = [row.at for row in chance.sample(rows, INSTANTS - 1)] + [between]
    async with hand(database_url) as whole:
        await whole.book(rows)
        await whole.prove(ALL)
        name = await _name(whole)
        for at in instants:
            async with hand(database_url) as replayed:
                until = at + MILLISECOND
                await replayed.book([row for row in rows if row.at <= at])
                await replayed.prove(Window(ALL.starts_at, until))
                other = await _name(replayed)

                assert await _held(replayed, other, None, until) == await _held(
                    whole, name, at, END
                )
                assert await _open(replayed, other, None, until) == await _open(
                    whole, name, at, END
                )

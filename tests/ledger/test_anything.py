"""Anything may happen in any order: after each step the book verifies and equals a rebuilt one.

Rows come in windows with gaps between them, live and proven, late and told anew; people state all
that can be stated. What is refused changes nothing.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from fillbook.domain.instrument import LegName
from fillbook.domain.statement import (
    Assign,
    Correction,
    Intent,
    OpeningBalance,
    Price,
    Statement,
    TagPattern,
    Terms,
    Void,
)
from fillbook.domain.window import Window
from fillbook.errors import UsageError
from fillbook.ledger import leg_facts
from fillbook.ledger.statements import state
from fillbook.ledger.stating import Said
from fillbook.ledger.writing import writing
from tests.ledger.handed_in import END, Hand, Row, fill, hand

STEPS = 12
DAY = Window(END - timedelta(days=1), END)
SYMBOLS = ("BTCUSDT", "ETHUSDT")
TAGS = ("", "f1-alpha-en-00000000aa", "f1-alpha-sl-00000001aa", "f1-beta-ex-00000002aa", "mine/tp")
SEEDS = [3, 8, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(20, 32))]


@dataclass(slots=True)
class Trader:
    """Somebody who does one thing after another."""

    one: Hand
    chance: random.Random
    told: list[Row] = field(default_factory=list)

    def instant(self) -> datetime:
        return DAY.starts_at + timedelta(minutes=self.chance.randrange(24 * 60))

    def window(self) -> Window:
        first, last = sorted(self.chance.sample(range(25), 2))
        return Window(*(DAY.starts_at + timedelta(hours=hour) for hour in (first, last)))

    async def trade(self) -> None:
        """Some fills and payments become known, and some time is proven or heard."""
        draw, first = self.chance, len(self.told)
        for number in range(first, first + draw.randint(1, 7)):
            more = draw.choice([
                {}, {}, {"execFee": "0.3", "feeCurrency": "MNT"}, {"closedSize": "0"},
                {"execType": "Funding", "execFee": "-0.7"}, {"execType": "BustTrade"},
            ])  # fmt: skip
            qty, tag = draw.choice(("1", "2", "0.25")), draw.choice(TAGS)
            self.told.append(
                fill(
                    f"fill-{number}",
                    self.instant(),
                    draw.choice(("Buy", "Sell")),
                    qty,
                    order=f"order-{number // 2}",
                    orderLinkId=tag,
                    symbol=draw.choice(SYMBOLS),
                    execPrice=str(draw.randint(90, 110)),
                    **more,
                )
            )
        await self.one.book(self.told[first:])
        await self.one.prove(self.window(), outcome=draw.choice(("read", "settled", "live")))

    async def tell_again(self) -> None:
        """The venue changes its story about one row, and the next proof lays it."""
        place = self.chance.randrange(len(self.told))
        change = self.chance.choice([
            {"execPrice": "77"}, {"execQty": "3"}, {"orderLinkId": TAGS[2]}, {"execFee": "0.9"},
            {"execType": "Funding"}, {"execTime": self.told[0].body["execTime"]},
        ])  # fmt: skip
        self.told[place] = self.told[place].told_again(**change)
        await self.one.book([self.told[place]])
        if self.chance.random() < 0.7:
            await self.one.prove(self.window())

    async def say(self) -> None:
        """State something; what cannot be is refused."""
        found = await self.one.rows(
            "SELECT execution_key FROM facts.executions WHERE account_id = %s ORDER BY 1",
            self.one.account_id,
        )
        if not found:
            return
        statement = self._statement(self.chance.choice(found)[0])
        try:
            async with writing(self.one.pool, self.one.account_id, lease=None, now=END) as open_:
                await state(open_, statement, Said("ada", "to see what happens"))
        except UsageError:
            return

    def _statement(self, key: UUID) -> Statement:
        pick, span = self.chance.choice, self.window()
        name = LegName("linear", pick(SYMBOLS), "net")
        moved = self.instant().isoformat()
        changes = pick([("price", "99"), ("qty", "1.5"), ("side", "Buy"), ("executed_at", moved)])
        statements: list[Statement] = [
            Assign(key, pick(("alpha", "gamma", "unassigned", None))),
            Void(key, voided=pick((True, False))),
            Correction(key, pick(((changes,), ()))),
            OpeningBalance(name, span.starts_at, pick((Decimal(2), Decimal(-3), None)),
                           pick((None, Decimal(80))), pick(("alpha", "unassigned"))),
            Intent(pick(TAGS[1:]), pick(("gamma", None)), "trailing_stop"),
            Price("MNT", "USDT", span.starts_at, span.ends_at, pick((Decimal("0.7"), None))),
            TagPattern(pick(("", r"(?P<bot>\w+)/(?P<reason>\w+)"))),
            Terms("linear", name.symbol, pick(("linear", "inverse", "spot")), "BTC",
                  Decimal(pick((1, 10))), pick((None, Decimal("0.3")))),
        ]  # fmt: skip
        return pick(statements)


@pytest.mark.parametrize("seed", SEEDS)
async def test_anything_in_any_order(
    database_url: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Grown and rebuilt books are the same after every step, and verify finds nothing."""
    chance = random.Random(seed)
    monkeypatch.setattr(leg_facts, "CHUNK_ROWS", chance.choice((2, 5, 1000)))
    async with hand(database_url) as one:
        trader = Trader(one, chance)
        acts: list[Callable[[], Awaitable[None]]] = [
            trader.trade, trader.tell_again, trader.say, trader.say,
        ]  # fmt: skip
        await trader.trade()
        for step in range(STEPS):
            act = chance.choice(acts)
            await act()
            await one.must_stand(f"step {step}: {act.__name__}")

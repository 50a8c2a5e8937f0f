"""All four categories, one-way and hedged: the whole book against the whole truth."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import pytest

from papervenues.bybit.switches import QUESTIONS, Switches
from tests.sync.book import Book, opened, paper, whole
from tests.sync.fault_oracle import must_be_exact_or_say_why, read_on

WIDE = ("linear", "inverse", "spot", "option")
LEGS = {0: "net", 1: "long", 2: "short"}
NOBODY = "unassigned"
_HELD = """
SELECT category, symbol, leg, bot_id, CASE side WHEN 'Sell' THEN -quantity ELSE quantity END
FROM trading.positions WHERE account_id = %s AND quantity <> 0
"""
_FEES = """
SELECT category, fee_currency, sum(fee) FROM facts.current_executions WHERE account_id = %s
GROUP BY category, fee_currency
"""
Owned = dict[tuple[str, ...], Decimal]


def _added(rows: Iterable[tuple[tuple[str, ...], Decimal]]) -> Owned:
    total: Owned = defaultdict(Decimal)
    for key, qty in rows:
        total[key] += qty
    return {key: qty for key, qty in total.items() if qty}


async def _held(book: Book) -> Owned:
    found = await book.rows(_HELD, book.account_id)
    return _added(((category, symbol, leg, bot), qty) for category, symbol, leg, bot, qty in found)


@pytest.mark.parametrize("mode", ["one-way", "hedge"])
async def test_every_category_comes_out_as_it_truly_was(database_url: str, mode: str) -> None:
    """Holdings of each leg and owner, fees in each coin, both witnesses at one, the same again."""
    hedge = mode == "hedge"
    settings = paper(executions=1_200, days=25, categories=WIDE, hedge=hedge)
    async with opened(database_url, settings) as book:
        passed = await book.backfill(whole(settings))
        truth = await book.truth()
        held = await _held(book)
        legs = _added((key[:3], qty) for key, qty in held.items() if key[0] != "spot")
        owners = {key: qty for key, qty in held.items() if key[3] != NOBODY}
        fees = {(category, coin): fee for category, coin, fee in await book.rows(
            _FEES, book.account_id)}  # fmt: skip
        hashed = await book.hash()
        await book.rebuild()

        assert passed.complete
        assert passed.left_out == ()
        assert legs == {
            (row["category"], row["symbol"], LEGS[row["positionIdx"]]): Decimal(row["signedSize"])
            for row in truth["positions"]
        }
        assert owners == {
            (row["category"], row["symbol"], LEGS[row.get("positionIdx", 0)], row["bot"]): Decimal(
                row["size"]
            )
            for row in (*truth["bots"], *truth["holdings"])
            if row["bot"] is not None
        }
        assert set(await book.rows("SELECT leg FROM derived.books")) == (
            {("net",), ("long",), ("short",)} if hedge else {("net",)}
        )
        assert fees == _added(
            ((row["category"], row["feeCurrency"]), Decimal(row["execFee"]))
            for row in truth["executions"]
            if row["execType"] not in ("Funding", "SessionSettlePnL") and row["feeCurrency"]
        )
        assert await book.rows("SELECT count(*) FROM derived.disputes") == [(0,)]
        assert await book.rows("SELECT count(*) FROM facts.quarantined") == [(0,)]
        assert await book.rows("SELECT count(*) FROM derived.alarms") == [(0,)]
        assert (await book.verify()).ok
        assert hashed == await book.hash()


@pytest.mark.slow
@pytest.mark.parametrize(
    "switch",
    [
        f"{name}={choice}"
        for name, question in QUESTIONS.items()
        for choice in question.choices or ("40",)
        if choice != str(getattr(Switches(), name)).lower() and not name.startswith(("ws_", "ack"))
    ],
)
async def test_what_the_manual_leaves_open_changes_nothing(database_url: str, switch: str) -> None:
    """Each open question answered the other way: the same book."""
    settings = paper(executions=300, days=12, categories=WIDE, switches=(switch,))
    async with opened(database_url, settings) as book:
        came_to = await read_on(book, settings)
        found = await must_be_exact_or_say_why(book, settings, came_to)

        assert came_to.is_complete or "asset_kept_days" in switch
        assert found["booked"] > 250
        assert set(found) == {"booked"}

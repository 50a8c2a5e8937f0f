"""What facts speak of and no list told is found, so that the venue can be asked for it."""

from dataclasses import replace
from datetime import timedelta

from fillbook.domain.raw import digest_key
from fillbook.ledger.rebuild import wipe
from fillbook.ledger.spoken_of import note_asked, symbols_spoken_of, without_order
from tests.ledger.handed_in import END
from tests.ledger.test_disputes import HOUR, START, fills, line
from tests.ledger.test_legs import fill, order
from tests.ledger.told import Told, told


async def missing(one: Told, *, limit: int = 10) -> list[str]:
    return await without_order(
        one.pool, one.account_id, "linear", since=START + 2 * HOUR, limit=limit
    )


async def test_an_order_that_no_list_told_is_named_once(database_url: str) -> None:
    """The newest first; not the old, the forced, the known, nor those that were asked for."""
    rows = fills(6)
    partial = replace(fill("more", END - HOUR, "Sell", 1, 1), order_id="x3")
    async with told(database_url) as one:
        await one.book("executions", [*rows, partial, fill("forced", END - HOUR, "Buy", 1, 0)])
        await one.book("orders", [order("x2", START, "Buy", "net")])

        assert ["x3", "x5", "x4", "x1"] == await missing(one)
        assert ["x3", "x5"] == await missing(one, limit=2)
        await note_asked(one.pool, one.account_id, "linear", ["x5", "x4"], now=END)
        await note_asked(one.pool, one.account_id, "linear", ["x4"], now=END)
        assert ["x3", "x1"] == await missing(one)
        await one.book("orders", [order("x3", START - timedelta(days=30), "Buy", "net")])
        assert ["x1"] == await missing(one)


async def test_other_accounts_and_categories_are_asked_for_by_themselves(
    database_url: str,
) -> None:
    """What one account was asked for says nothing of another; a wipe forgets it."""
    rows = fills(3)
    async with told(database_url) as one, told(database_url) as other:
        await one.book("executions", rows)
        await other.book("executions", rows)
        await note_asked(one.pool, one.account_id, "spot", ["x1"], now=END)
        assert ["x2", "x1"] == await missing(one)
        await note_asked(one.pool, one.account_id, "linear", ["x1", "x2"], now=END)

        assert [] == await missing(one)
        assert ["x2", "x1"] == await missing(other)
        await wipe(one.pool, one.account_id, actor="test", now=END)
        await one.book("executions", rows)
        assert ["x2", "x1"] == await missing(one)


async def test_the_symbols_of_the_log_are_named_once_each(database_url: str) -> None:
    """Those of one category and one account, in order."""
    names = ("SOL-1-P", "BTC-1-C", "SOL-1-P", "", "ETH-9-C")
    lines = [
        replace(line(row), category="option", symbol=name, entry_key=digest_key("o", str(place)))
        for place, (row, name) in enumerate(zip(fills(5), names, strict=True))
    ]
    async with told(database_url) as one, told(database_url) as other:
        await one.book("account_log", [*lines, line(fills(1)[0])], scope="UNIFIED")

        assert ["BTC-1-C", "ETH-9-C", "SOL-1-P"] == await symbols_spoken_of(
            one.pool, one.account_id, "option"
        )
        assert [] == await symbols_spoken_of(other.pool, other.account_id, "option")

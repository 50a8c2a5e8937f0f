"""Profit that is paid out while a position goes on is shown, and counts in no trade."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.raw import digest_key
from fillbook.domain.window import Window
from tests.ledger.handed_in import END
from tests.ledger.test_legs import fill, payment
from tests.ledger.told import told

Row = Execution | CashFlow
START = END - timedelta(days=1)
ALL = Window(START, END)
HOUR = timedelta(hours=1)


async def test_a_session_settlement_counts_once(database_url: str) -> None:
    """The lots realise the whole profit at the exit: what was settled before is no cost of it."""
    session = replace(
        payment("s", START + 2 * HOUR, 1), kind="session", amount=Decimal(-7),
        cash_key=digest_key("execution", "s"),
    )  # fmt: skip
    rows: list[Row] = [
        fill("a", START + HOUR, "Buy", 1, 0),
        session,
        payment("f", START + 3 * HOUR, 1),
        replace(fill("b", START + 4 * HOUR, "Sell", 1, 1), price=Decimal(110)),
    ]
    async with told(database_url) as one, told(database_url) as other:
        await one.book("executions", rows)
        await one.prove("executions", "linear", ALL)
        await other.book("executions", [row for row in rows if row is not session])
        await other.prove("executions", "linear", ALL)
        trades = "SELECT gross_pnl, funding FROM trading.completed_trades WHERE account_id = %s"

        assert [(Decimal(10), Decimal("0.01"))] == await one.rows(trades, one.account_id)
        assert await other.rows(trades, other.account_id) == await one.rows(trades, one.account_id)
        shown = "SELECT kind, amount FROM trading.cash_flows WHERE account_id = %s ORDER BY kind"
        assert [("funding", Decimal("0.01")), ("session", Decimal(-7))] == await one.rows(
            shown, one.account_id
        )
        assert [(0,)] == await one.rows("SELECT count(*) FROM derived.unattached")
        await one.must_stand("a session settlement")

"""What did it all come to: in total, for each bot, and for each reason to leave?

Money is summed over trades with a known net figure; the others are counted as unvalued. Costs that
belong to no units are in no trade: they stand by themselves as unattached. A count of unread tags
says how many executions have a client id that nothing reads (the report `tags` shows them).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids, currencies
from fillbook.reports._basis import basis
from fillbook.reports._daily import daily
from fillbook.reports._report import Amount, Basis, Percent, Query, Report, Seconds, Table, table
from fillbook.reports._totals import BESIDE, EXECUTIONS, EXECUTIONS_OF_BOT, TRADED


@dataclass(frozen=True, slots=True)
class Totals:
    """All trades together."""

    executions_total: int
    trades: int
    wins: int
    losses: int
    unvalued: int
    quarantined: int
    win_rate: Percent | None
    gross_pnl: Amount
    net_pnl: Amount
    commission: Amount
    funding: Amount
    unattached_funding: Amount | None  # None where one bot is asked about: it belongs to nobody
    profit_factor: Amount | None
    expectancy: Amount | None
    max_drawdown: Amount | None
    avg_holding_seconds: Seconds | None
    first_at: datetime | None
    last_at: datetime | None
    currency: str
    synced_at: datetime | None
    unattached_fees: Amount | None
    unattached_unvalued: int | None  # of those costs, in a coin without a known price
    unread_tags: int | None


@dataclass(frozen=True, slots=True)
class BotFigures:
    """The trades of one bot."""

    bot_id: str
    trades: int
    wins: int
    losses: int
    unvalued: int
    win_rate: Percent | None
    net_pnl: Amount
    avg_pnl: Amount | None
    avg_holding_seconds: Seconds | None


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    """The trades that were left for one reason."""

    exit_reason: str
    trades: int
    wins: int
    losses: int
    unvalued: int
    win_rate: Percent | None
    net_pnl: Amount
    avg_pnl: Amount | None
    avg_holding_seconds: Seconds | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals and their parts."""

    totals: Totals
    bots: tuple[BotFigures, ...]
    exit_reasons: tuple[ReasonFigures, ...]
    other_currencies: tuple[str, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """Totals, then bots, then reasons."""
        return (
            table("summary", Totals, (self.totals,)),
            table("bots", BotFigures, self.bots),
            table("exit_reasons", ReasonFigures, self.exit_reasons),
        )


# A line of the pass over trades, in the order of its columns.
@dataclass(frozen=True, slots=True)
class _Line:
    group: str
    name: str
    trades: int
    wins: int
    losses: int
    unvalued: int
    win_rate: Percent | None
    gross: Amount
    net: Amount
    commission: Amount
    funding: Amount
    average: Amount | None
    profit_factor: Amount | None
    holding_seconds: Seconds | None
    first_at: datetime | None
    last_at: datetime | None


async def answer(conn: Connection, query: Query, *, now: datetime) -> Summary:
    """The figures of the trades that ended in the interval."""
    accounts = await account_ids(conn, query)
    currency, others = await currencies(conn, accounts, query)
    words: dict[str, object] = {
        "accounts": accounts,
        "currency": currency,
        "bot": query.bot,
        "symbol": query.symbol,
        "since": query.since,
        "until": query.until,
    }
    lines = [_Line(*row) for row in await (await conn.execute(TRADED, words)).fetchall()]
    counted = EXECUTIONS if query.bot is None else EXECUTIONS_OF_BOT
    (executions,) = await _one(conn, counted, words)
    beside = await _one(conn, BESIDE, words)
    days = await daily(conn, accounts, query, currency=currency)
    return Summary(
        totals=_totals(
            next(line for line in lines if line.group == "all"),
            currency=currency,
            executions=executions,
            beside=beside if query.bot is None else (*beside[:2], None, None, None, None),
            max_drawdown=min((day.drawdown for day in days), default=None),
        ),
        bots=tuple(BotFigures(*_figures(line)) for line in lines if line.group == "bot"),
        exit_reasons=tuple(
            ReasonFigures(*_figures(line)) for line in lines if line.group == "exit_reason"
        ),
        other_currencies=tuple(others),
        basis=await basis(
            conn, accounts, now=now, since=query.since, until=query.until, symbol=query.symbol
        ),
    )


async def _one(conn: Connection, sql: LiteralString, words: dict[str, object]) -> tuple[Any, ...]:
    row = await (await conn.execute(sql, words)).fetchone()
    assert row is not None
    return row


def _totals(
    line: _Line,
    *,
    currency: str,
    executions: int,
    beside: Sequence[Any],
    max_drawdown: Amount | None,
) -> Totals:
    quarantined, synced_at, funding, fees, unvalued, unread_tags = beside
    return Totals(
        executions_total=executions,
        trades=line.trades,
        wins=line.wins,
        losses=line.losses,
        unvalued=line.unvalued,
        quarantined=quarantined,
        win_rate=line.win_rate,
        gross_pnl=line.gross,
        net_pnl=line.net,
        commission=line.commission,
        funding=line.funding,
        unattached_funding=funding,
        profit_factor=line.profit_factor,
        expectancy=line.average,
        max_drawdown=max_drawdown,
        avg_holding_seconds=line.holding_seconds,
        first_at=line.first_at,
        last_at=line.last_at,
        currency=currency,
        synced_at=synced_at,
        unattached_fees=fees,
        unattached_unvalued=unvalued,
        unread_tags=unread_tags,
    )


def _figures(line: _Line) -> tuple[Any, ...]:
    return (
        line.name, line.trades, line.wins, line.losses, line.unvalued, line.win_rate, line.net,
        line.average, line.holding_seconds,
    )  # fmt: skip


REPORT = Report(
    name="summary",
    title="Summary",
    takes=frozenset(("account", "bot", "symbol", "currency", "since", "until")),
    answer=answer,
)

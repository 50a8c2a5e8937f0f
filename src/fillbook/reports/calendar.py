"""What was realised by day, week or month, as a calendar of any time zone counts them?

A lot match counts where its exit lies. Weeks begin on Monday. Sums are of matches with a known net
figure, so that net = gross - commission - funding holds in every line; the others are counted as
unvalued. Periods without a match are left out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.errors import UsageError
from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids, currencies
from fillbook.reports._basis import basis
from fillbook.reports._report import Amount, Basis, Query, Report, Table, table

ZONE_USUAL = "UTC"

# Names only: an abbreviation or an offset says nothing about summer time.
ZONE: LiteralString = """
SELECT name FROM pg_timezone_names WHERE lower(name) = lower(%(zone)s) ORDER BY name LIMIT 1
"""

PERIODS: LiteralString = """
SELECT
    to_char(c.starts, CASE %(by)s::text WHEN 'month' THEN 'YYYY-MM' ELSE 'YYYY-MM-DD' END),
    c.starts AT TIME ZONE %(zone)s,
    (c.starts + ('1 ' || %(by)s::text)::interval) AT TIME ZONE %(zone)s,
    c.gross, c.commission, c.funding, c.net, c.matches, c.unvalued
FROM (
    SELECT
        date_trunc(%(by)s::text, m.exit_at AT TIME ZONE %(zone)s) AS starts,
        coalesce(sum(m.gross) FILTER (WHERE n.net IS NOT NULL), 0) AS gross,
        coalesce(sum(m.entry_fee + m.exit_fee) FILTER (WHERE n.net IS NOT NULL), 0) AS commission,
        coalesce(sum(m.funding) FILTER (WHERE n.net IS NOT NULL), 0) AS funding,
        coalesce(sum(n.net), 0) AS net,
        count(*) AS matches,
        count(*) FILTER (WHERE n.net IS NULL) AS unvalued
    FROM derived.lot_matches m
    JOIN derived.books b USING (account_id, book_id)
    CROSS JOIN LATERAL (
        SELECT m.gross - m.entry_fee - m.exit_fee - m.funding AS net) AS n
    WHERE m.account_id = ANY(%(accounts)s) AND b.currency = %(currency)s
      AND (%(bot)s::text IS NULL OR b.owner = %(bot)s)
      AND (%(symbol)s::text IS NULL OR b.symbol = %(symbol)s)
      AND (%(since)s::timestamptz IS NULL OR m.exit_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR m.exit_at < %(until)s)
    GROUP BY 1
) AS c
ORDER BY c.starts
"""


@dataclass(frozen=True, slots=True)
class Period:
    """A day, week or month."""

    period: str  # the date it begins on, or the month
    starts_at: datetime
    ends_at: datetime
    gross_pnl: Amount
    commission: Amount
    funding: Amount
    net_pnl: Amount
    matches: int
    unvalued: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods in which anything was realised."""

    rows: tuple[Period, ...]
    by: str
    zone: str
    currency: str
    other_currencies: tuple[str, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("calendar", Period, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Calendar:
    """Sums of lot matches by the period of their exit."""
    accounts = await account_ids(conn, query)
    currency, others = await currencies(conn, accounts, query)
    by, zone = query.by or "day", await _zone(conn, query.zone or ZONE_USUAL)
    words = {
        "accounts": accounts,
        "currency": currency,
        "by": by,
        "zone": zone,
        "bot": query.bot,
        "symbol": query.symbol,
        "since": query.since,
        "until": query.until,
    }
    found = await (await conn.execute(PERIODS, words)).fetchall()
    return Calendar(
        rows=tuple(Period(*row) for row in found),
        by=by,
        zone=zone,
        currency=currency,
        other_currencies=tuple(others),
        basis=await basis(
            conn, accounts, now=now, since=query.since, until=query.until, symbol=query.symbol
        ),
    )


async def _zone(conn: Connection, name: str) -> str:
    found = await (await conn.execute(ZONE, {"zone": name})).fetchone()
    if found is None:
        raise UsageError(
            "There is no such time zone: write a name like Europe/Berlin, America/New_York or UTC."
        )
    zone: str = found[0]
    return zone


REPORT = Report(
    name="calendar",
    title="Calendar",
    takes=frozenset(("account", "bot", "symbol", "currency", "since", "until", "by", "zone")),
    answer=answer,
)

"""What is proven to be complete, what is missing, and why?

A gap is what was asked for and is not read. An instant at which the venue's account log tells a
fill that the executions leave out is a gap too, though every page was read, and so is one whose
row was listed and cannot be read by this version. A fill that does not fit its position chain is
part of the answer, because it means that one is missing or changed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Basis, Percent, Query, Report, Table, table

# The best grade of each stretch: corroborated is what the account log tells as well.
COVERED: LiteralString = """
SELECT a.name, c.stream, c.scope, part.grade, lower(p.piece), upper(p.piece)
FROM derived.counted c
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL (
    SELECT coalesce((
        SELECT c.read * w.pieces - coalesce((
            SELECT d.unlogged FROM derived.disputed_time d
            WHERE d.account_id = w.account_id AND d.category = w.category
        ), '{}'::tstzmultirange)
        FROM derived.witnessed_time w
        WHERE split_part(c.stream, '.', 1) = 'executions'
          AND w.account_id = c.account_id AND w.category = c.scope
    ), '{}'::tstzmultirange) AS corroborated
) AS by_log
CROSS JOIN LATERAL (VALUES
    ('corroborated', by_log.corroborated),
    ('settled', c.settled - by_log.corroborated),
    ('read', c.read - c.settled - by_log.corroborated)
) AS part (grade, ranges)
CROSS JOIN LATERAL unnest(part.ranges * tstzmultirange(tstzrange(%(since)s, %(until)s)))
    AS p (piece)
WHERE c.account_id = ANY(%(accounts)s)
ORDER BY a.name, c.stream, c.scope, lower(p.piece)
"""

REQUESTED: LiteralString = """
SELECT a.name, w.stream, w.scope, lower(p.piece), upper(p.piece)
FROM ops.wanted w
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL unnest(w.ranges * tstzmultirange(tstzrange(%(since)s, %(until)s)))
    AS p (piece)
WHERE w.account_id = ANY(%(accounts)s)
ORDER BY a.name, w.stream, w.scope, lower(p.piece)
"""

# Where several attempts failed, the newest reason counts.
GAPS: LiteralString = """
WITH missing AS (
    SELECT w.account_id, w.stream, w.scope,
        w.ranges * tstzmultirange(tstzrange(%(since)s, %(until)s))
            - coalesce(c.read, '{}'::tstzmultirange) AS ranges,
        coalesce(c.unavailable, '{}'::tstzmultirange) AS gone,
        coalesce(c.disputed, '{}'::tstzmultirange) AS disputed,
        coalesce(c.unreadable, '{}'::tstzmultirange) AS unreadable,
        coalesce(c.broken, '{}'::tstzmultirange) AS broken
    FROM ops.wanted w
    LEFT JOIN derived.counted c USING (account_id, stream, scope)
    WHERE w.account_id = ANY(%(accounts)s)
),
failures AS (
    SELECT f.account_id, f.stream, f.scope, f.reason,
        tstzmultirange(tstzrange(f.starts_at, f.ends_at)) - coalesce((
            SELECT range_agg(tstzrange(newer.starts_at, newer.ends_at))
            FROM ops.window_failures newer
            WHERE newer.account_id = f.account_id AND newer.stream = f.stream
              AND newer.scope = f.scope
              AND (newer.failed_at, newer.starts_at, newer.ends_at)
                  > (f.failed_at, f.starts_at, f.ends_at)
        ), '{}'::tstzmultirange) AS ranges
    FROM ops.window_failures f
    WHERE f.account_id = ANY(%(accounts)s)
),
parts AS (
    SELECT m.account_id, m.stream, m.scope, 'older than the venue keeps' AS reason,
        m.ranges * m.gone AS ranges
    FROM missing m
    UNION ALL
    SELECT m.account_id, m.stream, m.scope,
        'the account log tells a fill at this instant that the executions leave out',
        m.ranges * m.disputed - m.broken
    FROM missing m
    UNION ALL
    SELECT m.account_id, m.stream, m.scope,
        'balances do not add up in this time: something is missing, see the report cash_chain',
        m.ranges * m.broken
    FROM missing m
    UNION ALL
    SELECT m.account_id, m.stream, m.scope,
        'listed, and not readable by this version: see the quarantine',
        m.ranges * m.unreadable
    FROM missing m
    UNION ALL
    SELECT m.account_id, m.stream, m.scope, f.reason,
        (m.ranges - m.gone - m.disputed - m.unreadable) * f.ranges
    FROM missing m JOIN failures f USING (account_id, stream, scope)
    UNION ALL
    SELECT m.account_id, m.stream, m.scope, 'not read yet',
        m.ranges - m.gone - m.disputed - m.unreadable - coalesce((
        SELECT range_agg(tstzrange(f.starts_at, f.ends_at)) FROM ops.window_failures f
        WHERE f.account_id = m.account_id AND f.stream = m.stream AND f.scope = m.scope
    ), '{}'::tstzmultirange)
    FROM missing m
)
SELECT a.name, g.stream, g.scope, lower(p.piece), upper(p.piece), g.reason
FROM parts g
JOIN ops.accounts a USING (account_id)
CROSS JOIN LATERAL unnest(g.ranges) AS p (piece)
ORDER BY a.name, g.stream, g.scope, lower(p.piece)
"""

ALARMS: LiteralString = """
SELECT a.name, l.symbol, l.kind, count(*), min(l.executed_at), max(l.executed_at)
FROM derived.alarms l
JOIN ops.accounts a USING (account_id)
WHERE l.account_id = ANY(%(accounts)s)
  AND (%(since)s::timestamptz IS NULL OR l.executed_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR l.executed_at < %(until)s)
GROUP BY a.name, l.symbol, l.kind
ORDER BY a.name, l.symbol, l.kind
"""

READ_AT: LiteralString = """
SELECT max(last.read_at)
FROM unnest(%(accounts)s::bigint[]) AS a (account_id)
CROSS JOIN LATERAL (
    SELECT w.read_at FROM facts.windows w
    WHERE w.account_id = a.account_id AND w.outcome IN ('read', 'settled')
    ORDER BY w.chain_seq DESC LIMIT 1) AS last
"""


@dataclass(frozen=True, slots=True)
class Covered:
    """A stretch of time that is proven."""

    account: str
    stream: str
    scope: str
    grade: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Requested:
    """A stretch of time that was asked for."""

    account: str
    stream: str
    scope: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time that was asked for and is not proven."""

    account: str
    stream: str
    scope: str
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Misfits:
    """Fills of a symbol that do not fit."""

    account: str
    symbol: str
    kind: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """All that is known of completeness."""

    rows: tuple[Covered, ...]
    gaps: tuple[Gap, ...]
    requested: tuple[Requested, ...]
    alarms: tuple[Misfits, ...]
    percent: Percent | None
    read_at: datetime | None
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """What is proven, what is missing, and what does not fit."""
        return (
            table("coverage", Covered, self.rows),
            table("gaps", Gap, self.gaps),
            table("requested", Requested, self.requested),
            table("alarms", Misfits, self.alarms),
        )


async def answer(conn: Connection, query: Query, *, now: datetime) -> Coverage:
    """What is proven of the interval asked about."""
    accounts = await account_ids(conn, query)
    words = {"accounts": accounts, "since": query.since, "until": query.until}
    rests_on = await basis(conn, accounts, now=now, since=query.since, until=query.until)
    read_at = await (await conn.execute(READ_AT, words)).fetchone()
    return Coverage(
        rows=tuple(Covered(*r) for r in await (await conn.execute(COVERED, words)).fetchall()),
        gaps=tuple(Gap(*r) for r in await (await conn.execute(GAPS, words)).fetchall()),
        requested=tuple(
            Requested(*r) for r in await (await conn.execute(REQUESTED, words)).fetchall()
        ),
        alarms=tuple(Misfits(*r) for r in await (await conn.execute(ALARMS, words)).fetchall()),
        percent=rests_on.percent,
        read_at=read_at[0] if read_at else None,
        basis=rests_on,
    )


REPORT = Report(
    name="coverage",
    title="Coverage",
    takes=frozenset(("account", "since", "until")),
    answer=answer,
)

"""What does an answer rest on: how much of its interval is proven, and how fresh is that?

Figures rest on executions: what else is read, such as deposits, is told by the coverage report and
counts here no more than it does in a figure. A percentage is rounded down, so that 100.00 means all
of it.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import LiteralString

from fillbook.ledger._pool import Connection
from fillbook.reports._report import Basis

BASIS: LiteralString = """
WITH asked AS (
    SELECT w.account_id, w.stream, w.scope,
        w.ranges * tstzmultirange(tstzrange(%(since)s, %(until)s)) AS ranges,
        coalesce(c.read, '{}'::tstzmultirange) AS read
    FROM ops.wanted w
    LEFT JOIN derived.counted c USING (account_id, stream, scope)
    WHERE w.account_id = ANY(%(accounts)s) AND split_part(w.stream, '.', 1) = 'executions'
),
lengths AS (
    SELECT
        (SELECT sum(extract(epoch FROM upper(p.piece) - lower(p.piece)))
         FROM unnest(a.ranges) AS p (piece)) AS wanted_seconds,
        (SELECT sum(extract(epoch FROM upper(p.piece) - lower(p.piece)))
         FROM unnest(a.ranges * a.read) AS p (piece)) AS read_seconds,
        (SELECT count(*) FROM unnest(a.ranges - a.read)) AS gaps,
        upper(a.read) AS read_until
    FROM asked a
)
SELECT
    trunc(100 * coalesce(sum(read_seconds), 0) / nullif(sum(wanted_seconds), 0), 2),
    coalesce(sum(gaps), 0)::bigint,
    (SELECT count(*) FROM derived.alarms
     WHERE account_id = ANY(%(accounts)s) AND kind = 'chain_break'
       AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s)
       AND (%(since)s::timestamptz IS NULL OR executed_at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR executed_at < %(until)s)),
    min(read_until),
    (SELECT max(last.executed_at)
     FROM (SELECT DISTINCT account_id, category, symbol FROM derived.stretches
           WHERE account_id = ANY(%(accounts)s)) AS leg
     CROSS JOIN LATERAL (
        SELECT e.executed_at FROM facts.executions e
        WHERE e.account_id = leg.account_id AND e.category = leg.category
          AND e.symbol = leg.symbol
        ORDER BY e.executed_at DESC LIMIT 1) AS last)
FROM lengths
"""

# Where the service looks after an account, and has not said goodbye, it is read every interval.
NOT_FRESH: LiteralString = """
SELECT a.name, j.done_at, j.period_seconds
FROM ops.jobs j
JOIN ops.accounts a USING (account_id)
WHERE j.account_id = ANY(%(accounts)s) AND j.job = 'pass' AND a.state IN ('active', 'stopped')
  AND EXISTS (SELECT 1 FROM ops.workers w
              WHERE w.account_id = j.account_id AND w.stopped_at IS NULL)
  AND coalesce(j.done_at, j.started_at) < %(now)s - 2 * j.period_seconds * interval '1 second'
  AND NOT EXISTS (
    SELECT 1 FROM ops.runs r
    WHERE r.account_id = j.account_id AND r.status = 'completed'
      AND r.started_at >= %(now)s - 2 * j.period_seconds * interval '1 second')
ORDER BY j.done_at NULLS FIRST, a.name
LIMIT 1
"""

_SECOND = timedelta(seconds=1)


async def basis(
    conn: Connection,
    accounts: list[int],
    *,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    symbol: str | None = None,
) -> Basis:
    """What an answer about these accounts and this interval rests on."""
    found = await conn.execute(
        BASIS, {"accounts": accounts, "since": since, "until": until, "symbol": symbol}
    )
    row = await found.fetchone()
    assert row is not None
    percent: Decimal | None = row[0]
    read_until: datetime | None = row[3]
    age = None if read_until is None else max(0, (now - read_until) // _SECOND)
    not_fresh = await _not_fresh(conn, accounts, now)
    return Basis(percent, row[1], row[2], read_until, age, row[4], not_fresh)


async def _not_fresh(conn: Connection, accounts: list[int], now: datetime) -> str | None:
    """The account whose last pass is oldest, where that is older than two intervals."""
    row = await (await conn.execute(NOT_FRESH, {"accounts": accounts, "now": now})).fetchone()
    if row is None:
        return None
    name, done_at, seconds = row
    last = f"not since {done_at:%Y-%m-%d %H:%M} UTC" if done_at else "never yet"
    return f"{name} should be read every {timedelta(seconds=seconds)} h, and was {last}"

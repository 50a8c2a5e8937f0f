"""Does the planner know how large the tables are, and that this account is in them?

The server gathers statistics in the background, about once a minute, but a backfill fills empty
tables within seconds, and a second account fills tables whose statistics know the first one only.
Either way every index that begins with the account looks as good as any other, and a plan may look
at every row of a book for each of its trades. So whoever writes much looks whether tables have
grown by a multiple since they were last measured, or hold a good part of an account that nothing is
known of, and has them measured.
"""

from psycopg import sql

from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.kinds import KINDS

SQL = queries("statistics.sql")

PAGES_MIN = 64  # smaller tables are read well enough whatever the plan
GROWTH = 4
ROWS_UNKNOWN_MAX = 1_000  # of an account
SAMPLE_SHARE = 300  # a sample finds an account that has one row in so many

# Tables that hold many rows of an account.
LARGE = (
    "facts.raw_records",
    *(kind.table for kind in KINDS),
    "derived.lines",
    "derived.lot_matches",
    "derived.funding_shares",
    "derived.completed_trades",
    "derived.round_trips",
)

Name = tuple[str, str]  # of a schema and a table


async def keep_statistics(conn: Connection, account_id: int) -> None:
    """Measure the tables that the planner would misjudge."""
    names = {*await _grown(conn), *await _unknown(conn, account_id)}
    if names:
        tables = sql.SQL(", ").join(sql.Identifier(*name) for name in sorted(names))
        # Whoever comes second does without rather than wait.
        await conn.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(tables))


async def _grown(conn: Connection) -> list[Name]:
    found = await conn.execute(SQL["grown"], {"pages_min": PAGES_MIN, "growth": GROWTH})
    return [(schema, table) for schema, table in await found.fetchall()]


async def _unknown(conn: Connection, account_id: int) -> list[Name]:
    """Tables with many rows of an account that their statistics know nothing of."""
    what = {
        "account_id": account_id,
        "tables": list(LARGE),
        "rows_max": ROWS_UNKNOWN_MAX,
        "sample_share": SAMPLE_SHARE,
    }
    found = await (await conn.execute(SQL["silent"], what)).fetchall()
    return [
        (schema, table)
        for schema, table, rows in found
        if await _has_more(conn, (schema, table), account_id, rows)
    ]


async def _has_more(conn: Connection, name: Name, account_id: int, rows: int) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE account_id = %s OFFSET %s LIMIT 1")
    found = await conn.execute(query.format(sql.Identifier(*name)), (account_id, rows))
    return await found.fetchone() is not None

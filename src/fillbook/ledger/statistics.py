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

SQL = queries("statistics.sql")

PAGES_MIN = 64  # smaller tables are read well enough whatever the plan
GROWTH = 4
ROWS_UNKNOWN_MAX = 1_000  # of an account
SAMPLE_SHARE = 300  # a sample finds an account that has one row in so many


async def keep_statistics(conn: Connection, account_id: int) -> None:
    """Measure the tables that the planner would misjudge."""
    what = {
        "account_id": account_id,
        "pages_min": PAGES_MIN,
        "growth": GROWTH,
        "rows_max": ROWS_UNKNOWN_MAX,
        "sample_share": SAMPLE_SHARE,
    }
    found = await conn.execute(SQL["misjudged"], what)
    names = [sql.Identifier(*row) for row in await found.fetchall()]
    if names:
        # Whoever comes second does without rather than wait.
        await conn.execute(sql.SQL("ANALYZE (SKIP_LOCKED) {}").format(sql.SQL(", ").join(names)))

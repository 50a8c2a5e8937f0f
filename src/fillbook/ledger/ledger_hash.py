"""One number for a whole book: equal books have equal hashes, however they came about.

It covers the sorted content of facts and derived rows, without chain links, receipt times and run
ids: facts as they stand, however often they were told. Two machines that read the same history
agree on it. Orders are left out: which of them a venue still tells depends on when it is asked.
"""

from hashlib import sha256

from fillbook.ledger._pool import Pool, snapshot
from fillbook.ledger._queries import queries
from fillbook.ledger.kinds import KINDS

SQL = queries("verify.sql")

_CONTENTS = (
    *(kind.content for kind in KINDS if kind.content),
    "content_stretches",
    "content_lines",
    "content_matches",
    "content_funding_shares",
    "content_trades",
    "content_trips",
    "content_alarms",
    "content_books",
    "content_unattached",
    "content_disputes",
)


async def ledger_hash(pool: Pool, account_id: int) -> str:
    """The hash of one account's book.

    The server hashes each row and then the sorted digests, so that neither a server's order nor its
    collation matters, and rows need not travel.
    """
    digest = sha256()
    async with snapshot(pool) as conn:
        for name in _CONTENTS:
            found = await conn.execute(SQL[name], {"account_id": account_id})
            row = await found.fetchone()
            assert row is not None
            digest.update(f"{name} {row[0]}\n".encode())
    return digest.hexdigest()

"""One number for a whole book: equal books have equal hashes, however they came about.

It covers the sorted content of facts and derived rows, without chain links, receipt times and run
ids: facts as they stand, however often they were told. Two machines that read the same history
agree on it. Orders are left out: which of them a venue still tells depends on when it is asked.
"""

from collections.abc import Mapping
from hashlib import sha256

from fillbook.ledger._pool import Connection, Pool, snapshot
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
    """The hash of one account's book."""
    async with snapshot(pool) as conn:
        return hash_of(await content_digests(conn, account_id))


async def content_digests(conn: Connection, account_id: int) -> dict[str, str]:
    """A digest of each kind of content, in the order in which they are hashed.

    The server hashes each row and then the sorted digests, so that neither a server's order nor its
    collation matters, and rows need not travel.
    """
    digests = {}
    for name in _CONTENTS:
        found = await conn.execute(SQL[name], {"account_id": account_id})
        row = await found.fetchone()
        assert row is not None
        digests[name] = str(row[0])
    return digests


def hash_of(digests: Mapping[str, str]) -> str:
    """The ledger hash that the digests of a book's contents come to."""
    said = "".join(f"{name} {digest}\n" for name, digest in digests.items())
    return sha256(said.encode()).hexdigest()


def recipe() -> str:
    """What the hash is made of: hashes of two programs compare only where this is the same."""
    return sha256("\n".join(f"{name} {SQL[name]}" for name in _CONTENTS).encode()).hexdigest()

"""Verifying: is the book what the facts say, and are the facts what was received?

Four questions, each answered by recomputing beside what is stored, in one snapshot and a chunk at a
time. Memory grows with the records that were told more than once, and with nothing else:

1. *Chain.* Does every raw record, window and statement hash to its link, is none missing, does the
   head agree?
2. *Readings.* Do the raw records, read again, and the statements give exactly the facts booked?
3. *Coverage.* Do the windows fold to the coverage that is shown, and do the list and the account
   log disagree just where that is said?
4. *Figures.* Does laying every leg from its facts give exactly the derived rows?

A difference is a value that names its place; the first ones are collected, so that one does not
hide the rest.
"""

from psycopg.rows import TupleRow

from fillbook.errors import LedgerError
from fillbook.ledger import accounts, chain_breaks, disputes
from fillbook.ledger._pool import Connection, Pool, snapshot
from fillbook.ledger._queries import queries
from fillbook.ledger.derived import DERIVATION_VERSION
from fillbook.ledger.proofs import as_windows
from fillbook.ledger.rebuild import covered_by_windows, known_to_count
from fillbook.ledger.verify_figures import figures_differ
from fillbook.ledger.verify_readings import Parse, Verified, chain_and_readings

SQL = queries("verify.sql")

__all__ = ["Parse", "Verified", "verify"]


async def verify(pool: Pool, account_id: int, parse: Parse) -> Verified:
    """Verify one account, in one snapshot."""
    result = Verified()
    async with snapshot(pool) as conn:
        await chain_and_readings(conn, account_id, parse, result)
        await _terms(conn, account_id, result)
        found = await conn.execute(SQL["laid_version"], {"account_id": account_id})
        laid = await found.fetchone()
        if laid is not None and laid[0] != DERIVATION_VERSION:
            result.rebuild_needed = True
            return result
        await _coverage(conn, account_id, result)
        await _disputes(conn, account_id, result)
        await _figures(conn, account_id, laid, result)
    return result


async def _figures(
    conn: Connection, account_id: int, laid: TupleRow | None, result: Verified
) -> None:
    """Derived rows are what laying gives, and facts count up to the last proof or statement."""
    try:
        through = (await known_to_count(conn, account_id)).through
        if laid is not None and laid[1] != through:
            result.add("derived.laid", f"facts count up to {laid[1]}, it must be {through}")
        async for where, what in figures_differ(conn, account_id):
            if where == "leg":
                result.legs += 1
            else:
                result.add(where, what)
    except LedgerError as error:  # a statement that was tampered with, and named already
        result.add("facts.statements", str(error))


async def _disputes(conn: Connection, account_id: int, result: Verified) -> None:
    """The list and the account log disagree just where that is said."""
    try:
        through = (await known_to_count(conn, account_id)).through
    except LedgerError:  # a statement that was tampered with, and is named elsewhere
        return
    if await disputes.differ(conn, account_id, through=through):
        result.add("derived.disputes", "they differ from what the list and the account log tell")
    if await chain_breaks.differ(conn, account_id):
        result.add("derived.chain_breaks", "they differ from what the account log tells")


async def _terms(conn: Connection, account_id: int, result: Verified) -> None:
    """Contract terms hash to what was noted when they were booked."""
    found = await conn.execute(SQL["all_terms"], {"account_id": account_id})
    for *columns, hashed in await found.fetchall():
        words = tuple(bytes(w) if isinstance(w, memoryview) else w for w in columns)
        if accounts.terms_hash(words) != bytes(hashed):
            result.add("facts.contract_terms", f"{columns[3]} was changed after it was booked")


async def _coverage(conn: Connection, account_id: int, result: Verified) -> None:
    """Windows fold to the coverage that is shown."""
    folded = {
        (covered.stream, covered.scope): (
            covered.read,
            covered.settled,
            covered.unavailable,
            covered.live,
        )
        for covered in await covered_by_windows(conn, account_id)
    }
    found = await conn.execute(SQL["all_coverage"], {"account_id": account_id})
    stored = {
        (stream, scope): tuple(tuple(as_windows(ranges)) for ranges in four)
        for stream, scope, *four in await found.fetchall()
    }
    for stream, scope in sorted(folded.keys() | stored.keys()):
        if folded.get((stream, scope)) != stored.get((stream, scope)):
            result.add("derived.coverage", f"{stream} {scope} differs from what the windows prove")

"""Whose figures are asked for: the accounts of a query, by number, and what money they count in.

A name that nothing in the ledger has is an error that says which names there are: an empty answer
to a typing error would look like a bot that never traded.
"""

from typing import LiteralString

from fillbook.errors import NotFound
from fillbook.ledger._pool import Connection
from fillbook.reports._report import Query

NAMES_SHOWN_MAX = 20
NOBODY = "unassigned"

ACCOUNTS: LiteralString = """
SELECT account_id FROM ops.accounts
WHERE %(account)s::text IS NULL OR name = %(account)s
ORDER BY account_id
"""

# Sums are never made over two currencies: unless one is asked, the one with the most books counts.
CURRENCIES: LiteralString = """
SELECT currency FROM derived.books
WHERE account_id = ANY(%(accounts)s)
GROUP BY currency ORDER BY count(*) DESC, currency
"""

BOTS: LiteralString = """
SELECT bot_id FROM facts.bots
UNION
SELECT owner FROM derived.books WHERE owner <> 'unassigned'
ORDER BY 1
"""

# What was traded; what is listed or only booked counts as known, and is not worth naming.
SYMBOLS: LiteralString = """
SELECT DISTINCT symbol FROM derived.stretches ORDER BY 1
"""
IS_SYMBOL: LiteralString = """
SELECT EXISTS (SELECT 1 FROM facts.contract_terms WHERE symbol = %(symbol)s)
    OR EXISTS (
        SELECT 1 FROM (SELECT DISTINCT account_id, scope FROM ops.wanted) AS w
        JOIN facts.executions e ON e.account_id = w.account_id AND e.category = w.scope
        WHERE e.symbol = %(symbol)s)
"""


async def account_ids(conn: Connection, query: Query) -> list[int]:
    """The accounts that a query means; a name that nothing has is an error."""
    found = await (await conn.execute(ACCOUNTS, {"account": query.account})).fetchall()
    if not found and query.account is not None:
        raise NotFound("There is no account of that name: `fillbook report status` shows them.")
    if query.bot not in (None, NOBODY):
        await _check_bot(conn, query.bot or "")
    if query.symbol is not None:
        await check_symbol(conn, query.symbol)
    return [row[0] for row in found]


async def currencies(conn: Connection, accounts: list[int], query: Query) -> tuple[str, list[str]]:
    """The currency that sums are made in, and those that they leave out."""
    found = await (await conn.execute(CURRENCIES, {"accounts": accounts})).fetchall()
    known = [row[0] for row in found]
    if query.currency is not None and query.currency not in known:
        raise NotFound("No book is kept in that currency.")
    chosen = query.currency or (known[0] if known else "")
    return chosen, sorted(word for word in known if word != chosen)


async def known_bots(conn: Connection) -> list[str]:
    """The bots that are registered or were seen, by name."""
    return [row[0] for row in await (await conn.execute(BOTS)).fetchall()]


async def _check_bot(conn: Connection, bot: str) -> None:
    known = await known_bots(conn)
    if known and bot not in known:
        raise NotFound(f"There is no such bot; there are: {_shown(known)}.")


async def check_symbol(conn: Connection, symbol: str) -> None:
    """Refuse a symbol that nothing in the ledger has; an empty ledger refuses none."""
    known = [row[0] for row in await (await conn.execute(SYMBOLS)).fetchall()]
    if not known or symbol in known:
        return
    row = await (await conn.execute(IS_SYMBOL, {"symbol": symbol})).fetchone()
    if row is None or not row[0]:
        raise NotFound(f"There is no such symbol in the ledger; there are: {_shown(known)}.")


def _shown(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN_MAX
    return ", ".join(names[:NAMES_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")

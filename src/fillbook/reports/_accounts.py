"""Whose figures are asked for: the accounts of a query, by number, and what money they count in."""

from typing import LiteralString

from fillbook.errors import NotFound
from fillbook.ledger._pool import Connection
from fillbook.reports._report import Query

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


async def account_ids(conn: Connection, query: Query) -> list[int]:
    """The accounts that a query means; a name that nobody has is an error."""
    found = await (await conn.execute(ACCOUNTS, {"account": query.account})).fetchall()
    if not found and query.account is not None:
        raise NotFound("There is no account of that name: `fillbook report status` shows them.")
    return [row[0] for row in found]


async def currencies(conn: Connection, accounts: list[int], query: Query) -> tuple[str, list[str]]:
    """The currency that sums are made in, and those that they leave out."""
    found = await (await conn.execute(CURRENCIES, {"accounts": accounts})).fetchall()
    known = [row[0] for row in found]
    if query.currency is not None and query.currency not in known:
        raise NotFound("No book is kept in that currency.")
    chosen = query.currency or (known[0] if known else "")
    return chosen, sorted(word for word in known if word != chosen)

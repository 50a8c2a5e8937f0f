"""Who stated what, when and why, and does it still stand?

Newest first. The terms of contracts are left out: they are stated as the venue lists them. A
statement stands until a later one on the same subject overrules it, or withdraws it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

from fillbook.domain import money
from fillbook.domain.statement import (
    Assign,
    Correction,
    Intent,
    OpeningBalance,
    Price,
    Statement,
    TagPattern,
    Terms,
    Void,
)
from fillbook.ledger import stating
from fillbook.ledger._pool import Connection
from fillbook.ledger.statements import FOUND_MAX, Found
from fillbook.reports._accounts import account_ids
from fillbook.reports._basis import basis
from fillbook.reports._report import Basis, Query, Report, Table, table

STATED: LiteralString = """
SELECT a.name, s.statement_id, s.kind, s.body, s.stated_at, s.stated_by, s.reason, s.state,
    e.symbol, e.execution_id,
    (SELECT count(*) FROM ops.restatements r
     WHERE r.account_id = s.account_id AND r.caused_by = s.statement_id)
FROM trading.statements s
JOIN ops.accounts a USING (account_id)
LEFT JOIN LATERAL (
    SELECT x.symbol, x.execution_id FROM facts.executions x
    WHERE s.kind IN ('assign', 'correction', 'void')
      AND x.account_id = s.account_id AND x.execution_key = s.target LIMIT 1) AS e ON true
WHERE s.account_id = ANY(%(accounts)s) AND s.kind <> 'terms'
  AND (%(since)s::timestamptz IS NULL OR s.stated_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR s.stated_at < %(until)s)
ORDER BY s.stated_at DESC, s.account_id, s.statement_id DESC
LIMIT %(limit)s
"""

STANDING: LiteralString = """
SELECT body FROM trading.statements
WHERE account_id = %(account_id)s AND kind = %(kind)s AND target = %(target)s
  AND state = 'standing'
ORDER BY statement_id
"""

# As a person finds them again: by any id, in the last reading before they were taken out.
VOIDED: LiteralString = """
SELECT DISTINCT ON (e.executed_at, e.execution_key)
    e.execution_key, e.category, e.symbol, e.leg, e.side, e.qty, e.price, e.executed_at,
    e.execution_id, e.order_id, e.client_order_id
FROM facts.executions e
JOIN trading.statements s
  ON s.account_id = e.account_id AND s.target = e.execution_key
 AND s.kind = 'void' AND s.state = 'standing'
WHERE e.account_id = %(account_id)s
  AND (e.execution_id = %(id)s OR e.order_id = %(id)s OR e.client_order_id = %(id)s)
ORDER BY e.executed_at, e.execution_key, e.revision DESC
LIMIT %(limit)s
"""

LAST: LiteralString = """
SELECT body, stated_by FROM facts.statements
WHERE account_id = %(account_id)s AND kind = %(kind)s AND target = %(target)s
ORDER BY chain_seq DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One statement, in words."""

    account: str
    statement_id: int  # the link of the account's chain
    kind: str
    subject: str
    said: str
    stated_at: datetime
    stated_by: str
    reason: str
    state: str  # standing, overruled, undone, or itself a withdrawal
    restated: int  # completed trades that it changed


@dataclass(frozen=True, slots=True)
class Statements:
    """The newest first."""

    rows: tuple[StatementRow, ...]
    basis: Basis

    def tables(self) -> tuple[Table, ...]:
        """One table."""
        return (table("statements", StatementRow, self.rows),)


async def answer(conn: Connection, query: Query, *, now: datetime) -> Statements:
    """The statements of an interval."""
    accounts = await account_ids(conn, query)
    words = {
        "accounts": accounts,
        "since": query.since,
        "until": query.until,
        "limit": query.rows_max,
    }
    found = await (await conn.execute(STATED, words)).fetchall()
    rows = []
    for account, link, kind, body, at, by, reason, state, symbol, execution, restated in found:
        subject, said = in_words(stating.read(kind, body))
        if execution is not None:
            subject = f"{symbol} {execution}"
        rows.append(
            StatementRow(account, link, kind, subject, said, at, by, reason, state, restated)
        )
    return Statements(rows=tuple(rows), basis=await basis(conn, accounts, now=now))


async def standing(
    conn: Connection, account_id: int, kind: str, target: UUID
) -> tuple[Statement, ...]:
    """What stands of a kind on a subject."""
    words = {"account_id": account_id, "kind": kind, "target": target}
    found = await (await conn.execute(STANDING, words)).fetchall()
    return tuple(stating.read(kind, body) for (body,) in found)


async def find_voided(conn: Connection, account_id: int, text: str) -> list[Found]:
    """Executions that a person took out, by their own id, their order's id or their client id."""
    words = {"account_id": account_id, "id": text, "limit": FOUND_MAX}
    found = await conn.execute(VOIDED, words)
    return [Found(*row) for row in await found.fetchall()]


async def last(conn: Connection, account_id: int, kind: str, target: UUID) -> Statement | None:
    """The last word of a kind on a subject, a withdrawal too."""
    words = {"account_id": account_id, "kind": kind, "target": target}
    row = await (await conn.execute(LAST, words)).fetchone()
    return None if row is None else stating.read(kind, row[0])


def in_words(statement: Statement) -> tuple[str, str]:
    """What a statement is about, and what it says of it."""
    match statement:
        case Assign():
            return str(statement.execution_key), _owned(statement.bot, statement.reason)
        case Correction():
            changes = ", ".join(f"{name} = {text}" for name, text in statement.changes)
            return str(statement.execution_key), changes or "as the venue told it"
        case Void():
            said = "counts nowhere" if statement.voided else "counts again"
            return str(statement.execution_key), said
        case OpeningBalance():
            return _opening(statement)
        case Intent():
            return statement.client_order_id, _owned(statement.bot, statement.reason)
        case Price():
            at = f"{_time(statement.starts_at)} to {_time(statement.ends_at)}"
            price = _amount(statement.price, none="no known price")
            return f"{statement.coin} in {statement.currency}, {at}", price
        case TagPattern():
            return "client ids", statement.pattern or "no pattern of its own"
        case Terms():
            multiplier = money.text(statement.multiplier)
            return statement.symbol, f"{statement.kind}, multiplier {multiplier}"


def _owned(bot: str | None, reason: str | None) -> str:
    if bot is None:
        return "whose it is found to be"
    return bot + (f", {reason}" if reason else "")


def _opening(statement: OpeningBalance) -> tuple[str, str]:
    name = statement.name
    subject = f"{name.symbol} {name.leg} at {_time(statement.at)}"
    if statement.qty is None:
        return subject, "as found"
    price = _amount(statement.price, none="an unknown price")
    return subject, f"{money.text(statement.qty)} at {price}, {statement.owner}"


def _amount(amount: Decimal | None, *, none: str) -> str:
    return none if amount is None else money.text(amount)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


REPORT = Report(
    name="statements",
    title="Statements",
    takes=frozenset(("account", "since", "until", "limit")),
    answer=answer,
)

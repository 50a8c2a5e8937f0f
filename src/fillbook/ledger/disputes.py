"""Where two witnesses disagree: the list of executions and the account log that the venue keeps.

In time that both were read for, every fill stands in both. A line of the log whose fill is in no
execution puts that instant in dispute: something was left out of the list, so the instant does not
count as read until the row turns up. A row that was listed, and that this version cannot read, was
not left out: that instant does not count as read either, but asking again brings nothing new. A
fill that the log leaves out takes nothing from what is read; there the log merely corroborates
nothing.

A dispute is a function of facts and coverage. It is kept in the transaction that makes facts count:
for the time that became witnessed with it, and for the executions that were told or spoken of since
the last one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from fillbook.domain.window import Window, minus
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries
from fillbook.ledger.statistics import keep_statistics
from fillbook.ledger.writing import Writing

SQL = queries("disputes.sql")

# Lines of the log that speak of fills and of payments that come in the list of executions.
PAYMENTS = "SETTLEMENT"
OF_EXECUTIONS = ("TRADE", "LIQUIDATION", "ADL", PAYMENTS, "DELIVERY")
WITNESSES = frozenset(("executions", "account_log"))

# How far the times of one fill may lie apart in both lists, where only its id tells that it is one.
APART = timedelta(seconds=1)

KEYS_MANY = 1_000  # a look-up for each of them wants a planner that knows the tables

ByCategory = Mapping[str, Sequence[Window]]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The time that both witnesses tell of, by category."""

    pieces: ByCategory = field(default_factory=dict)

    def beyond(self, before: "Witnessed") -> list[tuple[str, Window]]:
        """What of it was not witnessed before."""
        return [
            (category, window)
            for category, windows in sorted(self.pieces.items())
            for window in minus(windows, before.pieces.get(category, ()))
        ]


async def witnessed(conn: Connection, account_id: int) -> Witnessed:
    """What both witnesses tell of."""
    found = await conn.execute(SQL["witnessed"], {"account_id": account_id})
    return Witnessed(
        {
            category: [Window(piece.lower, piece.upper) for piece in pieces]
            for category, pieces in await found.fetchall()
        }
    )


async def note(writing: Writing, *, since: int, before: Witnessed | None) -> None:
    """Bring disputes up to date with the facts since a link of the chain.

    `before` is what was witnessed before this transaction; None when it proves neither witness.
    """
    now = await witnessed(writing.conn, writing.account_id)
    if not now.pieces:
        return
    keys = await _keys_in_question(writing, since)
    fresh = [] if before is None else now.beyond(before)
    if not keys and not fresh:
        return
    if len(keys) >= KEYS_MANY:
        await keep_statistics(writing.conn, writing.account_id)
    words = _words(writing.account_id, fresh, keys, through=writing.head.seq)
    await writing.conn.execute(SQL["drop_disputes"], words)
    await _put(writing.conn, words)


async def _keys_in_question(writing: Writing, since: int) -> list[UUID]:
    words = {"account_id": writing.account_id, "since": since, "apart": APART}
    await writing.conn.execute(SQL["in_order_of_index"])
    found = await (await writing.conn.execute(SQL["keys_in_question"], words)).fetchall()
    await writing.conn.execute(SQL["sorting_again"])
    return [row[0] for row in found]


async def lay_all(conn: Connection, account_id: int, *, through: int) -> None:
    """Put the disputes of an account that has none yet."""
    now = await witnessed(conn, account_id)
    if now.pieces:
        everything = _words(account_id, now.beyond(Witnessed()), [], through=through)
        await _put(conn, everything)


async def differ(conn: Connection, account_id: int, *, through: int) -> bool:
    """Whether the disputes that are kept are not those that facts make."""
    everything = (await witnessed(conn, account_id)).beyond(Witnessed())
    words = _words(account_id, everything, [], through=through)
    await conn.execute(SQL["in_order_of_index"])
    found = await (await conn.execute(SQL["disputes_found"], words)).fetchall()
    await conn.execute(SQL["sorting_again"])
    kept = await (await conn.execute(SQL["all_disputes"], words)).fetchall()
    return set(found) != set(kept)


async def _put(conn: Connection, words: dict[str, object]) -> None:
    await conn.execute(SQL["in_order_of_index"])
    await conn.execute(SQL["put_disputes"] + "\n" + SQL["disputes_found"], words)
    await conn.execute(SQL["sorting_again"])


def _words(
    account_id: int, stretches: Sequence[tuple[str, Window]], keys: list[UUID], *, through: int
) -> dict[str, object]:
    return {
        "account_id": account_id,
        "categories": [category for category, _ in stretches],
        "starts": [window.starts_at for _, window in stretches],
        "ends": [window.ends_at for _, window in stretches],
        "keys": keys,
        "kinds": list(OF_EXECUTIONS),
        "payments": PAYMENTS,
        "apart": APART,
        "through": through,
    }

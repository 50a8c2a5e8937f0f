"""Accounts: found by the venue's own user id, so that a rotated key is the same account."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from uuid import uuid4

from fillbook.domain import money
from fillbook.domain.account import Account
from fillbook.domain.instrument import ContractTerms, Mark
from fillbook.domain.window import microseconds
from fillbook.errors import UsageError
from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import Genesis, genesis

SQL = queries("accounts.sql")

NO_ACCOUNT = 0  # in the audit log: an act that concerns no single account


async def find_or_add(
    pool: Pool, *, name: str, venue: str, environment: str, venue_user_id: str, now: datetime
) -> Account:
    """The account of a venue's user; a new one gets the name, or the next free one like it."""
    what = {"venue": venue, "environment": environment, "venue_user_id": venue_user_id, "now": now}
    async with transaction(pool) as conn:
        found = await (await conn.execute(SQL["find_account"], what)).fetchone()
        if found:
            return Account(*found)
        for free in (name, f"{name}-{venue_user_id}"):
            added = await (await conn.execute(SQL["add_account"], what | {"name": free})).fetchone()
            if added is not None:
                why = {"opened_by": "fillbook", "reason": "account added"}
                await open_chain(conn, added[0], generation=1, now=now, **why)
                return Account(added[0], free, venue, environment, venue_user_id)
            # Another process may have added it meanwhile; else the name is taken by another user.
            found = await (await conn.execute(SQL["find_account"], what)).fetchone()
            if found:
                return Account(*found)
    raise UsageError(f"The account name {name} is taken: give this key another name.")


async def all_accounts(pool: Pool) -> list[Account]:
    """Every account, by name."""
    async with transaction(pool) as conn:
        return [
            Account(*row) for row in await (await conn.execute(SQL["list_accounts"])).fetchall()
        ]


async def open_chain(
    conn: Connection,
    account_id: int,
    *,
    generation: int,
    opened_by: str,
    reason: str,
    now: datetime,
) -> None:
    """Begin a chain: the first one of an account, or the next generation after a wipe."""
    found = await conn.execute(SQL["identity_of"], {"account_id": account_id})
    identity = await found.fetchone()
    assert identity is not None
    _, venue, environment, user = identity
    hashed = genesis(
        Genesis(account_id, venue, environment, user, generation, now, opened_by, reason)
    )
    what = {
        "account_id": account_id,
        "generation": generation,
        "opened_at": now,
        "opened_by": opened_by,
        "reason": reason,
        "chain_hash": hashed,
    }
    await conn.execute(SQL["add_genesis"], what)
    await conn.execute(SQL["put_head"], what)


async def put_terms(
    pool: Pool, account: Account, terms: Sequence[ContractTerms], *, now: datetime
) -> int:
    """Book contract terms that are new or have changed; returns how many."""
    where = {"venue": account.venue, "environment": account.environment}
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["latest_terms"], where)
        known = {(row[0], row[1]): bytes(row[2]) for row in await found.fetchall()}
        changed = 0
        for term in terms:
            if known.get((term.category, term.symbol)) == term.body:
                continue
            changed += 1
            columns = where | term_columns(term) | {"valid_from": now}
            columns["content_hash"] = terms_hash(tuple(columns.values()))
            await conn.execute(SQL["add_terms"], columns)
        return changed


def terms_hash(columns: tuple[object, ...]) -> bytes:
    """What a row of contract terms must hash to: all its columns, in the order of the table."""
    words = (word if isinstance(word, bytes) else _word(word).encode() for word in columns)
    return sha256(b"\x1f".join(words)).digest()


def _word(value: object) -> str:
    if isinstance(value, Decimal):
        return money.text(value)
    return str(microseconds(value)) if isinstance(value, datetime) else str(value)


def term_columns(term: ContractTerms) -> dict[str, object]:
    """The columns of a contract's terms."""
    return {
        "category": term.category,
        "symbol": term.symbol,
        "kind": term.kind,
        "base": term.base,
        "quote": term.quote,
        "settle": term.settle,
        "multiplier": term.multiplier,
        "price_step": term.price_step,
        "qty_step": term.qty_step,
        "qty_min": term.qty_min,
        "body": term.body,
    }


async def categories_held(pool: Pool, account_id: int) -> list[str]:
    """The categories in which an account has ever held something."""
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["categories_held"], {"account_id": account_id})
        return [row[0] for row in await found.fetchall()]


async def put_marks(pool: Pool, account: Account, marks: Sequence[Mark], *, now: datetime) -> None:
    """Keep the last mark prices seen."""
    async with transaction(pool) as conn:
        for mark in sorted(marks, key=lambda mark: (mark.category, mark.symbol)):
            await conn.execute(
                SQL["put_mark"],
                {
                    "venue": account.venue,
                    "environment": account.environment,
                    "category": mark.category,
                    "symbol": mark.symbol,
                    "mark_price": mark.price,
                    "observed_at": now,
                },
            )


async def audit(
    conn: Connection, *, account_id: int, actor: str, act: str, detail: str, now: datetime
) -> None:
    """Remember an act."""
    await conn.execute(
        SQL["add_audit"],
        {
            "account_id": account_id,
            "audit_id": uuid4(),
            "happened_at": now,
            "actor": actor,
            "act": act,
            "detail": detail,
        },
    )

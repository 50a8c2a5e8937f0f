"""What venues said about keys, and what follows from it for an account.

A check is kept when a key says something else than before, and once a day where it says the same.
An account is in one of four states. Its owner pauses and removes it; a key that has become able to
withdraw stops it, until a key check finds that it no longer is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import uuid4

from fillbook.domain.account import Account, KeyFacts
from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries

SQL = queries("key_checks.sql")

State = Literal["active", "paused", "stopped", "removed"]

EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What a venue said about a key, and when."""

    checked_at: datetime
    fingerprint: str
    source: str  # stored, environment
    can_trade: bool
    can_withdraw: bool
    expires_on: date | None
    is_bound: bool
    account_kind: str

    def days_left(self, now: datetime) -> int | None:
        """Days until the key expires; None when it does not, or nobody knows."""
        return None if self.expires_on is None else max(0, (self.expires_on - now.date()).days)

    @property
    def may(self) -> str:
        """What the key may do, in a word."""
        return "withdraw" if self.can_withdraw else "trade" if self.can_trade else "read"

    def says_the_same(self, other: "KeyCheck") -> bool:
        """Whether only time has passed. A day of expiry may round to either side of midnight."""
        mine, theirs = self.expires_on, other.expires_on
        if (mine is None) != (theirs is None):
            return False
        if mine and theirs and abs((mine - theirs).days) > 1:
            return False
        return replace(self, checked_at=other.checked_at, expires_on=theirs) == other


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account, its state, and what is known of its key."""

    account: Account
    state: State
    reason: str
    stored: str | None  # the fingerprint of the stored key
    checks: tuple[KeyCheck, ...]  # the last one of each key, the newest first

    def check_of(self, mark: str) -> KeyCheck | None:
        """What was last said of the key with this fingerprint."""
        return next((check for check in self.checks if check.fingerprint == mark), None)


def check_of(key: KeyFacts, *, fingerprint: str, source: str, now: datetime) -> KeyCheck:
    """What a venue says now, as it is kept."""
    days = key.expires_in_days
    return KeyCheck(
        checked_at=now,
        fingerprint=fingerprint,
        source=source,
        can_trade=key.can_trade,
        can_withdraw=key.can_withdraw,
        expires_on=None if days is None else (now + timedelta(days=days)).date(),
        is_bound=key.bound_to_addresses,
        account_kind=key.account_kind,
    )


async def record(conn: Connection, account_id: int, check: KeyCheck) -> bool:
    """Keep a check if it is news, or a day after the last one; returns whether it was kept."""
    what: dict[str, object] = {"account_id": account_id, "fingerprint": check.fingerprint}
    found = await (await conn.execute(SQL["last_check"], what)).fetchone()
    last = KeyCheck(*found) if found else None
    if last and check.says_the_same(last) and check.checked_at < last.checked_at + EVERY:
        return False
    await conn.execute(
        SQL["add_check"],
        what
        | {
            "check_id": uuid4(),
            "checked_at": check.checked_at,
            "source": check.source,
            "can_trade": check.can_trade,
            "can_withdraw": check.can_withdraw,
            "expires_on": check.expires_on,
            "is_bound": check.is_bound,
            "account_kind": check.account_kind,
        },
    )
    return True


async def known_accounts(pool: Pool) -> Sequence[KnownAccount]:
    """Every account, by name."""
    async with transaction(pool) as conn:
        found = await (await conn.execute(SQL["known_accounts"])).fetchall()
        checks: dict[int, list[KeyCheck]] = {}
        async for account_id, *said in await conn.execute(SQL["last_checks"]):
            checks.setdefault(account_id, []).append(KeyCheck(*said))
    for each in checks.values():
        each.sort(key=lambda check: check.checked_at, reverse=True)
    return [
        KnownAccount(Account(*account), state, reason, stored, tuple(checks.get(account[0], ())))
        for *account, state, reason, stored in found
    ]


async def state_of(conn: Connection, account_id: int) -> tuple[State, str]:
    """An account's state and the reason for it."""
    found = await (await conn.execute(SQL["state_of"], {"account_id": account_id})).fetchone()
    assert found is not None
    return found[0], found[1]


async def put_state(conn: Connection, account_id: int, state: State, reason: str = "") -> None:
    """Put an account into a state."""
    what = {"account_id": account_id, "state": state, "reason": reason}
    await conn.execute(SQL["put_state"], what)

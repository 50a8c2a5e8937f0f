"""Accounts as they are shown: their state and what is known of their keys, never the keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fillbook.ledger.key_checks import KnownAccount

PERMISSIONS = {"read": "read-only", "trade": "can trade", "withdraw": "can withdraw"}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account and what is known of its key."""

    account: str
    exchange: str
    environment: str
    user_id: str | None
    state: str
    reason: str | None
    source: str | None  # of the key: stored, environment
    key: str | None  # its fingerprint
    permissions: str | None
    expires_on: str | None
    expires_in_days: int | None
    bound_to_addresses: bool | None
    account_kind: str | None
    checked_at: datetime | None


def row_of(known: KnownAccount, *, now: datetime, mark: str | None = None) -> AccountRow:
    """An account, and the key with this fingerprint; else the stored one, else the last one."""
    removed = known.state == "removed" and mark is None
    last = known.checks[0] if known.checks else None
    key = mark or known.stored or (last.fingerprint if last and not removed else None)
    check = known.check_of(key) if key else None
    source = "stored" if known.stored else check.source if check else None
    return AccountRow(
        account=known.account.name,
        exchange=known.account.venue,
        environment=known.account.environment,
        user_id=known.account.venue_user_id,
        state=known.state,
        reason=known.reason or None,
        source=source,
        key=key,
        permissions=PERMISSIONS[check.may] if check else None,
        expires_on=str(check.expires_on) if check and check.expires_on else None,
        expires_in_days=check.days_left(now) if check else None,
        bound_to_addresses=check.is_bound if check else None,
        account_kind=(check.account_kind or None) if check else None,
        checked_at=check.checked_at if check else None,
    )


def rows_of(known: Sequence[KnownAccount], *, now: datetime) -> list[AccountRow]:
    """Every account as the ledger knows it."""
    return [row_of(one, now=now) for one in known]

"""Whose key is this, and what may it do?

When in doubt a key can do more than is said. Any word of permission, in whatever group, counts as
trading unless the key is said to be read-only: also those that move money between the user's own
wallets and sub-accounts (``AccountTransfer``, ``SubMemberTransfer``), and those that are not known.
A word that speaks of withdrawing counts as withdrawing in any group and any spelling, even of a key
that is said to be read-only. An answer that leaves out what the key may do is no answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from fillbook.domain.account import KeyFacts
from fillbook.errors import (
    VenueNotOffered,
    VenuePermissionRefused,
    VenueRequestError,
    VenueUnavailable,
)
from fillbook.venues.bybit.session import Question, Session

KEY_PATH = "/v5/user/query-api"
ACCOUNT_PATH = "/v5/account/info"
# What the venue's numbers for the generations of its accounts stand for.
ACCOUNT_KINDS = {1: "classic", 3: "UTA1.0", 4: "UTA1.0 pro", 5: "UTA2.0", 6: "UTA2.0 pro"}
READ_ONLY = 1
WITHDRAW = "withdraw"
_DAYS_MAX = 36_500


class _Key(msgspec.Struct):
    userID: int | str  # noqa: N815 - the venue's own spelling
    readOnly: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815
    permissions: msgspec.Raw = msgspec.Raw(b"")
    ips: list[str] | None = None
    deadlineDay: int | None = None  # noqa: N815
    expiredAt: str | None = None  # noqa: N815


@dataclass(frozen=True, slots=True)
class _Powers:
    can_trade: bool
    can_withdraw: bool


class _Account(msgspec.Struct):
    unifiedMarginStatus: int | None = None  # noqa: N815


_WHOLE = msgspec.json.Decoder(int)
_GROUPS = msgspec.json.Decoder(dict[str, list[str] | None])


async def key_facts(session: Session) -> KeyFacts:
    """What the venue says about the key."""
    key, powers = await session.ask(Question(KEY_PATH), _read)
    addresses = [address for address in key.ips or () if address not in ("", "*")]
    return KeyFacts(
        venue_user_id=str(key.userID),
        can_trade=powers.can_trade,
        can_withdraw=powers.can_withdraw,
        expires_in_days=_expires_in_days(key, session),
        bound_to_addresses=bool(addresses),
        account_kind=await account_kind(session),
    )


async def account_kind(session: Session) -> str:
    """Which generation of accounts it is; empty where the venue does not say."""
    try:
        account = await session.ask(Question(ACCOUNT_PATH), _read_account)
    except (VenuePermissionRefused, VenueRequestError, VenueNotOffered):
        return ""
    return ACCOUNT_KINDS.get(account.unifiedMarginStatus or 0, "")


def _read_account(result: msgspec.Raw) -> _Account:
    try:
        return msgspec.json.decode(result, type=_Account)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    raise VenueUnavailable("Bybit does not say what kind of account this is; try again later")


def _read(result: msgspec.Raw) -> tuple[_Key, _Powers]:
    try:
        key = msgspec.json.decode(result, type=_Key)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        key = None
    if key is None or str(key.userID) in ("", "0"):
        raise VenueUnavailable("Bybit does not say whose key this is; try again later")
    return key, _powers(key)


def _powers(key: _Key) -> _Powers:
    """What the key may do; raises `VenueUnavailable` where that is not said."""
    try:
        read_only = _WHOLE.decode(key.readOnly)
        groups = _GROUPS.decode(key.permissions)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise VenueUnavailable("Bybit does not say what the key may do; try again later") from None
    words = [word.casefold() for group in groups.values() for word in group or ()]
    return _Powers(
        can_trade=read_only != READ_ONLY and bool(words),
        can_withdraw=any(WITHDRAW in word for word in words),
    )


def _expires_in_days(key: _Key, session: Session) -> int | None:
    """Whole days left. A key that is bound to addresses does not expire: negative, or 1970."""
    if key.deadlineDay is not None:
        return key.deadlineDay if 0 <= key.deadlineDay <= _DAYS_MAX else None
    try:
        at = datetime.fromisoformat(key.expiredAt or "")
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    days = (at - session.clock()).days
    return max(0, days) if at.year > 1971 else None

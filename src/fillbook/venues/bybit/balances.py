"""What does the venue say that is in the wallets now?

The unified wallet shows a balance that includes what was borrowed; the coin that is really owned is
the balance less ``spotBorrow``. The funding wallet is another endpoint, which a key may not be
allowed to read and the demo environment does not have: then it is left out, and no wallet of that
name is among the balances.
"""

from decimal import Decimal

import msgspec

from fillbook.domain.observed import Balance
from fillbook.errors import (
    VenueError,
    VenueNotOffered,
    VenuePermissionRefused,
    VenueRequestError,
    VenueUnavailable,
)
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import Unread
from fillbook.venues.bybit.rows import RowReader, Text
from fillbook.venues.bybit.session import Question, Session

UNIFIED_PATH = "/v5/account/wallet-balance"
FUND_PATH = "/v5/asset/transfer/query-account-coins-balance"
UNIFIED = "UNIFIED"
FUND = "FUND"


class CoinRow(msgspec.Struct, gc=False):
    """A coin of a wallet."""

    coin: Text = ""
    walletBalance: Text = ""  # noqa: N815 - the venue's own spelling
    spotBorrow: Text = ""  # noqa: N815
    equity: Text = ""
    usdValue: Text = ""  # noqa: N815


class _Wallet(msgspec.Struct):
    coin: list[msgspec.Raw]


class _Wallets(msgspec.Struct):
    list: list[_Wallet]


class _Funds(msgspec.Struct):
    balance: list[msgspec.Raw] | None


_COINS = RowReader(CoinRow)


async def balances(session: Session) -> list[Balance]:
    """What the unified wallet and the funding wallet hold."""
    unified = Question(UNIFIED_PATH, (("accountType", UNIFIED),))
    held = await session.ask(unified, _unified)
    try:
        funds = await session.ask(Question(FUND_PATH, (("accountType", FUND),)), _funds)
    except (VenuePermissionRefused, VenueRequestError, VenueNotOffered):
        return held
    return [*held, *funds]


def read_balance(wallet: str, body: bytes) -> Balance | None:
    """A coin's balance; None for a row without one. Raises `Unread`."""
    row, damaged = _COINS.read(body)
    if row is None:
        raise Unread("not a JSON object")
    if "coin" in damaged or "walletBalance" in damaged:
        raise Unread(f"cannot read {', '.join(damaged)}")
    if not row.coin and not row.walletBalance:
        return None
    return Balance(
        wallet=wallet,
        currency=fields.needed_text(row.coin, "coin"),
        balance=fields.needed(row.walletBalance, "walletBalance"),
        borrowed=_known(row.spotBorrow),
        equity=_known(row.equity),
        value_usd=_known(row.usdValue),
    )


def read_wallets(wallet: str, body: bytes) -> list[Balance]:
    """The balances in a wallet of the unified account. Raises `Unread`."""
    try:
        rows = msgspec.json.decode(body, type=_Wallet).coin
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unread("not a wallet with coins") from None
    read = (read_balance(wallet, bytes(raw)) for raw in rows)
    return [balance for balance in read if balance is not None]


def _unified(result: msgspec.Raw) -> list[Balance]:
    try:
        wallets = msgspec.json.decode(result, type=_Wallets).list
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _no_balances() from None
    return _balances(UNIFIED, [raw for wallet in wallets for raw in wallet.coin])


def _funds(result: msgspec.Raw) -> list[Balance]:
    try:
        funds = msgspec.json.decode(result, type=_Funds)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _no_balances() from None
    return _balances(FUND, funds.balance or [])


def _balances(wallet: str, rows: list[msgspec.Raw]) -> list[Balance]:
    """A balance that cannot be read is an error: it must not look like an empty wallet."""
    try:
        read = [read_balance(wallet, bytes(raw)) for raw in rows]
    except Unread as reason:
        raise VenueUnavailable(
            f"Bybit's balances cannot be read ({reason}); try again later"
        ) from None
    return [balance for balance in read if balance is not None]


def _no_balances() -> VenueError:
    return VenueUnavailable("Bybit's answer carries no balances; try again later")


def _known(told: str) -> Decimal | None:
    try:
        return fields.amount(told, "")
    except Unread:
        return None

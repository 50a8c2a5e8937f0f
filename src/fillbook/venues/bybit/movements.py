"""What do the rows of deposits, withdrawals and transfers mean?

Statuses are kept in the venue's own words. Only those that are listed here as success say that the
money has moved; a deposit that is rolled back changes its status again and is no longer final. A
deposit tells only when it succeeded; until then it has no time and waits in quarantine.
"""

from uuid import UUID

import msgspec

from fillbook.domain.execution import Reading
from fillbook.domain.movement import Movement
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import Unread, milliseconds_in, seconds_in
from fillbook.venues.bybit.identity import movement_key, unread_key
from fillbook.venues.bybit.rows import RowReader, Text, Whole

# 3 success, 70012 valid after a review, 10012 credited.
DEPOSITED = frozenset((3, 70012, 10012))
INTERNALLY_DEPOSITED = 2
WITHDRAWN = "success"
TRANSFERRED = "SUCCESS"


class DepositRow(msgspec.Struct, gc=False):
    """A deposit from a chain."""

    id: Text = ""
    coin: Text = ""
    amount: Text = ""
    txID: Text = ""  # noqa: N815 - the venue's own spelling
    txIndex: Text = ""  # noqa: N815
    status: Whole | None = None
    toAddress: Text = ""  # noqa: N815
    fromAddress: Text = ""  # noqa: N815
    depositFee: Text = ""  # noqa: N815
    successAt: Text = ""  # noqa: N815


class InternalDepositRow(msgspec.Struct, gc=False):
    """A deposit from another user of the venue."""

    id: Text = ""
    coin: Text = ""
    amount: Text = ""
    status: Whole | None = None
    address: Text = ""
    createdTime: Text = ""  # noqa: N815
    txID: Text = ""  # noqa: N815


class WithdrawalRow(msgspec.Struct, gc=False):
    """A withdrawal to a chain or to another user."""

    withdrawId: Text = ""  # noqa: N815
    txID: Text = ""  # noqa: N815
    coin: Text = ""
    amount: Text = ""
    withdrawFee: Text = ""  # noqa: N815
    status: Text = ""
    toAddress: Text = ""  # noqa: N815
    createTime: Text = ""  # noqa: N815


class TransferRow(msgspec.Struct, gc=False):
    """A transfer between wallets of one user."""

    transferId: Text = ""  # noqa: N815
    coin: Text = ""
    amount: Text = ""
    fromAccountType: Text = ""  # noqa: N815
    toAccountType: Text = ""  # noqa: N815
    timestamp: Text = ""
    status: Text = ""


_DEPOSITS = RowReader(DepositRow)
_INTERNAL = RowReader(InternalDepositRow)
_WITHDRAWALS = RowReader(WithdrawalRow)
_TRANSFERS = RowReader(TransferRow)

Glanced = tuple[UUID, tuple[int, ...]]


def glance_deposit(scope: str, body: bytes) -> Glanced:
    """Which deposit a row is, and when it succeeded."""
    row, damaged = _DEPOSITS.read(body)
    if row is None:
        return unread_key(scope, body), ()
    at = milliseconds_in(row.successAt)
    words = _deposit_words(row)
    is_named = words is not None and {"id", "coin", "txID", "txIndex"}.isdisjoint(damaged)
    key = movement_key("deposit", *words) if words and is_named else unread_key(scope, body)
    return key, () if at is None else (at,)


def glance_internal(scope: str, body: bytes) -> Glanced:
    """Which internal deposit a row is, and when it was made."""
    row, damaged = _INTERNAL.read(body)
    told = (row.id, row.createdTime) if row and "id" not in damaged else ("", "")
    return _glanced("internal_deposit", scope, body, told)


def glance_withdrawal(scope: str, body: bytes) -> Glanced:
    """Which withdrawal a row is, and when it was asked for."""
    row, damaged = _WITHDRAWALS.read(body)
    told = (row.withdrawId, row.createTime) if row and "withdrawId" not in damaged else ("", "")
    return _glanced("withdrawal", scope, body, told)


def glance_transfer(scope: str, body: bytes) -> Glanced:
    """Which transfer a row is, and when it was made."""
    row, damaged = _TRANSFERS.read(body)
    told = (row.transferId, row.timestamp) if row and "transferId" not in damaged else ("", "")
    return _glanced("transfer", scope, body, told)


def _glanced(kind: str, scope: str, body: bytes, told: tuple[str, str]) -> Glanced:
    name, at_told = told
    at = seconds_in(at_told)
    key = movement_key(kind, name) if name else unread_key(scope, body)
    return key, () if at is None else (at,)


def parse_deposit(body: bytes) -> Reading:
    """Read one deposit."""
    return _DEPOSITS.tell(body, _deposit)


def parse_internal_deposit(body: bytes) -> Reading:
    """Read one internal deposit."""
    return _INTERNAL.tell(body, _internal_deposit)


def parse_withdrawal(body: bytes) -> Reading:
    """Read one withdrawal."""
    return _WITHDRAWALS.tell(body, _withdrawal)


def parse_transfer(body: bytes) -> Reading:
    """Read one transfer."""
    return _TRANSFERS.tell(body, _transfer)


def _deposit_words(row: DepositRow) -> tuple[str, ...] | None:
    """What names a deposit: its id, which older rows lack, or its place on the chain."""
    if row.id:
        return (row.id,)
    return (row.txID, row.txIndex, row.coin) if row.txID else None


def _deposit(row: DepositRow) -> Movement:
    words = _deposit_words(row)
    if words is None:
        raise Unread("id is missing")
    status = _status(row.status)
    if row.successAt in ("", "0") and status not in DEPOSITED:
        raise Unread(f"successAt is missing: the deposit, in status {status}, has no time yet")
    return Movement(
        movement_key=movement_key("deposit", *words),
        moved_at=fields.needed_time("" if row.successAt == "0" else row.successAt, "successAt"),
        kind="deposit",
        movement_id=row.id or row.txID,
        currency=fields.needed_text(row.coin, "coin"),
        amount=fields.needed_not_negative(row.amount, "amount"),
        fee=fields.not_negative(row.depositFee, "depositFee"),
        status=str(status),
        is_final=status in DEPOSITED,
        from_account=row.fromAddress,
        to_account=row.toAddress,
        reference=row.txID,
    )


def _internal_deposit(row: InternalDepositRow) -> Movement:
    name = fields.needed_text(row.id, "id")
    status = _status(row.status)
    return Movement(
        movement_key=movement_key("internal_deposit", name),
        moved_at=fields.needed_time_in_seconds(row.createdTime, "createdTime"),
        kind="internal_deposit",
        movement_id=name,
        currency=fields.needed_text(row.coin, "coin"),
        amount=fields.needed_not_negative(row.amount, "amount"),
        fee=None,
        status=str(status),
        is_final=status == INTERNALLY_DEPOSITED,
        from_account=row.address,
        to_account="",
        reference=row.txID,
    )


def _withdrawal(row: WithdrawalRow) -> Movement:
    name = fields.needed_text(row.withdrawId, "withdrawId")
    status = fields.needed_text(row.status, "status")
    return Movement(
        movement_key=movement_key("withdrawal", name),
        moved_at=fields.needed_time_in_seconds(row.createTime, "createTime"),
        kind="withdrawal",
        movement_id=name,
        currency=fields.needed_text(row.coin, "coin"),
        amount=fields.needed_not_negative(row.amount, "amount"),
        fee=fields.not_negative(row.withdrawFee, "withdrawFee"),
        status=status,
        is_final=status == WITHDRAWN,
        from_account="",
        to_account=row.toAddress,
        reference=row.txID,
    )


def _transfer(row: TransferRow) -> Movement:
    name = fields.needed_text(row.transferId, "transferId")
    status = fields.needed_text(row.status, "status")
    return Movement(
        movement_key=movement_key("transfer", name),
        moved_at=fields.needed_time_in_seconds(row.timestamp, "timestamp"),
        kind="transfer",
        movement_id=name,
        currency=fields.needed_text(row.coin, "coin"),
        amount=fields.needed_not_negative(row.amount, "amount"),
        fee=None,
        status=status,
        is_final=status == TRANSFERRED,
        from_account=row.fromAccountType,
        to_account=row.toAccountType,
        reference="",
    )


def _status(told: int | None) -> int:
    if told is None:
        raise Unread("status is missing")
    return told

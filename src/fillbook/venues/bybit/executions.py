"""What does a row of the execution list mean?

Funding and settlements come in the same list as fills and look like them: booked as fills they
would ruin the position, filtered out at the source other kinds would vanish with them. So nothing
is filtered and every row is sorted by its ``execType``, by an allow-list:

====================  =============================================================================
kind                  reading
====================  =============================================================================
changes a position    `Execution`
``Funding``           `CashFlow`; the row's side is the position's, its quantity the whole position
``SessionSettlePnL``  `CashFlow`; see below
``CorporateAction``   `Unreadable`: a split rescales the position, and the row is not documented
anything else         `Unreadable`, with the reason: a later version may read it
====================  =============================================================================

Reading is pure and total. Money is read exactly and never recomputed: fees are positive when paid,
as the venue prints them. A field that cannot be read sets its row aside with the field's name;
nothing is dropped. The fee's coin is the one that the venue names; where it names none the coin is
inferred (`coins.py`) and marked so. ``extraFees`` (taxes in some countries) come on top of
``execFee``: in the fee's own coin they are added to it, in another one the fee is not known, which
is better than one that is too small.

Session settlement. Perpetuals that settle in USDC pay out their profit every eight hours and keep
their average price. What is documented: the account log tells the amount in ``cashFlow`` of the
line that also carries the funding. What is not: whether any field of the execution list tells it.
The amount here is what the row prints as ``execFee``, positive when paid, as for funding; a zero
says that this row moved nothing, not that the session earned nothing. The profit of a position
rests on its own prices, so no session's payment is to be added to it.
"""

from decimal import Decimal
from uuid import UUID

import msgspec

from fillbook.domain import money
from fillbook.domain.execution import CashFlow, CashKind, Execution, Reading
from fillbook.domain.instrument import Leg
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.coins import Coins, coins_of, inferred_fee_coin
from fillbook.venues.bybit.fields import Unread, milliseconds_in
from fillbook.venues.bybit.identity import execution_key, unread_key
from fillbook.venues.bybit.rows import NO_VALUE, RowReader, Text, Whole

TRADE = "Trade"
CHANGES_POSITION = frozenset(
    (
        "Trade",
        "AdlTrade",
        "BustTrade",
        "Delivery",
        "Settle",
        "BlockTrade",
        "MovePosition",
        "FutureSpread",
    )
)
SPREAD = "FutureSpread"
PAYS: dict[str, CashKind] = {"Funding": "funding", "SessionSettlePnL": "session"}
SPLIT = "CorporateAction"
SILENT = ("", "UNKNOWN")

_IDENTITY = frozenset(("symbol", "execId", "orderId", "side"))
_NOTHING = frozenset((b"", b'""', b"[]", b"{}", b"null"))


class ExecutionRow(msgspec.Struct, gc=False):
    """A row of the execution list, or of the private stream's."""

    symbol: Text = ""
    orderId: Text = ""  # noqa: N815 - the venue's own spelling
    orderLinkId: Text = ""  # noqa: N815
    side: Text = ""
    createType: Text = ""  # noqa: N815
    orderType: Text = ""  # noqa: N815
    stopOrderType: Text = ""  # noqa: N815
    execFee: Text = ""  # noqa: N815
    execFeeV2: Text = ""  # noqa: N815
    execId: Text = ""  # noqa: N815
    execPrice: Text = ""  # noqa: N815
    execQty: Text = ""  # noqa: N815
    execValue: Text = ""  # noqa: N815
    execType: Text = ""  # noqa: N815
    execTime: Text = ""  # noqa: N815
    feeCurrency: Text = ""  # noqa: N815
    feeRate: Text = ""  # noqa: N815
    markPrice: Text = ""  # noqa: N815
    closedSize: Text = ""  # noqa: N815
    category: Text = ""  # the private stream's rows only
    isMaker: bool | None = None  # noqa: N815
    seq: Whole | None = None
    extraFees: msgspec.Raw = NO_VALUE  # noqa: N815


class _ExtraFee(msgspec.Struct):
    """A cost beyond the fee: a tax, mostly."""

    feeCoin: str = ""  # noqa: N815
    fee: str = ""


_ROWS = RowReader(ExecutionRow)
_EXTRA_FEES = msgspec.json.Decoder(list[_ExtraFee])


def glance(category: str, body: bytes) -> tuple[UUID, tuple[int, ...]]:
    """Which record a row is, and its time."""
    row, damaged = _ROWS.read(body)
    if row is None:
        return unread_key(category, body), ()
    at = milliseconds_in(row.execTime)
    times = () if at is None else (at,)
    is_named = row.symbol and row.execId and row.side
    if not is_named or (damaged and not _IDENTITY.isdisjoint(damaged)):
        return unread_key(category, body), times
    return execution_key(category, row.symbol, row.execId, row.orderId, row.side), times


def parse_execution(category: str, body: bytes, *, leg: Leg = "net") -> Reading:
    """Read one row of a category's execution list."""
    return _ROWS.tell(body, lambda row: _meaning(category, leg, row))


def _meaning(category: str, leg: Leg, row: ExecutionRow) -> Execution | CashFlow:
    kind = row.execType
    if kind not in CHANGES_POSITION and kind not in PAYS:
        raise Unread(_unknown(kind))
    if row.category not in ("", category):
        raise Unread(f"category is {row.category[:40]!r}, not {category!r}")
    if not row.execId:
        raise Unread("execId is missing")
    if not row.symbol:
        raise Unread("symbol is missing")
    if kind == TRADE and not row.orderId:  # told again with it, it would be another fill
        raise Unread("orderId is missing")
    coins = coins_of(category, row.symbol)
    if kind in CHANGES_POSITION:
        return _execution(category, leg, row, coins)
    return _payment(category, leg, row, coins)


def _unknown(kind: str) -> str:
    if kind == SPLIT:
        return f"execType is {kind!r}: a split rescales the position, and is not read yet"
    if kind in SILENT:
        named = repr(kind) if kind else "an empty value"
        return f"execType is {named}: the row does not say what it does"
    return f"execType is {kind[:40]!r}: this version does not know what it does"


def _execution(category: str, leg: Leg, row: ExecutionRow, coins: Coins | None) -> Execution:
    side = fields.needed_side(row.side)
    executed_at = fields.needed_time(row.execTime, "execTime")
    if coins is None:
        raise _no_coin()
    printed = _printed_fee(category, row)
    coin = row.feeCurrency or _fee_coin(category, coins, row, printed)
    return Execution(
        execution_key=execution_key(category, row.symbol, row.execId, row.orderId, side),
        executed_at=executed_at,
        venue_seq=row.seq,
        category=category,
        symbol=row.symbol,
        leg=leg,
        execution_id=row.execId,
        order_id=row.orderId,
        client_order_id=row.orderLinkId,
        side=side,
        price=fields.needed_not_negative(row.execPrice, "execPrice"),
        qty=fields.needed_not_negative(row.execQty, "execQty"),
        value=fields.amount(row.execValue, "execValue"),
        closed_qty=fields.not_negative(row.closedSize, "closedSize"),
        fee=_with_extra_fees(printed, row, coin),
        fee_currency=coin,
        fee_inferred=not row.feeCurrency,
        currency=coins.money,
        is_maker=row.isMaker,
        exec_type=row.execType,
        order_type=row.orderType,
        create_type=row.createType,
        stop_type=row.stopOrderType,
        mark_price=fields.amount(row.markPrice, "markPrice"),
    )


def _printed_fee(category: str, row: ExecutionRow) -> Decimal | None:
    """The fee as printed. The spot leg of a spread tells it in a field of its own."""
    if category == "spot" and row.execType == SPREAD and row.execFeeV2:
        return fields.amount(row.execFeeV2, "execFeeV2")
    return fields.amount(row.execFee, "execFee")


def _fee_coin(category: str, coins: Coins, row: ExecutionRow, fee: Decimal | None) -> str:
    rate = fields.amount(row.feeRate, "feeRate") if category == "spot" else None
    told = rate or fee  # a rate of zero tells no more than none
    is_rebate = told is not None and told < 0
    side = fields.needed_side(row.side)
    return inferred_fee_coin(category, coins, side=side, is_maker=row.isMaker, is_rebate=is_rebate)


def _with_extra_fees(fee: Decimal | None, row: ExecutionRow, coin: str) -> Decimal | None:
    """The fee with what comes on top of it; None where that cannot be summed."""
    if fee is None or not _has_extra_fees(row):
        return fee
    try:
        extra = _EXTRA_FEES.decode(row.extraFees)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if any(one.feeCoin != coin for one in extra):
        return None
    for one in extra:
        fee = money.EXACT.add(fee, fields.amount(one.fee, "extraFees") or Decimal(0))
    return fee


def _has_extra_fees(row: ExecutionRow) -> bool:
    return bytes(row.extraFees) not in _NOTHING


def _payment(category: str, leg: Leg, row: ExecutionRow, coins: Coins | None) -> CashFlow:
    """Money that moves with a position and leaves it as it is."""
    side = fields.needed_side(row.side)
    occurred_at = fields.needed_time(row.execTime, "execTime")
    amount = fields.needed(row.execFee, "execFee")
    qty = fields.needed_not_negative(row.execQty, "execQty")
    if coins is None and not row.feeCurrency:
        raise _no_coin()
    return CashFlow(
        cash_key=execution_key(category, row.symbol, row.execId, row.orderId, side),
        occurred_at=occurred_at,
        kind=PAYS[row.execType],
        category=category,
        symbol=row.symbol,
        leg=leg,
        flow_id=row.execId,
        amount=amount,
        currency=row.feeCurrency or (coins.money if coins else ""),
        position_qty=qty if side == "Buy" else qty.copy_negate(),
        price=fields.needed_not_negative(row.execPrice, "execPrice"),
    )


def _no_coin() -> Unread:
    return Unread("symbol does not say in which coin it settles")

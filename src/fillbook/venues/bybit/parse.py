"""What does a row of the execution list mean?

Funding and settlements come in the same list as fills and look like them: booked as fills they
would ruin the position, filtered out at the source other kinds would vanish with them. So nothing
is filtered and every row is sorted by its ``execType``, by an allow-list:

====================  =============================================================================
kind                  reading
====================  =============================================================================
changes a position    `Execution`
``Funding``           `CashFlow`; the row's side is the position's, its quantity the whole position
anything else         `Unreadable`, with the reason: a later version may read it
====================  =============================================================================

`parse` is pure and total. Money is read exactly and never recomputed: fees are positive when paid,
as the venue prints them. A field that cannot be read sets its row aside with the field's name;
nothing is dropped. The fee's coin is the one that the venue names; older rows name none, then it is
the coin in which the contract settles, marked as inferred. ``extraFees`` (taxes in some countries)
come on top of ``execFee``: in the fee's own coin they are added to it, in another one the fee is
not known, which is better than one that is too small.
"""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal, cast

from fillbook.domain import money
from fillbook.domain.execution import CashFlow, Execution, Reading, Side, Unreadable
from fillbook.domain.window import from_milliseconds
from fillbook.venues.bybit.identity import execution_key
from fillbook.venues.bybit.rows import Row, extra_fees, has_extra_fees, read_row

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
FUNDING = "Funding"
MS_MIN = 1_262_304_000_000  # 2010-01-01
MS_MAX = 4_102_444_800_000  # 2100-01-01
SYMBOLS_KEPT = 4_096

_MS_DIGITS = 13
_DATED = re.compile(r"[A-Z0-9]+-[0-9]{1,2}[A-Z]{3}[0-9]{2}")
_DATED_USDT = re.compile(r"[A-Z0-9]+USDT-[0-9]{1,2}[A-Z]{3}[0-9]{2}")
# What is this short and has no exponent keeps within every bound of `money.amount`: most amounts.
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?").fullmatch
_SHORT = 50


class _Bad(ValueError):
    """A field that cannot be read."""


def parse_record(stream: str, scope: str, body: bytes) -> Reading:
    """Read one raw record of a stream."""
    if stream.partition(".")[0] != "executions":  # the list, or a stream that tells the same rows
        return Unreadable(f"there is no stream {stream}")
    return parse_execution(scope, body)


def parse_execution(category: str, body: bytes) -> Reading:
    """Read one row of a category's execution list."""
    row, damaged = read_row(body)
    if row is None:
        return Unreadable("not a JSON object")
    if damaged:
        return Unreadable(f"cannot read {', '.join(damaged)}")
    try:
        if row.execType in CHANGES_POSITION:
            return _execution(category, row)
        if row.execType == FUNDING:
            return _funding(category, row)
    except _Bad as error:
        return Unreadable(str(error))
    named = repr(row.execType[:40]) if row.execType else "an empty value"
    return Unreadable(f"execType is {named}: this version does not know what it does")


def _execution(category: str, row: Row) -> Execution:
    side = _side(row)
    executed_at = _time(row)
    currency = _currency(row)
    return Execution(
        execution_key=execution_key(category, row.symbol, row.execId, row.orderId, side),
        executed_at=executed_at,
        venue_seq=row.seq,
        category=category,
        symbol=row.symbol,
        leg="net",
        execution_id=row.execId,
        order_id=row.orderId,
        client_order_id=row.orderLinkId,
        side=side,
        price=_needed(row.execPrice, "execPrice"),
        qty=_needed(row.execQty, "execQty"),
        value=_amount(row.execValue, "execValue"),
        closed_qty=_not_negative(row.closedSize, "closedSize"),
        fee=_fee(row, row.feeCurrency or currency),
        fee_currency=row.feeCurrency or currency,
        fee_inferred=not row.feeCurrency,
        currency=currency,
        is_maker=row.isMaker,
        exec_type=row.execType,
        order_type=row.orderType,
        create_type=row.createType,
        stop_type=row.stopOrderType,
        mark_price=_amount(row.markPrice, "markPrice"),
    )


def _fee(row: Row, coin: str) -> Decimal | None:
    """The fee with what comes on top of it; None where that cannot be summed."""
    fee = _amount(row.execFee, "execFee")
    if fee is None or not has_extra_fees(row):
        return fee
    extra = extra_fees(row)
    if extra is None or any(one.feeCoin != coin for one in extra):
        return None
    for one in extra:
        fee = money.EXACT.add(fee, _amount(one.fee, "extraFees") or Decimal(0))
    return fee


def _funding(category: str, row: Row) -> CashFlow:
    side = _side(row)
    occurred_at = _time(row)
    fee = _amount(row.execFee, "execFee")
    if fee is None:
        raise _Bad("execFee is missing")
    qty = _needed(row.execQty, "execQty")
    return CashFlow(
        cash_key=execution_key(category, row.symbol, row.execId, row.orderId, side),
        occurred_at=occurred_at,
        kind="funding",
        category=category,
        symbol=row.symbol,
        leg="net",
        flow_id=row.execId,
        amount=fee,
        currency=row.feeCurrency or _currency(row),
        position_qty=qty if side == "Buy" else qty.copy_negate(),
        price=_needed(row.execPrice, "execPrice"),
    )


def _side(row: Row) -> Side:
    if not row.execId:
        raise _Bad("execId is missing")
    if not row.symbol:
        raise _Bad("symbol is missing")
    if row.side not in ("Buy", "Sell"):
        raise _Bad("side is missing" if not row.side else "side is neither Buy nor Sell")
    return cast("Literal['Buy', 'Sell']", row.side)


def _time(row: Row) -> datetime:
    at = milliseconds_in(row.execTime)
    if at is None:
        raise _Bad("execTime is missing" if not row.execTime else "execTime is not a sane time")
    return from_milliseconds(at)


def milliseconds_in(text: str) -> int | None:
    """A time in milliseconds; None for what is none, or lies outside of 2010 to 2100."""
    if len(text) != _MS_DIGITS or not text.isascii() or not text.isdigit():
        return None
    ms = int(text)
    return ms if MS_MIN <= ms < MS_MAX else None


def _amount(text: str, field: str) -> Decimal | None:
    if not text:
        return None
    if len(text) <= _SHORT and _PLAIN(text):
        return Decimal(text)
    try:
        return money.amount(text)
    except ValueError:
        raise _Bad(f"{field} is not a plain number") from None


def _not_negative(text: str, field: str) -> Decimal | None:
    value = _amount(text, field)
    if value is not None and value < 0:
        raise _Bad(f"{field} is negative")
    return value


def _needed(text: str, field: str) -> Decimal:
    value = _not_negative(text, field)
    if value is None:
        raise _Bad(f"{field} is missing")
    return value


def _currency(row: Row) -> str:
    coin = settle_coin(row.symbol)
    if coin is None:
        raise _Bad("symbol does not say in which coin it settles")
    return coin


@lru_cache(maxsize=SYMBOLS_KEPT)
def settle_coin(symbol: str) -> str | None:
    """The coin in which a linear contract settles, by the form of its symbol."""
    if symbol.endswith("USDT") or _DATED_USDT.fullmatch(symbol):
        return "USDT"
    if symbol.endswith("PERP") or _DATED.fullmatch(symbol):
        return "USDC"
    return None

"""Bybit's shape of an order, as it stands at an instant.

What was executed is summed up from the order's fills, so that an order whose fills lie ahead
of the server's time is open, whatever its last status will be.
"""

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.legs import price_of, to_e8, wide_value
from papervenues.bybit.rows import SIDES, RowEncoder
from papervenues.bybit.values import MONEY_DECIMALS, plain
from papervenues.bybit.vocabulary import (
    CANCEL_TYPES,
    COINS,
    CREATE_TYPES,
    MARKET_UNITS,
    NEW,
    NO_STATUS,
    OCO_TRIGGERS,
    OPEN_STATUSES,
    ORDER_STATUSES,
    ORDER_TYPES,
    PARTIALLY_FILLED,
    REJECTED,
    STOP_ORDER_TYPES,
    TIMES_IN_FORCE,
    UNTRIGGERED,
)
from papervenues.market import Instrument

Row = dict[str, object]
# The column of market units 2 counts the quantity in the quote coin.
QUOTE_UNIT = MARKET_UNITS.index("quoteCoin")


class OrderRows:
    """The orders of one account."""

    def __init__(self, book: AccountBook, encoder: RowEncoder, *, now_ms: int) -> None:
        self.book = book
        self.encoder = encoder
        self.now_ms = now_ms

    def status(self, order: int) -> int:
        """The order's status now."""
        orders = self.book.history.orders
        last = orders.status[order]
        if last == NO_STATUS or orders.updated_ms[order] <= self.now_ms:
            return last
        if self.book.fills_of(order):
            return PARTIALLY_FILLED
        return UNTRIGGERED if orders.trigger_price[order] else NEW

    def is_open(self, order: int) -> bool:
        """Whether the order still waits."""
        return self.status(order) in OPEN_STATUSES

    def row(self, order: int) -> Row:
        """One order as the venue lists it."""
        return self._terms(order) | self._progress(order)

    def _terms(self, order: int) -> Row:
        orders, instrument = self.book.history.orders, self._instrument(order)
        category = instrument.category

        def price(ticks: int) -> str:
            return plain(ticks, instrument.price_decimals) if ticks else ""

        by_quote = category == "spot" and orders.market_unit[order] == QUOTE_UNIT
        row: Row = {
            "orderId": self.encoder.order_id(order),
            "orderLinkId": orders.link_id[order],
            "parentOrderLinkId": orders.parent_link_id[order],
            "blockTradeId": "",
            "symbol": instrument.symbol,
            "price": plain(orders.price[order], instrument.price_decimals),
            "qty": plain(
                orders.qty[order], MONEY_DECIMALS if by_quote else instrument.qty_decimals
            ),
            "side": SIDES[orders.side[order]],
            "isLeverage": str(orders.is_leverage[order]) if category == "spot" else "",
            "positionIdx": orders.position_idx[order],
            "createType": CREATE_TYPES[orders.create_type[order]],
            "timeInForce": TIMES_IN_FORCE[orders.time_in_force[order]],
            "orderType": ORDER_TYPES[orders.order_type[order]],
            "stopOrderType": STOP_ORDER_TYPES[orders.stop_type[order]],
            "orderIv": "",
            "marketUnit": MARKET_UNITS[orders.market_unit[order]],
            "slippageToleranceType": "UNKNOWN",
            "slippageTolerance": "",
            "triggerPrice": price(orders.trigger_price[order]),
            "takeProfit": price(orders.take_profit[order]),
            "stopLoss": price(orders.stop_loss[order]),
            "tpslMode": "" if category == "option" else "Full",
            "ocoTriggerBy": OCO_TRIGGERS[orders.oco_trigger[order]],
            "tpLimitPrice": "",
            "slLimitPrice": "",
            "tpTriggerBy": "",
            "slTriggerBy": "",
            "triggerDirection": orders.trigger_direction[order],
            "triggerBy": "LastPrice" if orders.trigger_price[order] else "",
            "lastPriceOnCreated": "",
            "basePrice": price(orders.base_price[order]),
            "reduceOnly": bool(orders.reduce_only[order]),
            "closeOnTrigger": bool(orders.close_on_trigger[order]),
            "placeType": "price" if category == "option" else "",
            "smpType": "None",
            "smpGroup": 0,
            "smpOrderId": "",
            "createdTime": str(orders.time_ms[order]),
            "extraFees": "",
            "rpiTakerAccess": False,
            "rpiMatchedQty": "0",
        }
        absent = {"spot": ("createType", "tpslMode", "lastPriceOnCreated")}.get(category)
        for name in absent or ("basePrice",):
            del row[name]
        return row

    def _progress(self, order: int) -> Row:
        orders, instrument = self.book.history.orders, self._instrument(order)
        rows, fills = self.book.history.executions, self.book.fills_of(order)
        status = self.status(order)
        done = sum(rows.qty[row] for row in fills)
        worth = sum(wide_value(instrument, rows.qty[row], price=rows.price[row]) for row in fills)
        leaves = rows.leaves[fills[-1]] if fills else orders.qty[order]
        if status not in OPEN_STATUSES:
            leaves = 0
        last_ms = rows.time_ms[fills[-1]] if fills else orders.time_ms[order]
        if orders.updated_ms[order] <= self.now_ms:
            last_ms = max(last_ms, orders.updated_ms[order])
        fees = self._fees(fills)
        paid = plain(sum(fees.values()), MONEY_DECIMALS)
        row: Row = {
            "orderStatus": ORDER_STATUSES[status],
            "cancelType": CANCEL_TYPES[orders.cancel_type[order] if status != NEW else 0],
            "rejectReason": "EC_Others" if status == REJECTED else "EC_NoError",
            "avgPrice": average_price(self.book, fills),
            "leavesQty": plain(leaves, instrument.qty_decimals),
            "leavesValue": plain(leaves * orders.price[order], instrument.value_decimals),
            "cumExecQty": plain(done, instrument.qty_decimals),
            "cumExecValue": plain(to_e8(worth, instrument), MONEY_DECIMALS),
            "updatedTime": str(last_ms),
        }
        if instrument.category in ("inverse", "option"):
            row["cumExecFee"] = paid
        else:
            row["cumExecFee"] = ""
            row["cumFeeDetail"] = {
                COINS[coin]: plain(fee, MONEY_DECIMALS) for coin, fee in fees.items()
            }
        return row

    def _fees(self, fills: list[int]) -> dict[int, int]:
        rows, fees = self.book.history.executions, dict[int, int]()
        for row in fills:
            fees[rows.fee_coin[row]] = fees.get(rows.fee_coin[row], 0) + rows.fee_e8[row]
        return fees

    def _instrument(self, order: int) -> Instrument:
        return self.book.history.instruments[self.book.history.orders.symbol[order]]


def average_price(book: AccountBook, fills: list[int]) -> str:
    """The average price of some fills of one instrument; harmonic for inverse contracts."""
    if not fills:
        return ""
    rows, instrument = book.history.executions, book.history.instrument_of(fills[0])
    done = sum(rows.qty[row] for row in fills)
    if len({rows.price[row] for row in fills}) == 1:
        return plain(rows.price[fills[0]], instrument.price_decimals)
    worth = sum(wide_value(instrument, rows.qty[row], price=rows.price[row]) for row in fills)
    return price_of(instrument, done, worth)

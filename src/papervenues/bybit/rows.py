"""Bybit's shape of an execution: one row of the store as JSON bytes.

Numbers are strings without trailing zeros, `isMaker` is a boolean and `seq` an integer. Ids are
UUID texts, for spot fills numbers, that depend on seed, account and row number only. Rows of a
history of usual size are encoded once; of a larger one on demand, since their bytes would not
fit comfortably.
"""

from hashlib import blake2b

from papervenues.bybit.history import AccountHistory, RowExtra
from papervenues.bybit.values import MONEY_DECIMALS, fee_coin_text, plain, value_text
from papervenues.bybit.vocabulary import (
    CREATE_TYPES,
    EXEC_TYPES,
    MARKET_UNITS,
    ORDER_TYPES,
    PAYMENTS,
    STOP_ORDER_TYPES,
)

__all__ = ["MONEY_DECIMALS", "RowEncoder", "ordered_qty_text", "plain"]

KEPT_ROWS_MAX = 150_000
# Fills of one order lie close together, so that a short memory saves most of the work.
ORDERS_SEEN_MAX = 1_000
SIDES = {1: "Buy", -1: "Sell"}
IMPLIED_VOLATILITY = "0.5512"
QUOTE_UNIT = MARKET_UNITS.index("quoteCoin")
_NO_EXTRA = RowExtra()


class RowEncoder:
    """Writes the rows of one account."""

    def __init__(self, history: AccountHistory) -> None:
        self.history = history
        name = f"{history.seed}:{history.user_id}".encode()
        self._exec_ids = blake2b(key=b"execution " + name, digest_size=16)
        self._order_ids = blake2b(key=b"order " + name, digest_size=16)
        self._orders_seen: dict[int, str] = {}
        # Rows that are appended later are encoded on demand.
        self._kept: list[bytes] = []
        if len(history) <= KEPT_ROWS_MAX:
            self._kept = [self._encode(row) for row in range(len(history))]

    def row(self, row: int) -> bytes:
        """One execution as JSON."""
        return self._kept[row] if row < len(self._kept) else self._encode(row)

    def exec_id(self, row: int) -> str:
        """The execution's id; trades have version 5, payments version 4."""
        row = self.history.twins.get(row, row)
        digest = self._exec_ids.copy()
        digest.update(row.to_bytes(8, "big"))
        if self.history.instrument_of(row).category == "spot":
            return str(2 * 10**18 + int.from_bytes(digest.digest()[:7], "big"))
        payment = self.history.executions.exec_type[row] in PAYMENTS
        return _uuid(digest.hexdigest(), version="4" if payment else "5")

    def order_id(self, order: int) -> str:
        """The order's id."""
        digest = self._order_ids.copy()
        digest.update(order.to_bytes(8, "big"))
        return _uuid(digest.hexdigest(), version="4")

    def _encode(self, row: int) -> bytes:
        rows = self.history.executions
        order = rows.order[row]
        instrument = self.history.instruments[self.history.orders.symbol[order]]
        price_decimals, qty_decimals = instrument.price_decimals, instrument.qty_decimals
        is_spot, is_option = instrument.category == "spot", instrument.category == "option"
        extra = self.history.extras.get(row, _NO_EXTRA)
        volatility = IMPLIED_VOLATILITY if is_option else ""
        mark = "" if is_spot else plain(rows.mark[row], price_decimals)
        closed = "" if is_spot else plain(rows.closed[row], qty_decimals)
        return (
            f"{self._shared(order)}{_underlying(extra) if is_option else ''}"
            f',"leavesQty":"{plain(rows.leaves[row], qty_decimals)}"'
            f',"execTime":"{rows.time_ms[row]}"'
            f',"feeCurrency":"{fee_coin_text(self.history, row)}"'
            f',"isMaker":{"true" if rows.is_maker[row] else "false"}'
            f',"execFee":"{plain(rows.fee_e8[row], MONEY_DECIMALS)}"'
            f',"feeRate":"{plain(rows.fee_rate_e8[row], MONEY_DECIMALS)}"'
            f',"execId":"{self.exec_id(row)}","tradeIv":"{volatility}"'
            f',"blockTradeId":"{extra.block_trade_id}","markPrice":"{mark}"'
            f',"execPrice":"{plain(rows.price[row], price_decimals)}","markIv":"{volatility}"'
            f',"execValue":"{value_text(self.history, row)}"'
            f',"execType":"{EXEC_TYPES[rows.exec_type[row]]}"'
            f',"execQty":"{plain(rows.qty[row], qty_decimals)}"'
            f',"closedSize":"{closed}","seq":{rows.seq[row]}'
            ',"extraFees":"","execFeeV2":""'
            f',"marketUnit":"{MARKET_UNITS[self.history.orders.market_unit[order]]}"}}'
        ).encode()

    def _shared(self, order: int) -> str:
        """The beginning of a row: what all fills of an order share."""
        known = self._orders_seen.get(order)
        if known is not None:
            return known
        orders = self.history.orders
        instrument = self.history.instruments[orders.symbol[order]]
        # An option's underlying has another price at each fill; spot rows have no create type.
        empty = instrument.category != "option"
        underlying, index = ',"underlyingPrice":""' * empty, ',"indexPrice":""' * empty
        created = f',"createType":"{CREATE_TYPES[orders.create_type[order]]}"'
        text = (
            f'{{"symbol":"{instrument.symbol}","orderType":"{ORDER_TYPES[orders.order_type[order]]}"'
            f'{underlying},"orderLinkId":"{orders.link_id[order]}"'
            f',"side":"{SIDES[orders.side[order]]}"{index}'
            f',"orderId":"{self.order_id(order)}"'
            f',"stopOrderType":"{STOP_ORDER_TYPES[orders.stop_type[order]]}"'
            f"{'' if instrument.category == 'spot' else created}"
            f',"orderQty":"{ordered_qty_text(self.history, order)}"'
            f',"orderPrice":"{plain(orders.price[order], instrument.price_decimals)}"'
        )
        if len(self._orders_seen) >= ORDERS_SEEN_MAX:
            self._orders_seen.clear()
        self._orders_seen[order] = text
        return text


def ordered_qty_text(history: AccountHistory, order: int) -> str:
    """The ordered quantity as printed; some spot orders count in the quote coin."""
    orders = history.orders
    if orders.market_unit[order] == QUOTE_UNIT:
        return plain(orders.qty[order], MONEY_DECIMALS)
    return plain(orders.qty[order], history.instruments[orders.symbol[order]].qty_decimals)


def _underlying(extra: RowExtra) -> str:
    return f',"underlyingPrice":"{extra.underlying}","indexPrice":"{extra.underlying}"'


def _uuid(text: str, *, version: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-a{text[17:20]}-{text[20:]}"

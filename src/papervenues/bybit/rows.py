"""Bybit's shape of an execution: one row of the store as JSON bytes.

Numbers are strings without trailing zeros, `isMaker` is a boolean and `seq` an integer. Ids are
UUID texts that depend on seed, account and row number only. Rows of a history of usual size
are encoded once; of a larger one on demand, since their bytes would not fit comfortably.
"""

from hashlib import blake2b

from papervenues.bybit.history import (
    CREATE_TYPES,
    EXEC_TYPES,
    FUNDING,
    ORDER_TYPES,
    STOP_ORDER_TYPES,
    AccountHistory,
)
from papervenues.market import INSTRUMENTS

KEPT_ROWS_MAX = 150_000
# Fills of one order lie close together, so that a short memory saves most of the work.
ORDERS_SEEN_MAX = 1_000
MONEY_DECIMALS = 8
SIDES = {1: "Buy", -1: "Sell"}


def plain(number: int, decimals: int) -> str:
    """A scaled integer as a decimal text, without trailing zeros."""
    if number == 0 or decimals == 0:
        return str(number)
    sign = "-" if number < 0 else ""
    whole, rest = divmod(abs(number), 10**decimals)
    if rest == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:0{decimals}d}".rstrip("0")


class RowEncoder:
    """Writes the rows of one account."""

    def __init__(self, history: AccountHistory) -> None:
        self.history = history
        name = f"{history.seed}:{history.user_id}".encode()
        self._exec_ids = blake2b(key=b"execution " + name, digest_size=16)
        self._order_ids = blake2b(key=b"order " + name, digest_size=16)
        self._orders_seen: dict[int, str] = {}
        self._kept: list[bytes] | None = None
        if len(history) <= KEPT_ROWS_MAX:
            self._kept = [self._encode(row) for row in range(len(history))]

    def row(self, row: int) -> bytes:
        """One execution as JSON."""
        return self._encode(row) if self._kept is None else self._kept[row]

    def exec_id(self, row: int) -> str:
        """The execution's id; trades have version 5, funding version 4."""
        digest = self._exec_ids.copy()
        digest.update(row.to_bytes(8, "big"))
        funding = self.history.executions.exec_type[row] == FUNDING
        return _uuid(digest.hexdigest(), version="4" if funding else "5")

    def order_id(self, order: int) -> str:
        """The order's id."""
        digest = self._order_ids.copy()
        digest.update(order.to_bytes(8, "big"))
        return _uuid(digest.hexdigest(), version="4")

    def _encode(self, row: int) -> bytes:
        rows = self.history.executions
        order = rows.order[row]
        instrument = INSTRUMENTS[self.history.orders.symbol[order]]
        price_decimals, qty_decimals = instrument.price_decimals, instrument.qty_decimals
        price, qty = rows.price[row], rows.qty[row]
        return (
            f'{self._shared(order)},"leavesQty":"{plain(rows.leaves[row], qty_decimals)}"'
            f',"execTime":"{rows.time_ms[row]}"'
            f',"feeCurrency":"USDT","isMaker":{"true" if rows.is_maker[row] else "false"}'
            f',"execFee":"{plain(rows.fee_e8[row], MONEY_DECIMALS)}"'
            f',"feeRate":"{plain(rows.fee_rate_e8[row], MONEY_DECIMALS)}"'
            f',"execId":"{self.exec_id(row)}","tradeIv":"","blockTradeId":""'
            f',"markPrice":"{plain(rows.mark[row], price_decimals)}"'
            f',"execPrice":"{plain(price, price_decimals)}","markIv":""'
            f',"execValue":"{plain(price * qty, price_decimals + qty_decimals)}"'
            f',"execType":"{EXEC_TYPES[rows.exec_type[row]]}"'
            f',"execQty":"{plain(qty, qty_decimals)}"'
            f',"closedSize":"{plain(rows.closed[row], qty_decimals)}","seq":{rows.seq[row]}'
            ',"extraFees":"","execFeeV2":"","marketUnit":""}'
        ).encode()

    def _shared(self, order: int) -> str:
        """The beginning of a row: what all fills of an order share."""
        known = self._orders_seen.get(order)
        if known is not None:
            return known
        orders = self.history.orders
        instrument = INSTRUMENTS[orders.symbol[order]]
        text = (
            f'{{"symbol":"{instrument.symbol}","orderType":"{ORDER_TYPES[orders.order_type[order]]}"'
            f',"underlyingPrice":"","orderLinkId":"{orders.link_id[order]}"'
            f',"side":"{SIDES[orders.side[order]]}","indexPrice":""'
            f',"orderId":"{self.order_id(order)}"'
            f',"stopOrderType":"{STOP_ORDER_TYPES[orders.stop_type[order]]}"'
            f',"createType":"{CREATE_TYPES[orders.create_type[order]]}"'
            f',"orderQty":"{plain(orders.qty[order], instrument.qty_decimals)}"'
            f',"orderPrice":"{plain(orders.price[order], instrument.price_decimals)}"'
        )
        if len(self._orders_seen) >= ORDERS_SEEN_MAX:
            self._orders_seen.clear()
        self._orders_seen[order] = text
        return text


def _uuid(text: str, *, version: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-a{text[17:20]}-{text[20:]}"

"""Bybit's shape of a transaction log's rows.

`change = cashFlow + funding - fee`, and `cashBalance` is the coin's balance after it. The sign
of `funding` is opposite to that of the execution's fee; `size` is the signed rest. Which side and
which order a line names where it is not simply the execution's, the manual does not say: two
switches decide.
"""

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.rows import SIDES, RowEncoder
from papervenues.bybit.switches import Switches
from papervenues.bybit.values import MONEY_DECIMALS, plain
from papervenues.bybit.vocabulary import COINS, EXEC_TYPES
from papervenues.draws import digest_of

LOG_TYPE_OF = {
    "Funding": "SETTLEMENT",
    "SessionSettlePnL": "SETTLEMENT",
    "BustTrade": "LIQUIDATION",
    "AdlTrade": "ADL",
    "Delivery": "DELIVERY",
    "Settle": "DELIVERY",
}
_TYPE_OF = tuple(LOG_TYPE_OF.get(name, "TRADE") for name in EXEC_TYPES)
_SUB_TYPE_OF = tuple("movePosition" if name == "MovePosition" else "" for name in EXEC_TYPES)
ID_DIGITS = 10**12
WITHOUT_OWN_ORDER = frozenset({"LIQUIDATION", "ADL", "DELIVERY", "SETTLEMENT"})
OF_COIN, OTHER = "of_coin", "other"


class LogWriter:
    """Writes log lines in the venue's shape."""

    def __init__(
        self, book: AccountBook, encoder: RowEncoder, *, switches: Switches | None = None
    ) -> None:
        self.switches = switches or Switches()
        self.book = book
        self.encoder = encoder

    def kind(self, line: int) -> str:
        """The line's type."""
        source = self.book.log.source[line]
        if source < 0:
            return self.book.history.cash[-1 - source].kind
        return _TYPE_OF[self.book.history.executions.exec_type[source]]

    def sub_kind(self, line: int) -> str:
        """The line's sub-type."""
        source = self.book.log.source[line]
        if source < 0:
            return self.book.history.cash[-1 - source].sub_kind
        return _SUB_TYPE_OF[self.book.history.executions.exec_type[source]]

    def row(self, line: int) -> bytes:
        """One line as JSON."""
        source = self.book.log.source[line]
        facts = self._of_cash(-1 - source) if source < 0 else self._of_execution(source, line)
        return f'{{"id":"{self._id(source)}",{facts},{self._amounts(line)}}}'.encode()

    def _of_execution(self, row: int, line: int) -> str:
        history = self.book.history
        rows, order = history.executions, history.executions.order[row]
        instrument = history.instruments[history.orders.symbol[order]]
        kind, decimals = rows.exec_type[row], instrument.qty_decimals
        qty = plain(rows.qty[row], decimals)
        if instrument.category == "spot":
            qty = plain(self.book.log.cash_flow_e8[line], MONEY_DECIMALS)
        return (
            f'"symbol":"{instrument.symbol}","category":"{instrument.category}"'
            f',"side":"{self._side(order, line)}","transactionTime":"{rows.time_ms[row]}"'
            f',"type":"{_TYPE_OF[kind]}","transSubType":"{_SUB_TYPE_OF[kind]}","qty":"{qty}"'
            f',"size":"{plain(self.book.log.size[line], decimals)}"'
            f',"tradePrice":"{plain(rows.price[row], instrument.price_decimals)}"'
            f',"feeRate":"{plain(rows.fee_rate_e8[row], MONEY_DECIMALS)}"'
            f',"tradeId":"{self.encoder.exec_id(row)}","orderId":"{self._order_id(row)}"'
            f',"orderLinkId":"{history.orders.link_id[order]}"'
        )

    def _side(self, order: int, line: int) -> str:
        """The trade's side, or what happened to the line's own coin."""
        history, flow = self.book.history, self.book.log.cash_flow_e8[line]
        is_spot = history.instruments[history.orders.symbol[order]].category == "spot"
        if is_spot and flow and self.switches.log_side == OF_COIN:
            return "Buy" if flow > 0 else "Sell"
        return SIDES[history.orders.side[order]]

    def _order_id(self, row: int) -> str:
        """The execution's order, or a name of the log's own where no order was at work."""
        history = self.book.history
        kind = _TYPE_OF[history.executions.exec_type[row]]
        if kind in WITHOUT_OWN_ORDER and self.switches.log_order_id == OTHER:
            return f"{digest_of('log order', history.seed, history.user_id, row):032x}"
        return self.encoder.order_id(history.executions.order[row])

    def _of_cash(self, number: int) -> str:
        event = self.book.history.cash[number]
        return (
            f'"symbol":"","category":"","side":"None","transactionTime":"{event.time_ms}"'
            f',"type":"{event.kind}","transSubType":"{event.sub_kind}"'
            f',"qty":"{plain(abs(event.change_e8), MONEY_DECIMALS)}","size":"0","tradePrice":""'
            ',"feeRate":"","tradeId":"","orderId":"","orderLinkId":""'
        )

    def _amounts(self, line: int) -> str:
        log = self.book.log
        flow, funding, fee = log.cash_flow_e8[line], log.funding_e8[line], log.fee_e8[line]
        funded = plain(funding, MONEY_DECIMALS) if funding else ""
        return (
            f'"currency":"{COINS[log.coin[line]]}","funding":"{funded}"'
            f',"fee":"{plain(fee, MONEY_DECIMALS)}","cashFlow":"{plain(flow, MONEY_DECIMALS)}"'
            f',"change":"{plain(flow + funding - fee, MONEY_DECIMALS)}"'
            f',"cashBalance":"{plain(log.balance_e8[line], MONEY_DECIMALS)}"'
            ',"bonusChange":"","extraFees":""'
        )

    def _id(self, source: int) -> str:
        # Both lines of a spot trade carry one id, as it happens at the venue.
        history = self.book.history
        name = "" if source < 0 else history.instruments[history.symbol_of(source)].symbol
        number = digest_of("log id", history.seed, history.user_id, source) % ID_DIGITS
        return f"{history.user_id}_{name}_{number:012d}"

"""One account that trades live: its open orders, its books, and what the market does to them.

Live trading begins where the bulk history ends. Time goes on by `catch_up`: between two
instants everything happens in order, which is why the earliest event is looked for again after
each. At one instant funding comes first, then triggers and fills in the order of the orders.
"""

from collections.abc import Sequence

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.exchange import Exchange, OrderTerms
from papervenues.bybit.history import AccountHistory
from papervenues.bybit.live_market import LivePath
from papervenues.bybit.live_working import Working
from papervenues.bybit.rows import RowEncoder
from papervenues.bybit.vocabulary import CANCEL_TYPES, CANCELLED
from papervenues.draws import Draws
from papervenues.market import Instrument

LEVERAGE_DEFAULT = 10
BOTH_LEGS = (0, 1, 2)


class LiveAccount:
    """The state; what happens to it is in `live_matching`, `live_stops` and `live_danger`."""

    def __init__(
        self,
        history: AccountHistory,
        *,
        paths: Sequence[LivePath],
        encoder: RowEncoder,
        book: AccountBook,
        since_ms: int,
    ) -> None:
        self.history = history
        self.paths = paths
        self.encoder = encoder
        self.exchange = Exchange.resume(history, paths)
        self.draws = Draws("live matching", history.seed, history.user_id)
        self.working: dict[int, Working] = {}
        self.leverage: dict[int, int] = {}
        self.links = {link for link in history.orders.link_id if link}
        self.numbers: dict[str, int] = {}
        self.now_ms = since_ms
        self.danger_steps = 0
        # Grows with every change that a list of positions may show.
        self.revision = 0
        # Orders whose state changed, for the private stream, which empties the list.
        self.changed: list[int] = []
        self._book = book

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The instruments of the run."""
        return self.history.instruments

    def book(self) -> AccountBook:
        """What follows from the store, read up to this account's time."""
        self._book.catch_up(self.now_ms)
        return self._book

    def price(self, symbol: int) -> int:
        """The market's price now."""
        return self.paths[symbol].at(self.now_ms)

    def leverage_of(self, symbol: int) -> int:
        """The leverage that was set, or the venue's own."""
        return self.leverage.get(symbol, LEVERAGE_DEFAULT)

    def open(self, terms: OrderTerms) -> int:
        """Write a new order into the store; the answer is its number."""
        number = self.exchange.order(terms, time_ms=self.now_ms)
        self.numbers[self.encoder.order_id(number)] = number
        if terms.link_id:
            self.links.add(terms.link_id)
        self.note(number)
        return number

    def mark(self, number: int, status: int) -> None:
        """Change an order's status."""
        orders = self.history.orders
        orders.status[number] = status
        orders.updated_ms[number] = self.now_ms
        self.note(number)

    def close(self, order: Working, cancel_type: str, *, status: int = CANCELLED) -> None:
        """End an open order unfilled."""
        if self.working.pop(order.number, None) is None:
            return
        self.exchange.close_order(
            order.number,
            time_ms=self.now_ms,
            cancel_type=CANCEL_TYPES.index(cancel_type),
            status=status,
        )
        self.note(order.number)

    def note(self, number: int) -> None:
        """Remember that an order changed."""
        self.changed.append(number)
        self.revision += 1

    def set_leverage(self, symbol: int, leverage: int) -> None:
        """Change the leverage of a symbol."""
        self.leverage[symbol] = leverage
        self.revision += 1

    def find(self, order_id: str, link_id: str) -> Working | None:
        """The open order of an id, or else of a client id."""
        if order_id:
            return self.working.get(self.numbers.get(order_id, -1))
        for order in self.working.values():
            if link_id and order.link_id == link_id:
                return order
        return None

    def closable(self, order: Working) -> int:
        """How much of the position an order may still close."""
        held = self.exchange.held(order.symbol, order.position_idx)
        return max(0, -held * order.side)

    def stops_of(self, symbol: int, leg: int) -> list[Working]:
        """The position's own stops."""
        return [
            order
            for order in self.working.values()
            if order.stop_kind and (order.symbol, order.position_idx) == (symbol, leg)
        ]

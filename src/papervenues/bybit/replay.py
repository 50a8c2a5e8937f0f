"""Figures derived from the rows alone: net positions and bots' holdings at any row.

This is a second path to what the exchange kept while it traded, by the same two rules, and it
also answers for an earlier instant than the end.
"""

from collections import deque
from dataclasses import dataclass

from papervenues.bybit.history import FUNDING, NO_BOT, AccountHistory, Holding
from papervenues.market import INSTRUMENTS

AVERAGE_DECIMALS = 12


@dataclass(frozen=True, slots=True)
class NetPosition:
    """One symbol's net position: signed units, and its average price in ticks times 10^12."""

    symbol: int
    qty: int
    average_e12: int
    seq: int
    opened_ms: int
    updated_ms: int


@dataclass(slots=True)
class _Net:
    qty: int = 0
    cost_e12: int = 0
    seq: int = -1
    opened_ms: int = 0
    updated_ms: int = 0

    def fill(self, signed: int, *, price: int, time_ms: int) -> None:
        if self.qty * signed < 0:
            closed = min(abs(self.qty), abs(signed))
            self.cost_e12 -= self.cost_e12 * closed // abs(self.qty)
            self.qty += closed if self.qty < 0 else -closed
            signed += closed if signed < 0 else -closed
        if signed:
            self.opened_ms = time_ms if self.qty == 0 else self.opened_ms
            self.qty += signed
            self.cost_e12 += abs(signed) * price * 10**AVERAGE_DECIMALS


def net_positions(history: AccountHistory, *, rows: int) -> list[NetPosition]:
    """The position of each instrument after the first so many rows, flat ones included."""
    nets = [_Net() for _ in INSTRUMENTS]
    book, orders = history.executions, history.orders
    for row in range(rows):
        order = book.order[row]
        net = nets[orders.symbol[order]]
        # In a burst the numbers are shuffled; the newest is the largest.
        net.seq = max(net.seq, book.seq[row])
        net.updated_ms = book.time_ms[row]
        if book.exec_type[row] != FUNDING:
            net.fill(orders.side[order] * book.qty[row], price=book.price[row],
                     time_ms=book.time_ms[row])  # fmt: skip
    return [
        NetPosition(
            symbol=number,
            qty=net.qty,
            average_e12=net.cost_e12 // abs(net.qty) if net.qty else 0,
            seq=net.seq,
            opened_ms=net.opened_ms if net.qty else 0,
            updated_ms=net.updated_ms,
        )
        for number, net in enumerate(nets)
    ]


def bot_holdings(history: AccountHistory, *, rows: int) -> list[Holding]:
    """What each bot holds after the first so many rows, by bot and symbol; no zeros."""
    # One queue of [bot, signed rest] for each symbol, in the order of the entry fills.
    queues: list[deque[list[int]]] = [deque() for _ in INSTRUMENTS]
    book, orders = history.executions, history.orders
    for row in range(rows):
        if book.exec_type[row] == FUNDING:
            continue
        order = book.order[row]
        _apply(queues[orders.symbol[order]], bot=orders.bot[order],
               signed=orders.side[order] * book.qty[row])  # fmt: skip
    held: dict[tuple[int, int], int] = {}
    for symbol, queue in enumerate(queues):
        for bot, rest in queue:
            held[bot, symbol] = held.get((bot, symbol), 0) + rest
    return [Holding(bot, symbol, qty) for (bot, symbol), qty in sorted(held.items()) if qty]


def _apply(queue: "deque[list[int]]", *, bot: int, signed: int) -> None:
    for lot in queue:
        if signed == 0:
            break
        if lot[1] * signed >= 0 or bot not in (NO_BOT, lot[0]):
            continue
        taken = min(abs(lot[1]), abs(signed))
        lot[1] += taken if lot[1] < 0 else -taken
        signed += taken if signed < 0 else -taken
    live = [lot for lot in queue if lot[1]]
    if len(live) < len(queue):
        queue.clear()
        queue.extend(live)
    if signed:
        assert bot != NO_BOT, "the venue never crosses zero"
        queue.append([bot, signed])

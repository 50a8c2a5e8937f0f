"""Figures derived from the rows alone: positions and bots' holdings at any row.

This is a second path to what the exchange kept while it traded, by the same rules, and it
also answers for an earlier instant than the end. A position's leg is the index of its orders.
The average of an inverse position is harmonic: contracts divided by the coins they were worth.
"""

from collections import deque
from dataclasses import dataclass

from papervenues.bybit.history import NO_BOT, AccountHistory, Holding
from papervenues.bybit.vocabulary import COINS, PAYMENTS
from papervenues.market import Instrument

AVERAGE_DECIMALS = 12
_INVERSE_DECIMALS = 40
_AVERAGE_SCALE = int(10**AVERAGE_DECIMALS)
_INVERSE_SCALE = int(10**_INVERSE_DECIMALS)
Leg = tuple[int, int]


@dataclass(frozen=True, slots=True)
class NetPosition:
    """One position: signed units, and its average price in ticks times 10^12."""

    symbol: int
    qty: int
    average_e12: int
    seq: int
    opened_ms: int
    updated_ms: int
    position_idx: int = 0


@dataclass(slots=True)
class _Net:
    is_inverse: bool
    qty: int = 0
    cost: int = 0
    seq: int = -1
    opened_ms: int = 0
    updated_ms: int = 0

    def fill(self, signed: int, *, price: int, time_ms: int) -> None:
        if self.qty * signed < 0:
            closed = min(abs(self.qty), abs(signed))
            self.cost -= self.cost * closed // abs(self.qty)
            self.qty += closed if self.qty < 0 else -closed
            signed += closed if signed < 0 else -closed
        if signed:
            self.opened_ms = time_ms if self.qty == 0 else self.opened_ms
            self.qty += signed
            if self.is_inverse:
                self.cost += abs(signed) * _INVERSE_SCALE // price
            else:
                self.cost += abs(signed) * price * _AVERAGE_SCALE

    @property
    def average_e12(self) -> int:
        if self.qty == 0:
            return 0
        if self.is_inverse:
            return abs(self.qty) * _INVERSE_SCALE * _AVERAGE_SCALE // self.cost
        return self.cost // abs(self.qty)


def net_positions(history: AccountHistory, *, rows: int) -> list[NetPosition]:
    """The position of each instrument but spot after the first so many rows, flat ones too.

    Every instrument has its net position; one that was traded in hedge mode has its legs, too.
    """
    nets: dict[Leg, _Net] = {
        (number, 0): _Net(instrument.is_inverse)
        for number, instrument in enumerate(history.instruments)
        if instrument.category != "spot"
    }
    book, orders = history.executions, history.orders
    for row in range(rows):
        order = book.order[row]
        leg = orders.symbol[order], orders.position_idx[order]
        net = nets.get(leg)
        if net is None:
            instrument = history.instruments[leg[0]]
            if instrument.category == "spot":
                continue
            net = nets[leg] = _Net(instrument.is_inverse)
        # In a burst the numbers are shuffled; the newest is the largest.
        net.seq = max(net.seq, book.seq[row])
        net.updated_ms = book.time_ms[row]
        if book.exec_type[row] not in PAYMENTS:
            net.fill(orders.side[order] * book.qty[row], price=book.price[row],
                     time_ms=book.time_ms[row])  # fmt: skip
    return [_position(leg, nets[leg]) for leg in sorted(nets)]


def _position(leg: Leg, net: _Net) -> NetPosition:
    return NetPosition(
        symbol=leg[0],
        qty=net.qty,
        average_e12=net.average_e12,
        seq=net.seq,
        opened_ms=net.opened_ms if net.qty else 0,
        updated_ms=net.updated_ms,
        position_idx=leg[1],
    )


def position_sizes(history: AccountHistory, *, rows: int) -> dict[Leg, int]:
    """The signed size of each position that is not zero, by symbol and index."""
    return {
        (position.symbol, position.position_idx): position.qty
        for position in net_positions(history, rows=rows)
        if position.qty
    }


def bot_holdings(history: AccountHistory, *, rows: int) -> list[Holding]:
    """What each bot holds after the first so many rows, by bot, symbol and leg; no zeros.

    What nobody's orders opened is listed under `NO_BOT`.
    """
    held: dict[tuple[int, int, int], int] = {}
    for (symbol, leg), lots in lots_of(history, rows=rows).items():
        for bot, rest in lots:
            held[bot, symbol, leg] = held.get((bot, symbol, leg), 0) + rest
    return [
        Holding(bot, symbol, qty, leg) for (bot, symbol, leg), qty in sorted(held.items()) if qty
    ]


def lots_of(history: AccountHistory, *, rows: int) -> dict[Leg, "deque[list[int]]"]:
    """The open lots of each leg, oldest first: [bot, signed rest]."""
    queues: dict[Leg, deque[list[int]]] = {}
    book, orders = history.executions, history.orders
    for row in range(rows):
        if book.exec_type[row] in PAYMENTS:
            continue
        order = book.order[row]
        symbol, leg = orders.symbol[order], orders.position_idx[order]
        instrument = history.instruments[symbol]
        signed = orders.side[order] * book.qty[row] * instrument.hold_scale
        if instrument.category == "spot":
            signed -= _fee_in_base(history, row, instrument)
        queue = queues.setdefault((symbol, leg), deque())
        _apply(queue, bot=orders.bot[order], signed=signed)
    return queues


def _fee_in_base(history: AccountHistory, row: int, instrument: Instrument) -> int:
    book = history.executions
    return book.fee_e8[row] if COINS[book.fee_coin[row]] == instrument.base else 0


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
        queue.append([bot, signed])

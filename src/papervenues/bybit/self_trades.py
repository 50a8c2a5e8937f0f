"""The history fault `self_trade`: both sides of a trade are orders of the same account.

Another bot's resting order meets the fill, at the same instant and price. Whether the two
executions have one id is a switch. The other bot is flat or holds the side that it enters, so
that no bot's plans are upset; symbols in hedge mode and what is delivered are left alone.
"""

from papervenues.bybit.bots import ClientIds, Reason
from papervenues.bybit.exchange import REBATE_RATE_E8, Exchange
from papervenues.bybit.history_faults import HistoryFaults
from papervenues.bybit.slots import Slot
from papervenues.bybit.terms import Fill, OrderTerms
from papervenues.bybit.vocabulary import LIMIT


def meet(
    exchange: Exchange,
    row: int,
    *,
    slots: tuple[Slot, ...],
    faults: HistoryFaults,
    ids: ClientIds,
) -> int:
    """Book the other side of an execution, if it has one; the answer is how many rows."""
    history = exchange.history
    book, order = history.executions, history.executions.order[row]
    symbol, side = history.orders.symbol[order], history.orders.side[order]
    other = _other(slots, symbol, side=side, bot=history.orders.bot[order])
    now = book.time_ms[row]
    instrument = exchange.instruments[symbol]
    if other is None or not faults.strikes("self_trade", instrument, now=now):
        return 0
    link_id = ids.write(other.name, reason=Reason.ENTRY, time_ms=now)
    terms = OrderTerms(
        symbol, -side, book.qty[row], book.price[row], LIMIT,
        bot=other.bot_number, link_id=link_id,
    )  # fmt: skip
    number = exchange.order(terms, time_ms=now)
    fill = Fill(number, terms.qty, terms.price, 0, REBATE_RATE_E8, is_maker=True)
    twin = exchange.fill(fill, time_ms=now, slot=other)
    if faults.equal_ids:
        history.twins[twin] = row
    return 1


def may_meet(exchange: Exchange, slot: Slot | None, fill: Fill, *, closing: bool) -> bool:
    """Whether a fill is one that another bot's order may be behind."""
    if slot is None or closing or fill.is_maker:
        return False
    instrument = exchange.instruments[slot.symbol]
    plain = instrument.category in ("linear", "inverse") and not instrument.delivery_ms
    return plain and not exchange.is_hedged(slot.symbol)


def _other(slots: tuple[Slot, ...], symbol: int, *, side: int, bot: int) -> Slot | None:
    for slot in slots:
        if slot.symbol == symbol and slot.bot_number != bot and slot.hold * side <= 0:
            return slot
    return None

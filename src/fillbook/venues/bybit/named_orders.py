"""What does Bybit know of orders that are named by their ids?

The order history lists an order when it ends, under the time at which it was made. An order that
lived longer than any window that is still read again is therefore missed by walking; its fills are
not, and they name it. Asked for by its id, an order is found whatever its age.

One question names one order. An id that the venue says it does not know, or that cannot stand in a
question, has no row. An answer that speaks of other orders only is no answer.
"""

from collections.abc import Iterable

import msgspec

from fillbook.domain.raw import RawRecord
from fillbook.errors import VenueRequestError, VenueUnavailable
from fillbook.venues.bybit import orders
from fillbook.venues.bybit.histories import ORDERS
from fillbook.venues.bybit.pages import listing_in
from fillbook.venues.bybit.session import Question, Session, is_word

# What the venue says of an id that it does not know, or cannot have given.
NOT_KNOWN = frozenset((10001, 110001, 170213))


async def orders_by_id(
    session: Session, category: str, order_ids: Iterable[str]
) -> tuple[RawRecord, ...]:
    """The rows of some orders of a category, as far as the venue has them."""
    records: list[RawRecord] = []
    for order_id in dict.fromkeys(order_ids):
        if order_id and is_word(order_id):
            records += await _order(session, category, order_id)
    return tuple(records)


async def _order(session: Session, category: str, order_id: str) -> list[RawRecord]:
    question = Question(ORDERS.path, (("category", category), ("orderId", order_id)))
    try:
        return await session.ask(question, lambda result: _rows(category, order_id, result))
    except VenueRequestError as error:
        if error.code not in NOT_KNOWN:
            raise
        return []


def _rows(category: str, order_id: str, result: msgspec.Raw) -> list[RawRecord]:
    bodies = [bytes(raw) for raw in listing_in(ORDERS, category, result).list]
    # A row whose id cannot be read may be the one: it is handed on, to be set aside with a reason.
    own = [body for body in bodies if orders.order_id_of(body) in ("", order_id)]
    if bodies and not own:
        raise VenueUnavailable("Bybit answered for other orders than the one asked for; try again")
    return [RawRecord(orders.glance(category, body)[0], body) for body in own]

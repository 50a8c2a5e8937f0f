"""Orders that no window tells: asked for by the ids that their executions name.

An order is listed under the time at which it was made. One that rests for weeks ends long after the
windows of that time were settled, so its fills are booked and nothing else is known of it: not the
order that it was attached to, nor its trigger, nor the leg of a hedged position.
"""

from datetime import datetime

from fillbook.ledger.spoken_of import note_asked, without_order
from fillbook.sync.traversal import Reader, book_page

ORDERS = "orders"
IDS_MAX = 100  # of one category in one pass; the rest is asked for in the next one


async def ask_by_id(reader: Reader, since: datetime) -> None:
    """Ask for the orders of executions since an instant that the ledger does not know."""
    ids = await without_order(
        reader.pool, reader.account.account_id, reader.scope, since=since, limit=IDS_MAX
    )
    if not ids:
        return
    page = await reader.venue.orders_by_id(reader.scope, ids)
    await book_page(reader, page)
    await note_asked(reader.pool, reader.account.account_id, reader.scope, ids, now=reader.clock())

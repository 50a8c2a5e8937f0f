"""What does the venue say that is held now?

Linear positions are asked for by the coin in which they settle, so USDT and USDC are two questions;
both legs of a hedged position come as rows of their own. A row whose symbol, side or size cannot be
read is an error and not a flat position; any other field that is empty or broken is unknown.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from fillbook.domain.observed import HeldPosition
from fillbook.errors import VenueNotOffered, VenueUnavailable
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import Unread
from fillbook.venues.bybit.listings import read_listing
from fillbook.venues.bybit.orders import leg_of
from fillbook.venues.bybit.rows import RowReader, Text, Whole
from fillbook.venues.bybit.session import Session

POSITIONS_PATH = "/v5/position/list"
ROWS_PER_PAGE = "200"
ASKED: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = {
    "linear": ((("settleCoin", "USDT"),), (("settleCoin", "USDC"),)),
    "inverse": ((),),
    "option": ((),),
}

T = TypeVar("T")


class PositionRow(msgspec.Struct, gc=False):
    """A row of the list of positions, or of the private stream's."""

    symbol: Text = ""
    side: Text = ""
    size: Text = ""
    positionIdx: Whole | None = None  # noqa: N815 - the venue's own spelling
    avgPrice: Text = ""  # noqa: N815
    entryPrice: Text = ""  # noqa: N815 - the same on the private stream
    markPrice: Text = ""  # noqa: N815
    unrealisedPnl: Text = ""  # noqa: N815
    leverage: Text = ""
    liqPrice: Text = ""  # noqa: N815
    takeProfit: Text = ""  # noqa: N815
    stopLoss: Text = ""  # noqa: N815
    openTime: Whole | None = None  # noqa: N815
    updatedTime: Text = ""  # noqa: N815
    seq: Whole | None = None
    category: Text = ""  # the private stream's rows only


_ROWS = RowReader(PositionRow)
_NEEDED = frozenset(("symbol", "side", "size", "positionIdx"))


async def positions(session: Session, categories: Iterable[str]) -> list[HeldPosition]:
    """The positions of some categories; one that the account's mode does not offer has none."""
    held: list[HeldPosition] = []
    for category in categories:
        for words in ASKED.get(category, ()):
            held += await _asked(session, category, words)
    return held


async def _asked(
    session: Session, category: str, words: tuple[tuple[str, str], ...]
) -> list[HeldPosition]:
    asked = (("category", category), *words, ("limit", ROWS_PER_PAGE))
    try:
        rows = await read_listing(session, POSITIONS_PATH, asked, signed=True)
    except VenueNotOffered:
        return []
    held: list[HeldPosition] = []
    for raw in rows:
        try:
            position = read_position(category, bytes(raw))
        except Unread as reason:
            raise VenueUnavailable(
                f"Bybit's {category} positions cannot be read ({reason}); try again later"
            ) from None
        if position is not None:
            held.append(position)
    return held


def read_position(category: str, body: bytes) -> HeldPosition | None:
    """The position in a row; None for a row without values. Raises `Unread`."""
    row, damaged = _ROWS.read(body)
    if row is None:
        raise Unread("not a JSON object")
    if not _NEEDED.isdisjoint(damaged):
        raise Unread(f"cannot read {', '.join(damaged)}")
    if not row.size and not row.side:
        return None
    return HeldPosition(
        category=row.category or category,
        symbol=fields.needed_text(row.symbol, "symbol"),
        leg=leg_of(row.positionIdx) or "net",
        qty=_signed(row),
        entry_price=_price(row.avgPrice or row.entryPrice),
        mark_price=_price(row.markPrice),
        unrealised=_known(lambda: fields.amount(row.unrealisedPnl, "")),
        leverage=_price(row.leverage),
        liquidation_price=_price(row.liqPrice),
        take_profit=_price(row.takeProfit),
        stop_loss=_price(row.stopLoss),
        opened_at=_at(str(row.openTime or "")),
        updated_at=_at(row.updatedTime),
        venue_seq=row.seq if row.seq is not None and row.seq >= 0 else None,
    )


def _signed(row: PositionRow) -> Decimal:
    size = fields.needed_not_negative(row.size, "size")
    if not size:
        return Decimal(0)
    return size if fields.needed_side(row.side) == "Buy" else size.copy_negate()


def _known(read: Callable[[], T]) -> T | None:
    """A field on which nothing rests: what cannot be read is unknown."""
    try:
        return read()
    except Unread:
        return None


def _price(told: str) -> Decimal | None:
    return _known(lambda: fields.positive_or_none(told, ""))


def _at(told: str) -> datetime | None:
    return _known(lambda: fields.time_or_none(told, ""))

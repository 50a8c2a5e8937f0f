"""How is a list read to its end that has no window? Instruments, tickers and positions are such."""

from collections.abc import Sequence

import msgspec

from fillbook.errors import VenueUnavailable
from fillbook.venues.bybit.session import Question, Session, is_word

PAGES_MAX = 50


class _Listing(msgspec.Struct):
    list: list[msgspec.Raw]
    nextPageCursor: str | None = None  # noqa: N815 - the venue's own spelling


async def read_listing(
    session: Session, path: str, words: Sequence[tuple[str, str]], *, signed: bool = False
) -> list[msgspec.Raw]:
    """All rows of a list, page after page."""
    rows: list[msgspec.Raw] = []
    cursors: list[str] = []
    for _ in range(PAGES_MAX):
        cursor_word = [("cursor", cursors[-1])] if cursors else []
        question = Question(path, [*words, *cursor_word], signed=signed)
        listing = await session.ask(question, _read)
        rows.extend(listing.list)
        cursor = listing.nextPageCursor
        if not listing.list or not cursor:
            return rows
        if cursor in cursors or not is_word(cursor):
            raise VenueUnavailable(f"Bybit's list at {path} does not go on; try again later")
        cursors.append(cursor)
    raise VenueUnavailable(f"Bybit's list at {path} has more than {PAGES_MAX} pages")


def _read(result: msgspec.Raw) -> _Listing:
    try:
        return msgspec.json.decode(result, type=_Listing)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    raise VenueUnavailable("Bybit's answer carries no list; try again later")

"""`GET /v5/account/transaction-log`: each change of each coin's balance."""

from collections.abc import Callable

from papervenues.bybit.asked import Asked
from papervenues.bybit.cursors import NumberShape
from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.lists import ListRule, Rows, page_of
from papervenues.bybit.log_rows import LogWriter
from papervenues.bybit.query import CATEGORIES
from papervenues.bybit.settings import DAY_MS
from papervenues.bybit.vocabulary import COINS
from papervenues.bybit.windows import WindowRule

RULE = ListRule(20, 50, WindowRule(default_ms=DAY_MS, alone_ms=DAY_MS, longest_ms=7 * DAY_MS))


def transaction_log(asked: Asked) -> Listing:
    """One page of the log."""
    account_type = asked.query.get("accountType", "UNIFIED")
    if account_type != "UNIFIED":
        raise RefusalError(PARAMETERS, "params error: accountType invalid")
    if asked.query.get("category", "") not in ("", *CATEGORIES):
        raise RefusalError(PARAMETERS, "params error: category invalid")
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    encoder = asked.venue.pages[asked.signer.account].encoder
    writer = LogWriter(book, encoder, switches=asked.venue.settings.switches)
    history = book.history
    rows = Rows(
        times=book.log.time_ms,
        row=writer.row,
        shape=NumberShape("log", history.seed, history.user_id),
        keep=_filter(asked, writer),
    )
    return page_of(asked, RULE, rows)


def _filter(asked: Asked, writer: LogWriter) -> Callable[[int], bool]:
    """Whether a line is asked for, by category, currency, type, sub-type and base coin."""
    query, log = asked.query, writer.book.log
    history = writer.book.history
    coin = query.get("currency", "")
    if coin and coin not in COINS:
        return lambda _line: False
    number = COINS.index(coin) if coin else None
    kind, sub_kind = query.get("type", ""), query.get("transSubType", "")
    category, base = query.get("category", ""), query.get("baseCoin", "")

    def is_asked(line: int) -> bool:
        source = log.source[line]
        if number is not None and log.coin[line] != number:
            return False
        if kind and writer.kind(line) != kind:
            return False
        if sub_kind and writer.sub_kind(line) != sub_kind:
            return False
        if not (category or base):
            return True
        if source < 0:
            return False
        instrument = history.instrument_of(source)
        return category in ("", instrument.category) and base in ("", instrument.base)

    return is_asked if number is not None or kind or sub_kind or category or base else _all


def _all(_line: int) -> bool:
    return True

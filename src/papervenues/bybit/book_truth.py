"""What `/paper/truth` says of balances and of the log, read from the books.

Balances are what each coin of both wallets holds; the log is summed up by type and coin, since
its rows follow from the executions and cash events that the truth has in full.
"""

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.log_rows import LogWriter
from papervenues.bybit.rows import RowEncoder
from papervenues.bybit.values import MONEY_DECIMALS, plain
from papervenues.bybit.venue import Venue
from papervenues.bybit.vocabulary import COINS

Flat = dict[str, str | int | None]


def balances(book: AccountBook) -> list[Flat]:
    """The coins of the unified and the FUND wallet that are not zero."""
    return [
        {
            "account": str(book.history.user_id),
            "wallet": wallet,
            "coin": coin,
            "balance": plain(amount, MONEY_DECIMALS),
        }
        for wallet, owned in (("UNIFIED", book.balances_e8), ("FUND", book.funds_e8))
        for coin, amount in zip(COINS, owned, strict=True)
        if amount
    ]


def log_sums(book: AccountBook, encoder: RowEncoder) -> list[Flat]:
    """How many log rows there are of each type and coin, and what they change together."""
    writer, log = LogWriter(book, encoder), book.log
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    for line in range(len(log)):
        key = writer.kind(line), log.coin[line]
        rows, change = sums.get(key, (0, 0))
        change += log.cash_flow_e8[line] + log.funding_e8[line] - log.fee_e8[line]
        sums[key] = rows + 1, change
    return [
        {
            "account": str(book.history.user_id),
            "type": kind,
            "currency": COINS[coin],
            "rows": rows,
            "change": plain(change, MONEY_DECIMALS),
        }
        for (kind, coin), (rows, change) in sorted(sums.items())
    ]


def book_parts(venue: Venue) -> dict[str, list[Flat]]:
    """Both lists, over all accounts, as they stand now."""
    now_ms = venue.clock()
    books = [venue.book(account, now_ms=now_ms) for account in range(len(venue.pages))]
    return {
        "balances": [row for book in books for row in balances(book)],
        "log": [
            row
            for book, pages in zip(books, venue.pages, strict=True)
            for row in log_sums(book, pages.encoder)
        ],
    }

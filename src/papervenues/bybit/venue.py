"""The paper Bybit as a set of answers, without sockets: history, keys, limits, luck."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.history import AccountHistory
from papervenues.bybit.keys import further_keys_of
from papervenues.bybit.limiter import Limiter
from papervenues.bybit.listings import market_of
from papervenues.bybit.live_market import going_on
from papervenues.bybit.pages import AccountPages
from papervenues.bybit.settings import Settings, keys_of
from papervenues.bybit.simulation import play
from papervenues.bybit.truth import Flat, truth_chunks
from papervenues.faults import RequestLuck
from papervenues.market import INSTRUMENTS, Instrument, PricePath

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class PaperHistory:
    """The market and all accounts of one run."""

    settings: Settings
    paths: tuple[PricePath, ...]
    accounts: tuple[AccountHistory, ...]
    instruments: tuple[Instrument, ...] = INSTRUMENTS


def history_of(settings: Settings) -> PaperHistory:
    """Everything that happens under these settings; equal settings give equal histories."""
    market = market_of(seed=settings.seed, start_ms=settings.start_ms, end_ms=settings.end_ms)
    accounts = tuple(
        play(settings, account=number, market=market) for number in range(settings.accounts)
    )
    return PaperHistory(settings, market.paths, accounts, market.instruments)


class Venue:
    """Answers for all accounts; the clock (Unix milliseconds) is handed in."""

    def __init__(self, history: PaperHistory, *, clock: Clock) -> None:
        settings = history.settings
        self.settings = settings
        self.clock = clock
        self.instruments = history.instruments
        self.paths = going_on(history.paths, instruments=history.instruments, seed=settings.seed)
        self.keys = {key.key: key for key in (*keys_of(settings), *further_keys_of(settings))}
        self.limiter = Limiter(settings.rate)
        self.pages = tuple(
            AccountPages(account, faults=settings.faults) for account in history.accounts
        )
        self._books = tuple(AccountBook(account) for account in history.accounts)
        self._order_numbers: tuple[dict[str, int], ...] = tuple({} for _ in history.accounts)
        self.luck = RequestLuck(settings.faults, seed=settings.seed)
        # What live trading adds to listed positions, by account, symbol and index: stops,
        # leverage; and the symbols whose mode was switched, by account.
        self.position_extras: dict[tuple[int, int, int], dict[str, object]] = {}
        self.is_hedged: dict[tuple[int, int], bool] = {}

    def book(self, account: int, *, now_ms: int) -> AccountBook:
        """What follows from an account's store up to now."""
        book = self._books[account]
        book.catch_up(now_ms)
        return book

    def order_number(self, account: int, order_id: str) -> int | None:
        """The number of an order by its id."""
        known, encoder = self._order_numbers[account], self.pages[account].encoder
        for number in range(len(known), len(encoder.history.orders.qty)):
            known[encoder.order_id(number)] = number
        return known.get(order_id)

    def truth(
        self, *, more: Mapping[str, Sequence[Flat]] = MappingProxyType({})
    ) -> Iterator[bytes]:
        """What truly happened up to now, with more lists that others wrote."""
        encoders = tuple(pages.encoder for pages in self.pages)
        return truth_chunks(encoders, now_ms=self.clock(), more=more)

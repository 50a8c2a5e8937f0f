"""The paper Bybit as a set of answers, without sockets: history, keys, limits, luck."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from papervenues.bybit import account_answers, market_answers
from papervenues.bybit.history import AccountHistory
from papervenues.bybit.limiter import Limiter
from papervenues.bybit.pages import AccountPages
from papervenues.bybit.replay import NetPosition, net_positions
from papervenues.bybit.settings import ApiKey, Settings, keys_of
from papervenues.bybit.simulation import play
from papervenues.bybit.truth import happened, truth_chunks
from papervenues.faults import RequestLuck
from papervenues.market import PricePath, price_paths

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class PaperHistory:
    """The market and all accounts of one run."""

    settings: Settings
    paths: tuple[PricePath, ...]
    accounts: tuple[AccountHistory, ...]


def history_of(settings: Settings) -> PaperHistory:
    """Everything that happens under these settings; equal settings give equal histories."""
    paths = price_paths(seed=settings.seed, start_ms=settings.start_ms, end_ms=settings.end_ms)
    accounts = tuple(
        play(settings, account=number, paths=paths) for number in range(settings.accounts)
    )
    return PaperHistory(settings, paths, accounts)


class Venue:
    """Answers for all accounts; the clock (Unix milliseconds) is handed in."""

    def __init__(self, history: PaperHistory, *, clock: Clock) -> None:
        settings = history.settings
        self.settings = settings
        self.clock = clock
        self.paths = history.paths
        self.keys = {key.key: key for key in keys_of(settings)}
        self.limiter = Limiter(settings.rate)
        self.pages = tuple(
            AccountPages(account, faults=settings.faults) for account in history.accounts
        )
        self.luck = RequestLuck(settings.faults, seed=settings.seed)
        self._positions: dict[int, tuple[int, list[NetPosition]]] = {}

    def public(self, path: str, query: Mapping[str, str], *, now_ms: int) -> bytes | None:
        """The result of a public endpoint, or None when the path is none."""
        if path == "/v5/market/time":
            return market_answers.server_time(now_ms)
        if path == "/v5/market/tickers":
            return market_answers.tickers(query, paths=self.paths, now_ms=now_ms)
        if path == "/v5/market/instruments-info":
            return market_answers.instruments_info(query)
        return None

    def private(
        self, path: str, query: Mapping[str, str], *, key: ApiKey, now_ms: int
    ) -> bytes | None:
        """The result of a private endpoint other than the executions, or None."""
        if path == "/v5/user/query-api":
            return account_answers.query_api(key, user_id=self.settings.user_id(key.account))
        if path == "/v5/account/info":
            return account_answers.account_info()
        if path == "/v5/asset/coin/query-info":
            return b'{"rows":[]}'
        if path == "/v5/position/list":
            return account_answers.position_list(
                query,
                positions=self._positions_at(key.account, now_ms=now_ms),
                paths=self.paths,
                now_ms=now_ms,
            )
        return None

    def truth(self) -> Iterator[bytes]:
        """What truly happened up to now."""
        encoders = tuple(pages.encoder for pages in self.pages)
        return truth_chunks(encoders, now_ms=self.clock())

    def _positions_at(self, account: int, *, now_ms: int) -> list[NetPosition]:
        history = self.pages[account].history
        rows = happened(history, now_ms=now_ms)
        known = self._positions.get(account)
        if known is None or known[0] != rows:
            known = self._positions[account] = (rows, net_positions(history, rows=rows))
        return known[1]

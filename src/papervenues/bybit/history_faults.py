"""Faults that change what truly happened: odd fees, trades with oneself, shared ids, silence.

They are drawn by name and turn from the seed, so that a history without them is not touched.
Bursts and self-trades have files of their own.
"""

from collections import Counter
from dataclasses import dataclass, field

from papervenues.bybit.history import AccountHistory
from papervenues.bybit.settings import DAY_MS, HOUR_MS, MINUTE_MS, Settings
from papervenues.draws import Draws, hits
from papervenues.faults import FaultPlan
from papervenues.market import Instrument

EDGE_COUNTS = (99, 100, 101, 200, 201)
SPARSE_DAYS_MIN, SPARSE_DAYS_MAX = 5, 20
SILENCE_PERCENT = 15
SILENCE_DAYS_MIN, SILENCE_DAYS_MAX = 35, 80
SPARSE_HELD_MS = 20 * MINUTE_MS


@dataclass(slots=True)
class HistoryFaults:
    """Says whether a fault strikes now; remembers how often each was asked."""

    plan: FaultPlan
    seed: int
    account: int
    equal_ids: bool
    _asked: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, settings: Settings, *, account: int) -> "HistoryFaults":
        """The faults of one account."""
        equal = settings.switches.self_trade_ids == "equal"
        return cls(settings.faults, settings.seed, account, equal)

    def strikes(self, name: str, instrument: Instrument, *, now: int) -> bool:
        """Whether the fault strikes what happens to this instrument now."""
        faults = self.plan.named(name)
        if not faults:
            return False
        self._asked[name] += 1
        turn = self._asked[name]
        return any(
            fault.covers(symbol=instrument.symbol, start_ms=now, end_ms=now, account=self.account)
            and hits(self.seed, name, self.account, turn, share_ppm=fault.share_ppm)
            for fault in faults
        )

    def edge_count(self, instrument: Instrument, *, now: int, room: int) -> int:
        """How many fills the next order is split into, 0 for the usual."""
        if room < EDGE_COUNTS[-1] or not self.strikes("edge_counts", instrument, now=now):
            return 0
        return EDGE_COUNTS[self._asked["edge_counts"] % len(EDGE_COUNTS)]

    def fee_coin(self, instrument: Instrument, *, now: int) -> str:
        """The third coin in which this fill pays its fee, or none."""
        if instrument.category == "option" or instrument.quote != "USDT":
            return ""
        return "MNT" if self.strikes("fee_coins", instrument, now=now) else ""

    @property
    def is_sparse(self) -> bool:
        """Whether the account trades hardly ever."""
        return any(
            fault.account in (None, self.account)
            and hits(self.seed, "sparse_account", self.account, share_ppm=fault.share_ppm)
            for fault in self.plan.named("sparse_account")
        )

    def share_ids(self, history: AccountHistory) -> None:
        """Give some executions the id of an earlier one of another category."""
        if not self.plan.named("shared_exec_id"):
            return
        last: dict[str, int] = {}
        shared: set[int] = set()
        for row in range(len(history)):
            category = history.instrument_of(row).category
            others = [place for known, place in last.items() if known != category]
            last[category] = row
            now = history.executions.time_ms[row]
            instrument = history.instrument_of(row)
            if others and self.strikes("shared_exec_id", instrument, now=now):
                other = max(others)
                # One that is shared already would give two rows of one order the same id.
                if other not in shared:
                    history.twins[row] = other
                    shared |= {row, other}


def sparse_times(*, start_ms: int, end_ms: int, draws: Draws) -> list[int]:
    """When an account that hardly ever trades does so; some pauses last for months.

    A position is held for minutes, so that no funding falls on it.
    """
    times: list[int] = []
    at = start_ms
    while True:
        low, high = SPARSE_DAYS_MIN, SPARSE_DAYS_MAX
        if times and draws.percent(SILENCE_PERCENT):
            low, high = SILENCE_DAYS_MIN, SILENCE_DAYS_MAX
        at += draws.between(low, high) * DAY_MS
        at += 8 * HOUR_MS - at % (8 * HOUR_MS) + draws.between(HOUR_MS, 6 * HOUR_MS)
        if at + SPARSE_HELD_MS >= end_ms:
            return times
        times.append(at)

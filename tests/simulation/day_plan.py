"""What a day of the service is about: its accounts, their trading, and what goes wrong when.

All of it follows from one seed. A shorter day has the same events, closer together and shorter. The
last part of a day is calm and ends after the sweep of the night, so that everything can heal and be
compared with what truly happened.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from fillbook.domain.window import milliseconds
from papervenues.bybit import Settings

ENDS = datetime(
    2026, 3, 3, 3, 30, tzinfo=UTC
)  # after the sweep of the night, which finds late rows
DAY_HOURS = 24.0
MINUTE, HOUR = 60.0, 3_600.0
HISTORY_DAYS = 2
HISTORY_EXECUTIONS = 150
FILLS_A_DAY = 3_000
CALM_HOURS_MIN = 1.2  # at the end: two intervals of the schedule, and a little more
SKEWS_SECONDS = (-9.0, 14.0)

What = Literal[
    "line cut", "deaf", "bad stream", "bad answers", "venue away", "database away", "key refused",
    "clock off", "killed", "liquidation",
]  # fmt: skip
ALL = -1  # of every account


@dataclass(frozen=True, slots=True)
class Kind:
    """What one account trades."""

    name: str
    categories: tuple[str, ...]
    hedge: bool = False


ACCOUNTS = (
    Kind("linear", ("linear",)),
    Kind("with spot", ("linear", "spot")),
    Kind("hedge", ("linear",), hedge=True),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that goes wrong for a while, or at an instant."""

    what: What
    at: float  # seconds since the day began
    seconds: float = 0.0
    account: int = ALL
    detail: str = ""
    size: float = 0.0

    @property
    def until(self) -> float:
        """When it is over."""
        return self.at + self.seconds


@dataclass(frozen=True, slots=True)
class DayPlan:
    """All that is decided before a day begins."""

    seed: int
    hours: float
    accounts: int
    fills: int
    troubles: tuple[Trouble, ...]
    row_faults: tuple[str, ...]

    @property
    def begins(self) -> datetime:
        """The first minute."""
        return ENDS - timedelta(hours=self.hours)

    @property
    def seconds(self) -> float:
        """The length of the day."""
        return self.hours * HOUR

    def settings(self, number: int) -> Settings:
        """The history of an account before the day."""
        kind = ACCOUNTS[number]
        return Settings(
            end_ms=milliseconds(self.begins),
            seed=self.seed,
            days=HISTORY_DAYS,
            executions=HISTORY_EXECUTIONS + number,  # another count is another user
            categories=kind.categories,
            hedge=kind.hedge,
        )


def day_plan(
    *,
    seed: int = 1,
    hours: float = DAY_HOURS,
    accounts: int = len(ACCOUNTS),
    fills: int | None = None,
    faults: bool = True,
) -> DayPlan:
    """The plan of a seed; equal words give equal plans."""
    chance = random.Random(f"day {seed}")
    wanted = round(FILLS_A_DAY * hours / DAY_HOURS) if fills is None else fills
    rows = ("late_rows=0.02@lists", "late_by_time=0.01@lists") if faults else ()
    troubles = _troubles(chance, hours=hours, accounts=accounts) if faults else ()
    return DayPlan(seed, hours, accounts, wanted, troubles, rows)


def _troubles(chance: random.Random, *, hours: float, accounts: int) -> tuple[Trouble, ...]:
    day = _Day(chance, hours * HOUR, hours / DAY_HOURS, accounts)
    found = [
        day.one("killed", 0.47, 40.0),
        day.one("venue away", 0.16, 3_600 * day.share, least=15 * MINUTE),
        day.one("venue away", 0.62, 200.0, account=chance.randrange(accounts)),
        day.one("database away", 0.30, 300.0),
        day.one("database away", 0.74, 90.0),
        day.one("key refused", 0.36, 3 * HOUR * day.share, least=20 * MINUTE, account=accounts - 1),
        day.one("clock off", 0.52, 2 * HOUR * day.share, least=10 * MINUTE, size=SKEWS_SECONDS[0]),
        day.one("clock off", 0.80, HOUR * day.share, least=10 * MINUTE, size=SKEWS_SECONDS[1]),
        day.one("liquidation", 0.25, account=0),
        day.one("liquidation", 0.70, account=accounts - 1, detail="adl"),
    ]
    for number in range(accounts):
        found += day.of_an_account(number)
    return tuple(sorted(found, key=lambda one: one.at))


@dataclass(frozen=True, slots=True)
class _Day:
    chance: random.Random
    seconds: float
    share: float  # of a whole day
    accounts: int

    @property
    def busy(self) -> float:
        """The part in which something goes wrong."""
        return self.seconds - max(CALM_HOURS_MIN * HOUR, self.seconds * 0.06)

    def one(
        self, what: What, place: float, seconds: float = 0.0, *, least: float = 0.0,
        account: int = ALL, detail: str = "", size: float = 0.0,
    ) -> Trouble:  # fmt: skip
        """About there, give or take a hundredth of the day."""
        at = self.busy * (place + self.chance.uniform(-0.01, 0.01))
        lasts = max(seconds, least)
        assert at + lasts < self.busy + MINUTE, f"{what} does not end before the calm"
        return Trouble(what, at, lasts, account, detail, size)

    def of_an_account(self, number: int) -> list[Trouble]:
        """Lines that are cut and go deaf, hours of bad answers and of a bad stream."""
        chance, found = self.chance, list[Trouble]()
        for _ in range(max(1, round(6 * self.share))):
            found.append(self._anywhere("line cut", 0.0, number))
        for _ in range(max(1, round(2 * self.share))):
            found.append(self._anywhere("deaf", 0.0, number))
        for _ in range(max(1, round(2 * self.share))):
            lasts = chance.uniform(0.6, 1.4) * HOUR * max(self.share, 0.7)
            found.append(self._anywhere("bad answers", lasts, number))
        lasts = HOUR * max(self.share, 0.7)
        return [*found, self._anywhere("bad stream", lasts, number)]

    def _anywhere(self, what: What, seconds: float, account: int) -> Trouble:
        at = self.chance.uniform(0.05, 0.98) * (self.busy - seconds)
        return Trouble(what, at, seconds, account)

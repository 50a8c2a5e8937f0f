"""What is shared by everybody in this process who asks the same network of a venue.

A venue counts requests of a key per endpoint, and of an address over all its hosts; it blocks an
address as a whole. So two connections with one key keep one pace, all connections to the hosts of
one network keep one budget, and when one of them is blocked the others are silent too. Which hosts
belong together the venue's own folder says.

Another process on this machine, or another machine behind the same address, knows nothing of it:
two processes together may send twice as much, and the second learns of a block by being blocked.
"""

import asyncio
import time
from bisect import insort
from dataclasses import dataclass, field
from math import inf

from fillbook.venues._pace import Pacer, PaceSettings, Sleep, Stopwatch

BUDGET_REQUESTS = 500  # in `BUDGET_SECONDS`, by one address; the strictest venue allows 600
BUDGET_SECONDS = 5.05


class Budget:
    """How many requests one address may send to one network."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: list[float] = []

    def earliest(self) -> float:
        """The instant before which no further request fits."""
        if len(self._taken) < BUDGET_REQUESTS:
            return -inf
        return self._taken[-BUDGET_REQUESTS] + BUDGET_SECONDS

    def take(self, at: float) -> None:
        """A request will be sent at that instant."""
        insort(self._taken, at)
        del self._taken[:-BUDGET_REQUESTS]


@dataclass(slots=True)
class Network:
    """What everybody knows of a network: one or more hosts that count together."""

    budget: Budget = field(default_factory=Budget)
    silent_until: float = -inf

    def silence(self, until: float) -> None:
        """Nothing is sent before that instant."""
        self.silent_until = max(self.silent_until, until)


class Sharing:
    """Networks and paces by name. All that is shared is measured with one stopwatch."""

    def __init__(
        self, *, sleep: Sleep = asyncio.sleep, stopwatch: Stopwatch = time.monotonic
    ) -> None:
        self.sleep = sleep
        self.stopwatch = stopwatch
        self._networks: dict[str, Network] = {}
        self._pacers: dict[tuple[str, str, str], Pacer] = {}

    def network(self, name: str) -> Network:
        """What is known of a network."""
        return self._networks.setdefault(name, Network())

    def pacer(self, network: str, key: str, path: str, *, settings: PaceSettings) -> Pacer:
        """The pace of one key at one endpoint, by the strictest settings of those who use it."""
        name = (network, key, path)
        pacer = self._pacers.get(name)
        if pacer is None:
            budget = self.network(network).budget
            pacer = Pacer(settings, sleep=self.sleep, stopwatch=self.stopwatch, budget=budget)
            self._pacers[name] = pacer
        else:
            pacer.tighten(settings)
        return pacer


OF_THIS_PROCESS = Sharing()

"""What came of a layer of tests, and of many seeds: counts to add up, print and keep."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from papervenues.fault_table import FAULTS
from tests.simulation.simulation import Outcome

YEAR_SECONDS = 365.25 * 86_400
COMMON_ENOUGH = 20  # how often a kind of fault should have struck in a commit's run


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer: what was planned, what was done, what failed."""

    name: str
    planned: int
    done: int
    failed: int
    seconds: float
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def verdict(self) -> str:
        """Passed only when all that was planned was done, and none of it failed."""
        if self.failed:
            return "failed"
        return "passed" if self.done >= self.planned else "short"

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self) | {"rate": round(self.rate, 3), "verdict": self.verdict}


@dataclass(slots=True)
class Summary:
    """What many seeds came to."""

    seeds: int = 0
    simulated_seconds: float = 0.0
    wall_seconds: float = 0.0
    elapsed: float = 0.0
    requests: int = 0
    statements: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """One seed more."""
        self.seeds += 1
        self.simulated_seconds += outcome.simulated_seconds
        self.wall_seconds += outcome.wall_seconds
        self.requests += outcome.requests
        self.statements += outcome.statements
        self.fired.update(outcome.fired)
        self.struck.update({f"{what}, {hit}": n for (what, hit), n in outcome.struck.items()})
        self.reached.update(outcome.reached)
        self.held.update(outcome.held)
        if outcome.violation:
            self.violations.append(f"seed={outcome.seed} {outcome.violation}")

    def merge(self, other: "Summary") -> None:
        """What another process came to."""
        self.seeds += other.seeds
        self.simulated_seconds += other.simulated_seconds
        self.wall_seconds += other.wall_seconds
        self.requests += other.requests
        self.statements += other.statements
        for mine, theirs in (
            (self.fired, other.fired), (self.struck, other.struck),
            (self.reached, other.reached), (self.held, other.held),
        ):  # fmt: skip
            mine.update(theirs)
        self.violations += other.violations

    @property
    def points_struck(self) -> set[str]:
        """The named points at which something was struck down, paused or cut."""
        return {what.partition(" ")[2].rpartition(",")[0] for what in self.struck}

    def as_json(self) -> dict[str, Any]:
        """The summary as plain values; kinds of faults that never fired stand there with 0."""
        fired = {name: self.fired.get(name, 0) for name in FAULTS}
        return {
            "seeds": self.seeds,
            "simulated_years": round(self.simulated_seconds / YEAR_SECONDS, 2),
            "wall_seconds": round(self.wall_seconds, 1),
            "requests": self.requests,
            "statements": self.statements,
            "faults": dict(sorted(fired.items())),
            "points_reached": len(self.reached),
            "points_struck": len(self.points_struck),
            "struck": dict(sorted(self.struck.items())),
            "invariants": dict(sorted(self.held.items(), key=_by_number)),
            "violations": self.violations,
        }

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> "Summary":
        """The summary that another process has written with `dump`."""
        counted = ("fired", "struck", "reached", "held")
        words: dict[str, Any] = {
            name: Counter(one) if name in counted else one for name, one in told.items()
        }
        return cls(**words)

    def dump(self, path: Path) -> None:
        """Keep everything, for another process to add up."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        path.write_text(json.dumps(told), encoding="utf-8")

    def lines(self) -> list[str]:
        """What a reader wants to see."""
        told = self.as_json()
        rare = {name: n for name, n in told["faults"].items() if n < COMMON_ENOUGH}
        never = [name for name, n in rare.items() if not n]
        held = " ".join(f"{name}:{n}" for name, n in told["invariants"].items())
        counted = f"{self.requests} requests, {self.statements} statements"
        kinds = f"{sum(map(bool, told['faults'].values()))} of {len(FAULTS)} kinds fired"
        lines = [
            f"{self.seeds} seeds, {told['simulated_years']} simulated years, {counted}",
            f"faults: {kinds}; fewer than {COMMON_ENOUGH} times: {_listed(rare)}",
            f"points: {told['points_struck']} struck of {told['points_reached']} reached",
            f"invariants: {held}",
            *(f"VIOLATED {one}" for one in self.violations),
        ]
        return lines + ([f"never fired: {', '.join(never)}"] if never else [])


def summed(outcomes: Iterable[Outcome]) -> Summary:
    """All of them together."""
    summary = Summary()
    for outcome in outcomes:
        summary.add(outcome)
    return summary


def _listed(rare: dict[str, int]) -> str:
    shown = sorted(rare.items(), key=lambda one: one[1])
    return ", ".join(f"{name} {n}" for name, n in shown) or "none"


def _by_number(one: tuple[str, int]) -> tuple[int, str]:
    digits = "".join(filter(str.isdigit, one[0]))
    return int(digits or 0), one[0]

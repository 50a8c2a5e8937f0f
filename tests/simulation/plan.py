"""What one seed is about: an account's history, what the exchange does wrong, and what happens.

Every seed draws its own subset of faults, its own rates and its own steps, so that rare things meet
in some seeds and each thing is seen alone in others.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from fillbook.domain.window import from_milliseconds, milliseconds
from papervenues.bybit import Settings
from papervenues.bybit.switches import QUESTIONS, Switches
from papervenues.fault_table import CLOCK, FAULTS, HISTORY, KEY, PAGE, REQUEST, ROW, STREAM
from papervenues.faults import FaultPlan, parse_fault
from tests.simulation.blows import drawn_blow
from tests.simulation.workers import Blow

END = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WIDE = ("linear", "inverse", "spot", "option")
FEW_STREAMS = ("orders", "executions", "account_log")
HISTORY_SEEDS = 2
# (days, executions); histories are costly to make, so that seeds share some.
SIZES = ((1, 30), (2, 60), (4, 40), (7, 80), (10, 150), (20, 100), (30, 300), (60, 60), (90, 300))
SIZE_WEIGHTS = (14, 18, 16, 8, 3, 2, 0.5, 1, 0.5)
FAULTS_MAX = 7
SHARES = ("0.01", "0.03", "0.08", "0.2")
SHARES_OF_ROWS = ("0.02", "0.06", "0.2")
# Whoever is shut out, or stopped for good, sees little else: such faults strike seldom.
SELDOM = {"address_banned": "0.02", "stalled_body": "0.02", "account_upgraded": "0.7"}
# Each seed leads one kind, in turn, at a share at which it is sure to strike.
LED = {
    REQUEST: "0.2",
    PAGE: "0.3",
    ROW: "0.3",
    CLOCK: "0.1",
    KEY: "0.1",
    HISTORY: "0.4",
    STREAM: "1",
}
LED_OTHERWISE = {"address_banned": "0.05", "stalled_body": "0.05", "account_upgraded": "1"}
KEY_SHARES = ("0.05", "0.15")
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
WAITS = ((5 * MINUTE, 2 * HOUR), (HOUR, DAY), (DAY, 3 * DAY), (3 * DAY, 20 * DAY))

Kind = Literal["pass", "both", "wait", "away", "database away", "rebuild", "follow"]
RunKind = Literal["backfill", "hourly", "manual"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens."""

    kind: Kind
    run: RunKind = "backfill"
    seconds: float = 0.0
    worker: int = 0
    again: bool = False
    blow: Blow | None = None
    orders: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a seed decides before it begins."""

    seed: int
    settings: Settings
    history_seed: int
    streams: tuple[str, ...] | None
    starts_at: datetime
    window_max: timedelta | None
    steps: tuple[Step, ...]
    repeats: bool  # whether everything is read once more at the end, and laid once more

    @property
    def begins(self) -> datetime:
        """Before the first row of history."""
        return from_milliseconds(self.settings.start_ms) - timedelta(hours=1)

    @property
    def categories(self) -> tuple[str, ...]:
        """What is traded and read."""
        return self.settings.categories

    @property
    def struck(self) -> frozenset[str]:
        """The names of its faults."""
        return frozenset(fault.name for fault in self.settings.faults.faults)


def plan_of(seed: int) -> Plan:
    """The plan of a seed; equal seeds give equal plans."""
    chance = random.Random(f"plan {seed}")
    days, executions = chance.choices(SIZES, SIZE_WEIGHTS)[0]
    is_wide = days <= 10 and chance.random() < 0.12
    led = sorted(FAULTS)[seed % len(FAULTS)]
    is_led_by_the_stream = FAULTS[led].acts == STREAM
    is_wide = is_wide and not is_led_by_the_stream
    days, executions = (4, 40) if is_led_by_the_stream else (days, executions)
    follows = is_led_by_the_stream or (not is_wide and days <= 20 and chance.random() < 0.1)
    settings = Settings(
        end_ms=milliseconds(END),
        seed=seed,
        days=days,
        bots=chance.choice((1, 3)),
        executions=executions,
        categories=WIDE if is_wide else ("linear",),
        hedge=chance.random() < 0.15,
        faults=_faults(chance, led, follows=follows),
        switches=_switches(chance),
    )
    starts_at = END
    if not follows and chance.random() < 0.5:
        starts_at -= timedelta(days=days) * chance.choice((0.9, 0.6, 0.3, 0.1))
    return Plan(
        seed=seed,
        settings=settings,
        history_seed=chance.randrange(HISTORY_SEEDS),
        streams=_streams(chance, is_wide=is_wide),
        starts_at=starts_at,
        window_max=_window_max(chance, days),
        steps=tuple(_steps(chance, follows=follows)),
        repeats=seed % 5 == 3,
    )


def _window_max(chance: random.Random, days: int) -> timedelta | None:
    """Short windows for some, where there are not too many of them."""
    if days > 10 or chance.random() > 0.4:
        return None
    return timedelta(days=chance.choice((1, 3)))


def _streams(chance: random.Random, *, is_wide: bool) -> tuple[str, ...] | None:
    if is_wide:
        return None if chance.random() < 0.6 else FEW_STREAMS
    return chance.choices((("executions",), FEW_STREAMS, (*FEW_STREAMS, "closed_pnl"), None),
                          (2, 12, 4, 1))[0]  # fmt: skip


def _switches(chance: random.Random) -> Switches:
    """Mostly as the manual is understood; now and then one open question answered otherwise."""
    if chance.random() < 0.75:
        return Switches()
    name = chance.choice([
        "start_bound", "end_bound", "limit_above", "closed_pnl_sort", "closed_pnl_split",
        "self_trade_ids", "wording", "long_window_code", "limit_headers", "ban_minutes", "log_side",
        "log_order_id", "ws_auth_failure",
    ])  # fmt: skip
    return Switches.of([f"{name}={chance.choice(QUESTIONS[name].choices)}"])


def _faults(chance: random.Random, led: str, *, follows: bool) -> FaultPlan:
    """Each family of faults is in or out; of those that are in, some, at shares of their own."""
    texts: list[str] = []
    requests = [name for name, kind in FAULTS.items() if kind.acts in (REQUEST, PAGE)]
    if chance.random() < 0.85:
        names = chance.sample(requests, chance.randint(1, FAULTS_MAX))
        texts += [f"{name}={SELDOM.get(name) or chance.choice(SHARES)}@any" for name in names]
    for acts, odds, most, shares in (
        (ROW, 0.55, 4, SHARES_OF_ROWS),
        (CLOCK, 0.2, 1, ("0.02", "0.08")),
        (KEY, 0.3, 1, KEY_SHARES),
        (HISTORY, 0.15, 2, SHARES_OF_ROWS),
    ):
        if chance.random() < odds:
            kinds = [name for name, kind in FAULTS.items() if kind.acts == acts]
            names = chance.sample(kinds, chance.randint(1, most))
            texts += [f"{name}={SELDOM.get(name) or chance.choice(shares)}" for name in names]
    if follows:
        kinds = [name for name, kind in FAULTS.items() if kind.acts == STREAM]
        for name in chance.sample(kinds, chance.randint(2, 6)):
            texts.append(f"{name}={chance.choice(('0.2', '0.5', '1'))}")
    share = LED_OTHERWISE.get(led) or LED[FAULTS[led].acts]
    texts = [text for text in texts if not text.startswith(f"{led}=")] + [f"{led}={share}"]
    if any(text.startswith("ws_lost_subscription") for text in texts):
        texts.append("ws_disconnect=0.5")  # only who comes back can find his subscription lost
    return FaultPlan(tuple(map(parse_fault, texts)))


def _steps(chance: random.Random, *, follows: bool) -> list[Step]:
    steps = [_step(chance) for _ in range(chance.choice((1, 1, 2, 2, 3)))]
    if follows:
        seconds = chance.uniform(2 * MINUTE, 8 * MINUTE)
        steps.insert(
            chance.randint(0, len(steps)),
            Step("follow", seconds=seconds, orders=chance.randint(3, 10),
                 blow=drawn_blow(chance, follows=True) if chance.random() < 0.4 else None),
        )  # fmt: skip
    if not any(step.kind in ("pass", "both", "follow") for step in steps):
        steps.append(Step("pass", blow=drawn_blow(chance)))
    return steps


def _step(chance: random.Random) -> Step:
    kind: Kind = chance.choices(
        ("pass", "both", "wait", "away", "database away", "rebuild"), (10, 3, 4, 1.5, 1, 1)
    )[0]
    run: RunKind = chance.choice(("backfill", "backfill", "hourly", "manual"))
    low, high = chance.choices(WAITS, (4, 3, 2, 1))[0]
    blow = drawn_blow(chance, rebuilds=kind == "rebuild") if chance.random() < 0.55 else None
    return Step(
        kind,
        run=run,
        seconds=chance.uniform(low, high),
        worker=chance.randrange(2),
        again=chance.random() < 0.1,
        blow=blow,
    )

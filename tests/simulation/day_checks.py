"""Holding the ledger of a day against what truly happened, and the service against its schedule."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, LiteralString

from fillbook.domain.window import milliseconds
from fillbook.sync.schedule import Plan, Slots
from tests.simulation.connections import Stock
from tests.simulation.day_account import DayAccount
from tests.simulation.day_plan import ALL, ENDS, DayPlan, Trouble
from tests.simulation.day_world import DayWorld
from tests.sync.fault_oracle import _told

FILLS: LiteralString = """
SELECT category, symbol, execution_id, order_id, side, price, qty, executed_at, value, closed_qty,
    fee, fee_currency, is_maker, exec_type, order_type, stop_type, create_type, client_order_id
FROM facts.current_executions WHERE account_id = %s
"""
FLOWS: LiteralString = """
SELECT category, symbol, flow_id, amount, occurred_at
FROM facts.current_cash_flows WHERE account_id = %s
"""
HELD: LiteralString = """
SELECT category, symbol, leg, sum(CASE side WHEN 'Sell' THEN -quantity ELSE quantity END)
FROM trading.positions WHERE account_id = %s AND quantity <> 0 AND category <> 'spot'
GROUP BY category, symbol, leg
"""
BREAKS: LiteralString = """
SELECT a.name, way, measure, symbol, currency, cause, why, first_seen_at, healed_at
FROM ops.breaks JOIN ops.accounts a USING (account_id) ORDER BY first_seen_at
"""
ALARMS: LiteralString = """
SELECT coalesce(a.name, ''), kind, subject, raised_at, cleared_at, detail
FROM ops.alarms LEFT JOIN ops.accounts a USING (account_id) ORDER BY raised_at
"""
OVERLAPPING: LiteralString = """
SELECT a.name, r.kind, r.started_at, o.kind, o.started_at
FROM ops.runs r JOIN ops.runs o ON o.account_id = r.account_id AND o.run_id <> r.run_id
    AND o.started_at >= r.started_at AND (r.ended_at IS NULL OR o.started_at < r.ended_at)
JOIN ops.accounts a ON a.account_id = r.account_id
"""
JOBS: LiteralString = """
SELECT a.name, job, outcome, missed, failures, error
FROM ops.jobs JOIN ops.accounts a USING (account_id)
"""
PASSES: LiteralString = "SELECT kind || ', ' || status, count(*) FROM ops.runs GROUP BY 1"
LEFT: LiteralString = """
SELECT 'disputes', count(*) FROM derived.disputes UNION ALL
SELECT 'quarantined', count(*) FROM facts.quarantined UNION ALL
SELECT 'failed windows: ' || stream || ' ' || scope || ' ' || starts_at || ' ' || ends_at || ' '
    || reason, count(*) FROM ops.window_failures GROUP BY 1 UNION ALL
SELECT 'runs that seem to go on', count(*) FROM ops.runs WHERE status = 'running'
"""
LEGS: Final = {0: "net", 1: "long", 2: "short"}
LIVE_SECONDS_MAX: Final = 60.0  # a fill that was told live is laid by then, come what may
SHOWN_MAX: Final = 3
Core = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's book beside the truth."""

    booked: int
    happened: int
    missing: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all that happened is booked."""
        return not self.missing


def standing(world: DayWorld, account: DayAccount, *, every_field: bool) -> Standing:
    """Compare fills and payments; every field, or what they are known by."""
    truth = account.exchange.truth()
    number = account.account_id
    booked = list(_booked(world.stock, number)) if number is not None else []
    happened = {_told(row, core=True): row for row in truth["executions"]}
    cores = Counter(core for core, _ in booked)
    wrong = [f"twice: {core}" for core, times in cores.items() if times > 1]
    wrong += [f"never happened: {core}" for core in cores if core not in happened]
    if every_field:
        whole = {core: _told(row, core=False) for core, row in happened.items()}
        wrong += [
            f"booked {told}, happened {whole[core]}"
            for core, told in booked
            if core in whole and told != whole[core]
        ]
    missing = tuple(str(core) for core in happened if core not in cores)
    if not missing:
        wrong += _positions(world.stock, account, truth)
    return Standing(len(booked), len(happened), missing, tuple(wrong[:SHOWN_MAX]))


def _booked(stock: Stock, number: int) -> Iterator[tuple[Core, Core]]:
    for row in stock.ask(FILLS, number):
        core = (*row[:7], milliseconds(row[7]))
        yield core, (*core, *row[8:])
    for row in stock.ask(FLOWS, number):
        told = (*row[:-1], milliseconds(row[-1]))
        yield told, told


def _positions(stock: Stock, account: DayAccount, truth: dict[str, Any]) -> list[str]:
    ours = {tuple(key): held for *key, held in stock.ask(HELD, account.account_id) if held}
    theirs: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in truth["positions"]:
        if row["category"] != "spot":
            key = row["category"], row["symbol"], LEGS[row["positionIdx"]]
            theirs[key] += Decimal(row["signedSize"])
    different = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    return [f"position {key}: {ours.get(key)}, truly {theirs.get(key)}" for key in different]


def late_although_live(account: DayAccount, now: float) -> list[str]:
    """Fills that were told on a sound line to a live feed, and are not laid for long."""
    return [
        f"{account.name}: {known} of {fill.at:.1f} s was told live and is not laid at {now:.0f} s"
        for known, fill in account.open.items()
        if fill.is_live and now - fill.at > LIVE_SECONDS_MAX
    ]


# --- breaks, alarms, schedule ------------------------------------------------------------------


def seconds_of(at: datetime | None, plan: DayPlan) -> float:
    """Since the day began."""
    return float("inf") if at is None else (at - plan.begins) / timedelta(seconds=1)


def breaks_told(stock: Stock) -> tuple[Counter[str], list[str], float]:
    """Breaks by way and cause; those that are open; the longest time that one stayed."""
    causes: Counter[str] = Counter()
    still: list[str] = []
    longest = 0.0
    for name, way, measure, symbol, currency, cause, why, first, healed in stock.ask(BREAKS):
        causes[f"{way} {cause}"] += 1
        if healed is None:
            still.append(f"{name}: {way} {measure} {symbol}{currency}, {cause}: {why}")
        else:
            longest = max(longest, (healed - first).total_seconds())
    return causes, still, longest


DATABASE: Final = "database away"
WANTED_ALARMS: Final = {
    "venue away": "feed not live",
    "database away": DATABASE,
    "key refused": "key refused",
}
HIDES_OTHERS: Final = frozenset(("venue away", "database away", "killed", "key refused"))
NOTICED_SECONDS: Final = 420.0  # by when an alarm is raised
CLOCK_SLACK: Final = 30.0
CLEARED_AFTER_SECONDS: Final = 1_500.0


def alarms_missing(world: DayWorld) -> list[str]:
    """For each trouble that should have raised an alarm: was it raised in time, and cleared?"""
    found = world.stock.ask(ALARMS)
    names = {account.number: account.name for account in world.accounts}
    said: list[str] = []
    for trouble in world.plan.troubles:
        kind = WANTED_ALARMS.get(trouble.what)
        after = _known_from(trouble, world.plan) + NOTICED_SECONDS
        if kind is None or (after > trouble.until and kind != DATABASE):
            continue
        of = [names.get(trouble.account, "")] if trouble.account >= 0 else list(names.values())
        for name in [""] if kind == DATABASE else of:
            # Whose key was never accepted by this process is known by its name only.
            rows = [row for row in found if row[1] == kind and name in (row[0], row[2])]
            if not any(_answers(world.plan, trouble, after, row) for row in rows):
                said.append(f"{trouble.what} at {trouble.at:.0f} s: no {kind!r} of {name or 'all'}")
    still = [
        f"{row[0]}: {row[1]} {row[2]} is still up: {row[5]}" for row in found if row[4] is None
    ]
    return said + still


def _answers(plan: DayPlan, trouble: Trouble, after: float, row: tuple[Any, ...]) -> bool:
    """Raised in time, and cleared when it was over. The machine's clock may have been wrong."""
    raised, cleared = seconds_of(row[3], plan), seconds_of(row[4], plan)
    in_time = trouble.at - CLOCK_SLACK <= raised <= after + CLOCK_SLACK
    return in_time and cleared <= trouble.until + CLEARED_AFTER_SECONDS


def _known_from(trouble: Trouble, plan: DayPlan) -> float:
    """When it can be noticed: not while there is no process, or something else is away."""
    known = trouble.at
    for other in plan.troubles:  # in the order of their times
        is_same = other.account in (ALL, trouble.account)
        hides = is_same and other is not trouble and other.what in HIDES_OTHERS
        if hides and other.at <= known + NOTICED_SECONDS and other.until > known:
            known = other.until
    return known


def alarms_told(stock: Stock) -> Counter[str]:
    """How often each kind of alarm was raised."""
    return Counter(str(row[1]) for row in stock.ask(ALARMS))


def passes_told(stock: Stock) -> Counter[str]:
    """How many passes there were, by kind and end."""
    return Counter({str(kind): int(n) for kind, n in stock.ask(PASSES)})


def schedule_wrong(world: DayWorld, served: Mapping[tuple[str, str], set[datetime]]) -> list[str]:
    """No two runs of an account at a time; each slot served once, or counted as missed."""
    said = [f"runs overlap: {row}" for row in world.stock.ask(OVERLAPPING)]
    jobs = {(name, job): rest for name, job, *rest in world.stock.ask(JOBS)}
    for account in world.accounts:
        for rule in Plan().rules():
            if isinstance(rule, Slots):
                what = account.name, rule.job
                done, missed = len(served.get(what, ())), jobs.get(what, ("", 0))[1]
                if done + missed != (slots := slots_of(world.plan, rule)):
                    said.append(f"{what}: {done} served and {missed} missed of {slots}")
    return said


def slots_of(plan: DayPlan, rule: Slots) -> int:
    """How many slots of a rule lie in a day, with one that is young enough as it begins."""
    first = rule.slot_at(plan.begins)
    is_young = rule.late_max is not None and plan.begins - first <= rule.late_max
    return (rule.slot_at(ENDS) - first) // rule.period + is_young


def left_over(stock: Stock) -> list[str]:
    """What must be nothing at the end."""
    return [f"{n} {what}" for what, n in stock.ask(LEFT) if n]


def latencies(accounts: tuple[DayAccount, ...]) -> dict[str, list[float]]:
    """Seconds from a fill to the book, of those told live and of the others."""
    told: dict[str, list[float]] = {"live": [], "others": []}
    for account in accounts:
        for fill in account.fills.values():
            if fill.seconds is not None:
                told["live" if fill.is_live else "others"].append(fill.seconds)
    return {kind: sorted(found) for kind, found in told.items()}

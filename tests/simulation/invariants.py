"""The invariants, each a sentence and a check. A check raises `ViolationError` with what it found.

Cheap ones run after every step, against the ledger as it stands and against the exchange's own
truth up to that instant; those that recompute everything run at the end of a seed, and now and then
in between.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, LiteralString
from uuid import UUID

from fillbook.domain.window import from_milliseconds, milliseconds
from fillbook.ledger.leases import LEASE_LENGTH
from fillbook.ledger.packing import unpack
from papervenues.fault_table import CLOCK, FAULTS, ROW
from tests.simulation.connections import CONNECTIONS_MAX
from tests.simulation.looks import Look, Told, Truth, is_cash, leaves_fields, look_at, signed_size
from tests.simulation.served import unproven_part

if TYPE_CHECKING:
    from tests.simulation.steps import Ended
    from tests.simulation.world import World

ROW_FAULTS = frozenset(name for name, kind in FAULTS.items() if kind.acts == ROW)
CLOCK_FAULTS = frozenset(name for name, kind in FAULTS.items() if kind.acts == CLOCK)
CLOCK_OFF_MAX = timedelta(minutes=11)
HIDING = frozenset(name for name, kind in FAULTS.items() if kind.nature == "hides")
LATE = frozenset(("late_rows", "late_by_time"))
SKEW = timedelta(seconds=2)
REQUESTS_MAX = 6_000
_SPOKEN_OF: LiteralString = """
SELECT execution_id FROM facts.current_log_entries WHERE account_id = %s
"""
_QUARANTINED: LiteralString = """
SELECT r.codec, r.body FROM facts.quarantined q
JOIN facts.raw_records r USING (account_id, chain_seq) WHERE q.account_id = %s
"""
_UNTYPED: LiteralString = """
SELECT r.stream, count(*) FROM facts.raw_records r WHERE r.account_id = %(id)s
AND NOT EXISTS (SELECT 1 FROM facts.executions f WHERE f.account_id = %(id)s
    AND f.execution_key = r.record_key)
AND NOT EXISTS (SELECT 1 FROM facts.cash_flows f WHERE f.account_id = %(id)s
    AND f.cash_key = r.record_key)
AND NOT EXISTS (SELECT 1 FROM facts.quarantined q WHERE q.account_id = %(id)s
    AND q.chain_seq = r.chain_seq)
AND r.stream LIKE 'executions%%' GROUP BY 1
"""
_UNEVEN: LiteralString = """
SELECT book_id, stretch, side, sum(unit_end - unit_start), max(unit_end) - min(unit_start)
FROM derived.lines WHERE account_id = %s GROUP BY 1, 2, 3
HAVING sum(unit_end - unit_start) <> max(unit_end) - min(unit_start)
"""
_UNMATCHED: LiteralString = """
WITH ends AS (
    SELECT book_id, stretch,
        coalesce(sum(unit_end - unit_start) FILTER (WHERE side = 1), 0) AS bought,
        coalesce(sum(unit_end - unit_start) FILTER (WHERE side = -1), 0) AS sold
    FROM derived.lines WHERE account_id = %(id)s GROUP BY 1, 2
), matched AS (
    SELECT book_id, stretch, sum(unit_end - unit_start) AS units
    FROM derived.lot_matches WHERE account_id = %(id)s GROUP BY 1, 2
)
SELECT book_id, stretch, bought, sold, coalesce(units, 0)
FROM ends LEFT JOIN matched USING (book_id, stretch)
WHERE least(bought, sold) <> coalesce(units, 0)
"""
_HELD: LiteralString = """
SELECT b.category, b.symbol, sum(l.side * (l.unit_end - l.unit_start))
FROM derived.lines l JOIN derived.books b USING (account_id, book_id)
JOIN (SELECT account_id, category, symbol, leg, max(started_at) AS stretch
    FROM derived.stretches GROUP BY 1, 2, 3, 4) s
    ON (s.account_id, s.category, s.symbol, s.leg, s.stretch)
     = (b.account_id, b.category, b.symbol, b.leg, l.stretch)
WHERE l.account_id = %s GROUP BY 1, 2
"""
_LOG_SUMS: LiteralString = """
SELECT kind, currency, count(*), sum(change) FROM facts.current_log_entries
WHERE account_id = %s GROUP BY 1, 2
"""
_STANDING: LiteralString = """
SELECT md5(string_agg(h, '' ORDER BY h)) FROM (
    SELECT md5(t::text) AS h FROM facts.raw_records t
    WHERE account_id = %(id)s AND chain_seq <= %(seq)s
    UNION ALL
    SELECT md5(t::text) FROM facts.executions t WHERE account_id = %(id)s AND chain_seq <= %(seq)s
    UNION ALL
    SELECT md5(t::text) FROM facts.cash_flows t WHERE account_id = %(id)s AND chain_seq <= %(seq)s
    UNION ALL
    SELECT md5(t::text) FROM facts.windows t WHERE account_id = %(id)s AND chain_seq <= %(seq)s
) AS standing
"""


class ViolationError(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Memory:
    """What earlier steps have seen."""

    seq: int = 0
    standing: str | None = None
    truth: Truth | None = None
    lost_runs: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a check may look at."""

    world: "World"
    look: Look
    truth: Truth
    memory: Memory
    ended: tuple["Ended", ...]
    is_sound: bool  # whether the exchange errs no more, and has been read again

    @property
    def struck(self) -> frozenset[str]:
        """The faults of the seed."""
        return self.world.plan.struck


Check = Callable[[Seen], None]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Evaluate it after every step."""
    CHECKS.append(function)
    return function


def must_hold(
    world: "World", ended: tuple["Ended", ...], memory: Memory, *, is_sound: bool
) -> None:
    """Evaluate every cheap invariant now."""
    memory.truth = Truth.of(world, memory.truth)
    look = look_at(world, since_seq=memory.seq)
    seen = Seen(world, look, memory.truth, memory, ended, is_sound)
    for one in CHECKS:
        one(seen)
        world.held[one.__name__.partition("_")[0].upper()] += 1
    memory.seq = look.head[1]
    memory.standing = _standing(seen, memory.seq)
    counts = (len(look.booked), len(look.windows), look.head[1])
    world.trace.note("look", *counts)


def _found(name: str, what: object) -> ViolationError:
    return ViolationError(f"{name}: {what}")


@check
def v1_what_is_covered_is_booked(seen: Seen) -> None:
    """Every true row in time that counts as read is booked, quarantined, or seen by no list."""
    look, world = seen.look, seen.world
    booked = {one.core for one in look.booked}
    now_ms = world.now_ms()
    missing = [
        row
        for core, row in seen.truth.up_to(now_ms)
        if core not in booked and _is_within(look, row, settled=_may_be_late(seen))
    ]
    if not missing:
        return
    quarantined = _quarantined(seen)
    told = {name for (name,) in world.stock.ask(_SPOKEN_OF, world.account.account_id)}
    excused = not seen.is_sound and bool(seen.struck & (HIDING | LATE))
    for row in missing:
        if row["execId"] in quarantined or (
            row["execTime"] in quarantined and row["orderId"] in quarantined
        ):
            continue
        if excused and not (row["execId"] in told and _is_logged(look, row)):
            continue  # no list that was read to its end tells of it: nobody can know
        raise _found("V1", f"covered, and neither booked nor said to be missing: {_short(row)}")


def _is_logged(look: Look, row: dict[str, str]) -> bool:
    at = from_milliseconds(int(row["execTime"]))
    read = look.read("account_log", "UNIFIED")
    return any(piece.starts_at <= at < piece.ends_at for piece in read)


def _short(row: dict[str, str]) -> str:
    return " ".join(
        str(row[name]) for name in ("category", "symbol", "execId", "execType", "execTime")
    )


def _may_be_late(seen: Seen) -> bool:
    return not seen.is_sound and bool(seen.struck & LATE)


def _is_within(look: Look, row: dict[str, str], *, settled: bool) -> bool:
    at = from_milliseconds(int(row["execTime"]))
    read = look.read("executions", row["category"], settled=settled)
    return any(piece.starts_at <= at < piece.ends_at for piece in read)


def _quarantined(seen: Seen) -> str:
    world = seen.world
    rows = world.stock.ask(_QUARANTINED, world.account.account_id)
    return b"".join(unpack(codec, bytes(body)) for codec, body in rows).decode()


@check
def v2_one_row_each(seen: Seen) -> None:
    """What is booked truly happened, and no two rows are the same."""
    twice = [
        core for core, number in Counter(one.core for one in seen.look.booked).items() if number > 1
    ]
    if twice:
        raise _found("V2", f"booked twice: {twice[:3]}")
    invented = [one.core for one in seen.look.booked if one.core not in seen.truth.rows]
    if invented:
        raise _found("V2", f"booked, and never happened: {invented[:3]}")


@check
def v6_every_digit(seen: Seen) -> None:
    """Each field is what the exchange sent, where it sent it as it is."""
    is_as_sent = leaves_fields(seen.struck, ROW_FAULTS)
    if not (seen.is_sound or is_as_sent):
        return
    for one in seen.look.booked:
        if not _agree(one.whole, seen.truth.whole[one.core], exactly=is_as_sent):
            raise _found("V6", f"booked {one.whole}, happened {seen.truth.whole[one.core]}")


def _agree(booked: Told, true: Told, *, exactly: bool) -> bool:
    """Whether fields agree. What was told falsely stays where the truth is no word at all."""
    if exactly:
        return booked == true
    return all(
        ours == theirs or theirs in ("", None) for ours, theirs in zip(booked, true, strict=True)
    )


@check
def v7_every_instant(seen: Seen) -> None:
    """No row lies before the account's history or in the future."""
    first, last = seen.world.plan.begins, seen.look.now + SKEW
    for one in seen.look.booked:
        at = from_milliseconds(one.at_ms)
        if not first <= at <= last:
            raise _found("V7", f"{one.core} is not between {first} and {last}")


def _standing(seen: Seen, seq: int) -> str:
    what = {"id": seen.world.account.account_id, "seq": seq}
    return str(seen.world.stock.monitor.execute(_STANDING, what).fetchone())


@check
def v8_what_stood_stands(seen: Seen) -> None:
    """Facts that an earlier step has seen are there, unchanged."""
    memory = seen.memory
    if memory.standing is not None and _standing(seen, memory.seq) != memory.standing:
        raise _found("V8", f"facts up to {memory.seq} of the chain have changed")


@check
def v10_every_record_is_typed(seen: Seen) -> None:
    """Each record that was received is a fill, a payment, or in quarantine."""
    world = seen.world
    rows = world.stock.monitor.execute(_UNTYPED, {"id": world.account.account_id}).fetchall()
    if rows:
        raise _found("V10", f"neither typed nor quarantined: {rows}")


@check
def v11_an_error_proves_nothing(seen: Seen) -> None:
    """Every proven window lies in windows that the exchange has answered whole, to the end."""
    for proven in seen.look.windows:
        if proven.outcome not in ("read", "settled"):
            continue
        left = unproven_part(seen.world.served, proven)
        if left:
            raise _found("V11", f"{proven} is proven, and {left} was never served whole")


@check
def v3_positions_follow(seen: Seen) -> None:
    """Where a leg is read from its first fill on, its books hold what the exchange says is held."""
    world, now_ms = seen.world, seen.world.now_ms()
    if not (seen.is_sound or _is_all_served(seen)):
        return
    read = {category: _read_up_to(seen, category) for category in world.plan.categories}
    true: Counter[tuple[str, str]] = Counter()
    for _, row in seen.truth.up_to(now_ms):
        upto = read[row["category"]]
        if row["category"] != "spot" and not is_cash(row) and upto and int(row["execTime"]) < upto:
            true[row["category"], row["symbol"]] += signed_size(row)  # type: ignore[assignment]
    held = {
        (category, symbol): qty
        for category, symbol, qty in world.stock.ask(_HELD, world.account.account_id)
    }
    for (category, symbol), qty in true.items():
        if held.get((category, symbol), 0) != qty:
            raise _found("V3", f"{category} {symbol}: {held.get((category, symbol))}, truly {qty}")


def _is_all_served(seen: Seen) -> bool:
    """Whether faults leave each row where it belongs, as it is, and at its time."""
    return not seen.struck & (ROW_FAULTS | HIDING) and not seen.world.has_live_fills


def _read_up_to(seen: Seen, category: str) -> int | None:
    """Up to when a category is read without a gap since the beginning."""
    read = seen.look.read("executions", category)
    if not read or read[0].starts_at > seen.world.plan.begins or len(read) > 1:
        return None
    return milliseconds(read[0].ends_at)


@check
def v4_cash_adds_up(seen: Seen) -> None:
    """The log that is booked sums to what the exchange says its log sums to."""
    world = seen.world
    read = seen.look.read("account_log", "UNIFIED")
    if not seen.is_sound or len(read) != 1:
        return
    booked = world.stock.ask(_LOG_SUMS, world.account.account_id)
    told = world.exchange.truth()["log"]
    ours = {(kind, coin): (number, change) for kind, coin, number, change in booked}
    theirs = {
        (row["type"], row["currency"]): (int(row["rows"]), Decimal(row["change"])) for row in told
    }
    if world.plan.settings.is_wide or ours.keys() != theirs.keys():
        return
    if ours != theirs:
        raise _found("V4", f"{ours} is booked, {theirs} happened")


@check
def v12_who_lost_the_lease_wrote_nothing(seen: Seen) -> None:
    """Nothing is written under a fencing number that is no longer the lease's."""
    if seen.world.stale_writes:
        raise _found("V12", seen.world.stale_writes[:3])


@check
def v5_units_add_up(seen: Seen) -> None:
    """Units lie end to end, and as many are matched as the shorter side has."""
    world = seen.world
    number = world.account.account_id
    uneven = world.stock.ask(_UNEVEN, number)
    unmatched = world.stock.monitor.execute(_UNMATCHED, {"id": number}).fetchall()
    if uneven or unmatched:
        raise _found("V5", f"{uneven[:2]} {unmatched[:2]}")


@check
def v13_runs_end(seen: Seen) -> None:
    """A run that goes on has a worker: all workers have ended, so only lost runs may look open."""
    for ended in seen.ended:
        run_id = seen.world.run_ids.get(ended.worker.name)
        if run_id is not None and (
            ended.worker.is_dead or "atabase" in ended.error or ended.worker.struck
        ):
            seen.memory.lost_runs.add(run_id)
    for open_id, status, _ in seen.look.runs:
        if status == "running" and open_id not in seen.memory.lost_runs:
            raise _found("V13", f"run {open_id} is open, and nobody works on it")
    # A lease is written by the exchange's clock, as far as that may be wrong.
    skew = CLOCK_OFF_MAX if seen.struck & CLOCK_FAULTS else SKEW
    for stream, _, expires_at in seen.look.leases:
        if expires_at > seen.look.now + LEASE_LENGTH + skew:
            raise _found("V13", f"the lease {stream} holds until {expires_at}")


@check
def v15_everything_is_bounded(seen: Seen) -> None:
    """Requests and connections of a worker stay within their bounds."""
    for ended in seen.ended:
        if ended.worker.pool.most_used > CONNECTIONS_MAX:
            raise _found("V15", f"{ended.worker.pool.most_used} connections")
        if ended.passed is not None and ended.passed.run.requests > REQUESTS_MAX:
            raise _found("V15", f"{ended.passed.run.requests} requests in one pass")


@check
def v16_no_secret_is_told(seen: Seen) -> None:
    """Neither key nor secret stands in what a run says."""
    words = [error for _, _, error in seen.look.runs] + seen.world.complaints[-20:]
    for key in seen.world.exchange.venue.keys.values():
        if any(key.secret in text or key.key in text for text in words):
            raise _found("V16", "a key is told")

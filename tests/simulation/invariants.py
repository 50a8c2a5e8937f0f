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
from tests.simulation import questions
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
NOT_OFFERED = "does not allow this product"  # left out, and said so: no failure
SKEW = timedelta(seconds=2)
REQUESTS_MAX = 6_000


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


Check = Callable[[Seen], bool]  # whether it could be evaluated here
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
        world.held[one.__name__.partition("_")[0].upper()] += one(seen)
    memory.seq = look.head[1]
    memory.standing = _standing(seen, memory.seq)
    counts = (len(look.booked), len(look.windows), look.head[1])
    world.trace.note("look", *counts)


def _asked(seen: Seen, query: LiteralString) -> list[tuple[object, ...]]:
    """What the ledger answers about the seed's account, beside all workers."""
    return seen.world.stock.ask(query, seen.world.account.account_id)


def _found(name: str, what: object) -> ViolationError:
    return ViolationError(f"{name}: {what}")


@check
def v1_what_is_covered_is_booked(seen: Seen) -> bool:
    """Every true row in time that counts as read is booked, quarantined, or seen by no list."""
    look, world = seen.look, seen.world
    booked = {one.core for one in look.booked}
    gaps = _asked(seen, questions.WANTED_AND_NOT_READ) if seen.is_sound else []
    if gaps:
        raise _found("V1", f"complete, and wanted time is not read: {gaps}")
    now_ms = world.now_ms()
    missing = [
        row
        for core, row in seen.truth.up_to(now_ms)
        if core not in booked and _is_within(look, row, settled=_may_be_late(seen))
    ]
    if not missing:
        return True
    quarantined = _quarantined(seen)
    told = {name for (name,) in world.stock.ask(questions.SPOKEN_OF, world.account.account_id)}
    excused = not seen.is_sound and bool(seen.struck & (HIDING | LATE))
    for row in missing:
        if row["execId"] in quarantined or (
            row["execTime"] in quarantined and row["orderId"] in quarantined
        ):
            continue
        if excused and not (row["execId"] in told and _is_logged(look, row)):
            continue  # no list that was read to its end tells of it: nobody can know
        raise _found("V1", f"covered, and neither booked nor said to be missing: {_short(row)}")
    return True


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
    rows = world.stock.ask(questions.QUARANTINED, world.account.account_id)
    return b"".join(unpack(codec, bytes(body)) for codec, body in rows).decode()


@check
def v2_one_row_each(seen: Seen) -> bool:
    """What is booked truly happened, and no two rows are the same."""
    twice = [
        core for core, number in Counter(one.core for one in seen.look.booked).items() if number > 1
    ]
    if twice:
        raise _found("V2", f"booked twice: {twice[:3]}")
    again = _asked(seen, questions.BOOKED_AGAIN)
    if again:
        raise _found("V2", f"received again unchanged, and kept again: {again}")
    invented = [one.core for one in seen.look.booked if one.core not in seen.truth.rows]
    if invented:
        raise _found("V2", f"booked, and never happened: {invented[:3]}")
    return True


@check
def v6_every_digit(seen: Seen) -> bool:
    """Each field is what the exchange sent, where it sent it as it is."""
    is_as_sent = leaves_fields(seen.struck, ROW_FAULTS)
    if not (seen.is_sound or is_as_sent):
        return False
    for one in seen.look.booked:
        if not _agree(one.whole, seen.truth.whole[one.core], exactly=is_as_sent):
            raise _found("V6", f"booked {one.whole}, happened {seen.truth.whole[one.core]}")
    return True


def _agree(booked: Told, true: Told, *, exactly: bool) -> bool:
    """Whether fields agree. What was told falsely stays where the truth is no word at all."""
    if exactly:
        return booked == true
    return all(
        ours == theirs or theirs in ("", None) for ours, theirs in zip(booked, true, strict=True)
    )


@check
def v7_every_instant(seen: Seen) -> bool:
    """No row lies before the account's history or in the future."""
    first, last = seen.world.plan.begins, seen.look.now + SKEW
    for one in seen.look.booked:
        at = from_milliseconds(one.at_ms)
        if not first <= at <= last:
            raise _found("V7", f"{one.core} is not between {first} and {last}")
    return True


def _standing(seen: Seen, seq: int) -> str:
    what = {"id": seen.world.account.account_id, "seq": seq}
    return str(seen.world.stock.monitor.execute(questions.STANDING, what).fetchone())


@check
def v8_what_stood_stands(seen: Seen) -> bool:
    """Facts that an earlier step has seen are there, unchanged."""
    memory = seen.memory
    if memory.standing is not None and _standing(seen, memory.seq) != memory.standing:
        raise _found("V8", f"facts up to {memory.seq} of the chain have changed")
    return True


@check
def v10_every_record_is_typed(seen: Seen) -> bool:
    """Each record that was received is a fill, a payment, or in quarantine."""
    world = seen.world
    rows = world.stock.monitor.execute(
        questions.UNTYPED, {"id": world.account.account_id}
    ).fetchall()
    if rows:
        raise _found("V10", f"neither typed nor quarantined: {rows}")
    return True


@check
def v11_an_error_proves_nothing(seen: Seen) -> bool:
    """Every proven window lies in windows that the exchange has answered whole, to the end."""
    beyond = _asked(seen, questions.READ_BEYOND)
    if beyond:
        raise _found("V11", f"read, and no window proves it: {beyond}")
    for proven in seen.look.windows:
        if proven.outcome not in ("read", "settled"):
            continue
        left = unproven_part(seen.world.served, proven)
        if left:
            raise _found("V11", f"{proven} is proven, and {left} was never served whole")
    return True


@check
def v3_positions_follow(seen: Seen) -> bool:
    """Where a leg is read from its first fill on, its books hold what the exchange says is held."""
    world, now_ms = seen.world, seen.world.now_ms()
    if not (seen.is_sound or _is_all_served(seen)):
        return False
    read = {category: _read_up_to(seen, category) for category in world.plan.categories}
    true: Counter[tuple[str, str]] = Counter()
    for _, row in seen.truth.up_to(now_ms):
        upto = read[row["category"]]
        if row["category"] != "spot" and not is_cash(row) and upto and int(row["execTime"]) < upto:
            true[row["category"], row["symbol"]] += signed_size(row)  # type: ignore[assignment]
    held = {
        (category, symbol): qty
        for category, symbol, qty in world.stock.ask(questions.HELD, world.account.account_id)
    }
    for category, symbol in true.keys() | held.keys():
        ours, theirs = held.get((category, symbol), 0), true[category, symbol]
        if category != "spot" and read.get(category) and ours != theirs:
            raise _found("V3", f"{category} {symbol}: {ours}, truly {theirs}")
    return True


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
def v4_cash_adds_up(seen: Seen) -> bool:
    """The log that is booked sums to what the exchange says its log sums to."""
    world = seen.world
    read = seen.look.read("account_log", "UNIFIED")
    if not seen.is_sound or len(read) != 1 or world.plan.settings.is_wide:
        return False
    booked = world.stock.ask(questions.LOG_SUMS, world.account.account_id)
    told = world.exchange.truth()["log"]
    ours = {(kind, coin): (number, change) for kind, coin, number, change in booked}
    theirs = {
        (row["type"], row["currency"]): (int(row["rows"]), Decimal(row["change"])) for row in told
    }
    if ours != theirs:
        raise _found("V4", f"{ours} is booked, {theirs} happened")
    return True


@check
def v12_who_lost_the_lease_wrote_nothing(seen: Seen) -> bool:
    """Nothing is written under a fencing number that is no longer the lease's."""
    if seen.world.stale_writes:
        raise _found("V12", seen.world.stale_writes[:3])
    return True


@check
def v5_units_add_up(seen: Seen) -> bool:
    """Units lie end to end, and as many are matched as the shorter side has."""
    world = seen.world
    number = world.account.account_id
    uneven = world.stock.ask(questions.UNEVEN, number)
    unmatched = world.stock.monitor.execute(questions.UNMATCHED, {"id": number}).fetchall()
    if uneven or unmatched:
        raise _found("V5", f"{uneven[:2]} {unmatched[:2]}")
    return True


@check
def v13_runs_end(seen: Seen) -> bool:
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
    silent = [
        (stream, scope, reason)
        for stream, scope, reason in _asked(seen, questions.COMPLETED_WITH_FAILURES)
        if NOT_OFFERED not in str(reason)
    ]
    if silent:
        raise _found("V13", f"runs that are completed though windows failed: {silent}")
    # A lease is written by the exchange's clock, as far as that may be wrong.
    skew = CLOCK_OFF_MAX if seen.struck & CLOCK_FAULTS else SKEW
    for stream, _, expires_at in seen.look.leases:
        if expires_at > seen.look.now + LEASE_LENGTH + skew:
            raise _found("V13", f"the lease {stream} holds until {expires_at}")
    return True


@check
def v15_everything_is_bounded(seen: Seen) -> bool:
    """Requests and connections of a worker stay within their bounds."""
    for ended in seen.ended:
        if ended.worker.pool.most_used > CONNECTIONS_MAX:
            raise _found("V15", f"{ended.worker.pool.most_used} connections")
        if ended.passed is not None and ended.passed.run.requests > REQUESTS_MAX:
            raise _found("V15", f"{ended.passed.run.requests} requests in one pass")
    return True


@check
def v16_no_secret_is_told(seen: Seen) -> bool:
    """Neither key nor secret stands in what a run says."""
    words = [error for _, _, error in seen.look.runs] + seen.world.complaints[-20:]
    for key in seen.world.exchange.venue.keys.values():
        if any(key.secret in text or key.key in text for text in words):
            raise _found("V16", "a key is told")
    return True

"""Asking again where a book and its venue differ: what a list left out may be listed by now.

Only the lists that the difference is about are read, for the time in which it arose and no longer
than a bound; the orders that it names are asked for by their ids.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from fillbook.domain.breaks import Finding, Way
from fillbook.domain.window import Window, intersect, union
from fillbook.errors import VenueError
from fillbook.ledger import coverage, runs
from fillbook.ledger.runs import Run, RunKind
from fillbook.sync.engine import Engine
from fillbook.sync.piece import PieceReader
from fillbook.sync.traversal import Reader
from fillbook.sync.turn import CameTo, turn
from fillbook.venues._contract import StreamRules

LENGTH_MAX = timedelta(days=7)  # of the time that is read again, its end first
PIECES_MAX = 8  # of each list
MARGIN = timedelta(minutes=30)
LISTS: dict[Way, tuple[str, ...]] = {
    "position": ("orders", "executions", "account_log"),
    "closed_pnl": ("executions", "closed_pnl"),
    "cash": ("executions", "account_log", "transfers"),
    "counts": ("orders", "executions", "account_log"),
}

Pieces = dict[tuple[str, str], list[Window]]  # by stream and scope


async def read_again(
    engine: Engine, kind: RunKind, findings: Iterable[Finding]
) -> tuple[str, bool]:
    """Read what some differences are about once more: what to say of it, and if it was all read."""
    now = engine.clock()
    pieces = await _wanted(engine, _pieces(engine, findings, now))
    if not pieces:
        return "no list to read again", False
    run = Run(engine.account.account_id, engine.new_id(), kind)
    came_to = CameTo(run, now)
    try:
        async with turn(
            engine.pool, came_to, clock=engine.clock, requests=lambda: engine.venue.requests
        ) as lease:
            await runs.start(engine.pool, run, now=now)
            for rules, scope, piece in _in_order(engine, pieces):
                reader = Reader(
                    engine.pool, engine.venue, engine.account, rules, scope, lease, run,
                    engine.clock,
                )  # fmt: skip
                came_to.failures += await PieceReader(reader, piece, lambda _: None).read()
    except VenueError as error:
        return f"could not be read again: {error}", False
    said = f"read again: {_said(pieces)}; {run.booked.rows_new} rows were new"
    if came_to.failures:
        return f"{said}; not to the end: {came_to.failures[0]}", False
    return said, True


def _pieces(engine: Engine, findings: Iterable[Finding], now: datetime) -> Pieces:
    wanted: Pieces = {}
    for finding in findings:
        around = _around(finding, now)
        for rules in engine.venue.streams:
            if rules.name not in LISTS[finding.subject.way]:
                continue
            edge = now - rules.retention
            if around.ends_at <= edge:
                continue
            piece = Window(max(around.starts_at, edge), around.ends_at)
            for scope in rules.scopes:
                if _is_about(scope, finding):
                    wanted.setdefault((rules.name, scope), []).append(piece)
    return {key: union(found)[-PIECES_MAX:] for key, found in wanted.items()}


def _is_about(scope: str, finding: Finding) -> bool:
    category = finding.subject.category
    return not category or scope == category or scope not in CATEGORIES


CATEGORIES = frozenset(("linear", "inverse", "spot", "option"))


def _around(finding: Finding, now: datetime) -> Window:
    around = finding.around or Window(now - LENGTH_MAX, now)
    starts_at, ends_at = around.starts_at - MARGIN, min(now, around.ends_at + MARGIN)
    if ends_at <= starts_at:
        starts_at = ends_at - MARGIN
    return Window(max(starts_at, ends_at - LENGTH_MAX), ends_at)


async def _wanted(engine: Engine, pieces: Pieces) -> Pieces:
    """The pieces as far as anybody asked for that time: no pass would come back for more."""
    wanted: Pieces = {}
    for (stream, scope), found in pieces.items():
        known = await coverage.get(engine.pool, engine.account.account_id, stream, scope)
        if within := intersect(found, known.wanted):
            wanted[stream, scope] = within
    return wanted


def _in_order(engine: Engine, pieces: Pieces) -> Iterator[tuple[StreamRules, str, Window]]:
    for rules in engine.venue.streams:
        for scope in rules.scopes:
            for piece in pieces.get((rules.name, scope), ()):
                yield rules, scope, piece


def _said(pieces: Pieces) -> str:
    return ", ".join(
        f"{stream} {scope} {windows[-1]}" for (stream, scope), windows in pieces.items()
    )

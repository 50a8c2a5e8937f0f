"""Bringing an account's streams up to date: plan, read, prove, lay.

The streams of a pass are read side by side, for each has an endpoint and a pace of its own; the
scopes of a stream share them and come one after the other. Windows run oldest to newest. A window
that cannot be read to its end stays unproven and says why; the pass goes on with the next one, and
the next pass tries again. A list that does not answer is left for the next pass and the others are
read on; a venue that does not answer at all, or does not accept the key, ends the pass.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

from structlog.contextvars import bound_contextvars

from fillbook.domain.account import Account
from fillbook.domain.window import Window, intersect, minus, union
from fillbook.errors import (
    UsageError,
    VenueError,
    VenueNotOffered,
    VenuePermissionRefused,
    VenueUnavailable,
)
from fillbook.ledger import accounts, coverage, proofs, runs
from fillbook.ledger._pool import Pool
from fillbook.ledger.leases import Lease
from fillbook.ledger.runs import Run, RunKind
from fillbook.ledger.spoken_of import symbols_spoken_of
from fillbook.sync import windows
from fillbook.sync.orders import ORDERS, ask_by_id
from fillbook.sync.piece import PieceReader
from fillbook.sync.retention import name_unavailable
from fillbook.sync.side_by_side import side_by_side
from fillbook.sync.tally import in_ms
from fillbook.sync.traversal import PAGES_AHEAD_MAX, Clock, Reader
from fillbook.sync.turn import CameTo, turn
from fillbook.venues._contract import StreamRules, Venue
from fillbook.venues._logger import get_logger

log = get_logger()

Progress = Callable[["Step"], None]
Disputed = dict[tuple[str, str], list[Window]]  # by stream and scope

CLOCK_SLACK = timedelta(seconds=1)  # what an answer may take to come back
OPTION = "option"
LATELY = timedelta(days=14)
PAGES_AHEAD_MIN = 6  # of one window, however many streams share the memory


@dataclass(frozen=True, slots=True)
class Step:
    """How far a pass has come, for whoever watches."""

    stream: str
    scope: str
    window: Window
    done: timedelta
    total: timedelta
    executions_new: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a user may set; coverage and the venue decide within them."""

    window_max: timedelta | None = None
    overlap_min: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass came to."""

    run: Run
    failures: tuple[str, ...]
    seconds: timedelta
    left_out: tuple[str, ...] = ()  # what the key or the account does not offer, and why

    @property
    def complete(self) -> bool:
        """Whether every window was proven."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Engine:
    """All that a pass needs, handed in."""

    pool: Pool
    venue: Venue
    account: Account
    clock: Clock
    limits: Limits = field(default_factory=Limits)
    progress: Progress = lambda _: None
    again: bool = False  # read proven windows once more
    new_id: Callable[[], UUID] = uuid4

    async def sync(self, kind: RunKind, asked: Window) -> Passed:
        """Read what is worth reading of the window asked for, on every stream and scope."""
        ahead = timedelta()
        with suppress(VenueError):  # the first question of the pass will say what is wrong
            measured = self.clock() - await self.venue.server_time()
            ahead = measured if measured > CLOCK_SLACK else ahead
        by_the_venue = replace(self, clock=lambda: self.clock() - ahead)
        return await by_the_venue.pass_over(kind, asked)

    async def pass_over(self, kind: RunKind, asked: Window) -> Passed:
        """One pass, on a clock that is not ahead of the venue's: the future proves nothing."""
        started = self.clock()
        if asked.starts_at >= started:
            raise UsageError("The interval has not happened yet, by the venue's clock.")
        asked = Window(asked.starts_at, min(asked.ends_at, started))
        run = Run(self.account.account_id, self.new_id(), kind)
        with bound_contextvars(account=self.account.name, run=str(run.run_id)):
            return await self._pass(asked, CameTo(run, started))

    async def _pass(self, asked: Window, came_to: CameTo) -> Passed:
        run = came_to.run
        async with turn(
            self.pool, came_to, clock=self.clock, requests=lambda: self.venue.requests
        ) as lease:
            await self._start(run, asked)
            await self._learn()
            before = await self._disputed(asked)
            await self._streams(run, lease, asked, came_to)
            fresh = minus_each(await self._disputed(asked), before)
            if fresh:  # what the list left out a moment ago may be listed by now: ask once more
                await self._learn()
                await self._ask_again(run, lease, fresh, came_to)
            await self._observe_marks()
            came_to.failures += _in_words(await self._disputed(asked))
        took = self.clock() - came_to.started
        return Passed(run, tuple(came_to.failures), took, tuple(came_to.left_out))

    async def _streams(self, run: Run, lease: Lease, asked: Window, came_to: CameTo) -> None:
        """All streams, side by side. A list that does not answer spoils the pass only."""
        silent: list[VenueUnavailable] = []

        async def one(rules: StreamRules) -> None:
            try:
                await self._stream(run, lease, rules, asked, came_to)
            except VenueUnavailable as error:
                silent.append(error)
                came_to.failures.append(f"{rules.name}: {error}")

        await side_by_side([one(self._bounded(rules)) for rules in self.venue.streams])
        if silent and len(silent) == len(self.venue.streams):
            raise silent[0]
        if run.booked.executions_new:
            await self._orders_by_id(run, lease, asked)

    async def _stream(
        self, run: Run, lease: Lease, rules: StreamRules, asked: Window, came_to: CameTo
    ) -> None:
        """One stream, scope by scope; what is not offered is left out."""
        for scope in rules.scopes:
            try:
                reader = self._reader(run, lease, rules, scope)
                await self._scope(reader, asked, came_to)
            except VenueNotOffered as error:
                if await self._was_offered(rules.name, scope):
                    came_to.failures.append(f"{rules.name} {scope}: {error}")
                else:
                    came_to.leave_out(rules.name, scope, error)
            except VenuePermissionRefused as error:
                if rules.is_essential:
                    raise
                came_to.leave_out(rules.name, scope, error)

    async def _orders_by_id(self, run: Run, lease: Lease, asked: Window) -> None:
        if run.kind != "backfill":  # what this pass has booked happened lately
            asked = Window(max(asked.starts_at, asked.ends_at - LATELY), asked.ends_at)
        for rules in self.venue.streams:
            for scope in rules.scopes if rules.name == ORDERS else ():
                with suppress(VenueNotOffered, VenuePermissionRefused):  # said by its windows
                    await ask_by_id(self._reader(run, lease, rules, scope), asked.starts_at)

    async def _learn(self) -> None:
        """Tell the venue which contracts its account log has named; some lists go by coin."""
        symbols = await symbols_spoken_of(self.pool, self.account.account_id, OPTION)
        self.venue.learn(OPTION, symbols)

    async def _was_offered(self, stream: str, scope: str) -> bool:
        """Whether it was read before: then its loss is a failure."""
        known = await coverage.get(self.pool, self.account.account_id, stream, scope)
        return bool(known.read)

    def _reader(self, run: Run, lease: Lease, rules: StreamRules, scope: str) -> Reader:
        ahead = max(PAGES_AHEAD_MIN, PAGES_AHEAD_MAX // len(self.venue.streams))
        return Reader(
            self.pool, self.venue, self.account, rules, scope, lease, run, self.clock, ahead
        )

    async def _ask_again(
        self, run: Run, lease: Lease, disputed: "Disputed", came_to: CameTo
    ) -> None:
        """Read again what is in dispute: what a list left out may be listed by now."""
        for rules in map(self._bounded, self.venue.streams):
            for scope in rules.scopes:
                wide = [
                    Window(piece.starts_at - rules.overlap, piece.ends_at)
                    for piece in disputed.get((rules.name, scope), ())
                ]
                for piece in union(wide):
                    reader = self._reader(run, lease, rules, scope)
                    came_to.failures += await PieceReader(reader, piece, lambda _: None).read()
                    came_to.tally.take_in(reader.tally)
                    log.info("asked again", stream=rules.name, scope=scope, window=str(piece))

    async def _disputed(self, asked: Window) -> "Disputed":
        """Where witnesses disagree, or balances do not add up, by stream and scope."""
        found: Disputed = {}
        for rules in self.venue.streams:
            for scope in rules.scopes:
                known = await coverage.get(self.pool, self.account.account_id, rules.name, scope)
                if pieces := intersect(known.disputed, [asked]):
                    found[rules.name, scope] = pieces
        return found

    def _bounded(self, rules: StreamRules) -> StreamRules:
        longest, overlap = self.limits.window_max, self.limits.overlap_min
        return replace(
            rules,
            window_max=min(rules.window_max, longest) if longest else rules.window_max,
            overlap=max(rules.overlap, overlap) if overlap else rules.overlap,
        )

    async def _start(self, run: Run, asked: Window) -> None:
        log.info("sync started", kind=run.kind, window=str(asked))
        await runs.start(self.pool, run, now=self.clock())
        terms = await self.venue.contract_terms()
        await accounts.put_terms(self.pool, self.account, terms, now=self.clock())

    async def _scope(self, reader: Reader, asked: Window, came_to: CameTo) -> None:
        """One scope of one stream."""
        begun, tally = self.clock(), reader.tally
        with bound_contextvars(stream=reader.rules.name, scope=reader.scope):
            try:
                came_to.failures += await self._windows(reader, asked)
            finally:
                came_to.tally.take_in(tally)
            log.info(
                "stream read",
                windows=tally.windows,
                not_proven=tally.failed,
                pages=tally.pages,
                rows=tally.rows,
                ms=in_ms(self.clock() - begun),
            )

    async def _windows(self, reader: Reader, asked: Window) -> list[str]:
        """What is worth reading of one list; returns why windows failed."""
        rules, scope, now = reader.rules, reader.scope, self.clock()
        if asked.ends_at <= now - rules.retention and proofs.lays(rules.name):
            raise UsageError(
                f"The venue keeps nothing before {now - rules.retention:%Y-%m-%d}: ask for later."
            )
        what = (self.pool, self.account.account_id, rules.name, scope)
        await coverage.want(*what, asked)
        await name_unavailable(reader, asked)
        known = await coverage.get(*what)
        todo = windows.plan(known, asked, rules, now=now, again=self.again)
        total = sum((piece.length for piece in todo), timedelta())
        failures: list[str] = []
        done = timedelta()
        for piece in todo:

            def tell(window: Window, before: timedelta = done, piece: Window = piece) -> None:
                so_far = before + (window.ends_at - piece.starts_at)
                new = reader.run.booked.executions_new
                self.progress(Step(rules.name, scope, window, so_far, total, new))

            failures += await PieceReader(reader, piece, tell).read()
            done += piece.length
        return failures

    async def _observe_marks(self) -> None:
        """Nothing realised rests on marks: without them a pass is still whole."""
        for category in await accounts.categories_held(self.pool, self.account.account_id):
            try:
                marks = await self.venue.marks(category)
            except VenueError as error:
                log.warning("no mark prices", account=self.account.name, reason=str(error))
                return
            await accounts.put_marks(self.pool, self.account, marks, now=self.clock())


def minus_each(found: Disputed, before: Disputed) -> Disputed:
    """What was found and was not there before."""
    left = {key: minus(pieces, before.get(key, ())) for key, pieces in found.items()}
    return {key: pieces for key, pieces in left.items() if pieces}


def _in_words(disputed: Disputed) -> list[str]:
    return [
        f"{stream} {scope}, {piece}: in dispute, see `fillbook coverage`"
        for (stream, scope), pieces in disputed.items()
        for piece in pieces
    ]

"""A fill is in the book within a second of happening, and nothing hangs on the line it came by."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from fillbook.domain.window import Window, from_milliseconds
from fillbook.errors import Refused
from fillbook.ledger import accounts
from fillbook.ledger._pool import open_pool
from fillbook.sync.engine import Engine
from fillbook.sync.live import Follower, Rhythm, State
from fillbook.venues.bybit import connect
from papervenues.bybit import running
from papervenues.bybit.server import wall_clock_ms
from tests.sync.book import Book, Clock, paper
from tests.sync.trading import operate, order
from tests.sync.truth import (
    booked_executions,
    booked_positions,
    true_executions,
    true_positions,
)

SECONDS_MAX = 20
QUICK = Rhythm(confirm_every=timedelta(seconds=2), lateness=timedelta(seconds=1))
LAID = """
SELECT count(*) FROM derived.lines l JOIN facts.executions e USING (account_id, execution_key)
WHERE e.account_id = %s AND e.order_id = %s
"""


@dataclass(slots=True)
class _WallClock(Clock):
    behind: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.behind


@dataclass(slots=True)
class Followed:
    """A book that is followed."""

    book: Book
    follower: Follower
    following: "asyncio.Task[None]"
    states: list[State] = field(default_factory=list)

    async def laid(self, order_id: str) -> int:
        """How many lines the fills of an order have."""
        return int((await self.book.rows(LAID, self.book.account_id, order_id))[0][0])

    async def buy(self, qty: str = "0.01", side: str = "Buy") -> str:
        """Trade at the market; the order's id."""
        told = await order(self.book.paper, symbol="BTCUSDT", side=side, qty=qty)
        assert told["retCode"] == 0, told
        return str(told["result"]["orderId"])


@asynccontextmanager
async def followed(
    url: str, *faults: str, rhythm: Rhythm = QUICK, behind: timedelta = timedelta()
) -> AsyncIterator[Followed]:
    """A history that ends now, an exchange that goes on, and a follower that has caught up."""
    now_ms = wall_clock_ms()
    settings = replace(paper(*faults, executions=200, days=2), end_ms=now_ms // 60_000 * 60_000)
    async with running(settings) as venue, open_pool(url, max_size=4) as pool:
        clock = _WallClock(behind=behind)
        account = await accounts.find_or_add(
            pool, name="live", venue="bybit", environment="paper",
            venue_user_id=str(settings.user_id(0)), now=clock(),
        )  # fmt: skip
        key = venue.keys[0]
        bybit = connect(key=key.key, secret=key.secret, clock=clock, base_url=venue.url)
        start = from_milliseconds(settings.start_ms) - timedelta(hours=1)

        async def asked() -> Window:
            return Window(start, clock())

        engine = Engine(pool=pool, venue=bybit, account=account, clock=clock)
        states: list[State] = []
        follower = Follower(engine, asked, rhythm=rhythm, on_state=states.append)
        following = asyncio.create_task(follower.follow())
        one = Followed(Book(pool, venue, clock, account), follower, following, states)
        try:
            await until(lambda: _now(states, "live"))
            yield one
            ended = following.exception() if following.done() else None
            assert ended is None or isinstance(ended, Refused)
        finally:
            follower.stop()
            with suppress(asyncio.TimeoutError, Refused):
                await asyncio.wait_for(following, SECONDS_MAX)
            await bybit.close()


async def _now(states: list[State], wanted: State) -> bool:
    return bool(states) and states[-1] == wanted


async def until(holds: Callable[[], Awaitable[bool]]) -> float:
    """Wait until something holds; how many seconds that took."""
    begun = time.monotonic()
    while time.monotonic() - begun < SECONDS_MAX:
        if await holds():
            return time.monotonic() - begun
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {SECONDS_MAX} seconds")


async def must_hold_truth(book: Book) -> None:
    """Every fill and every position; the orders of these tests belong to no bot."""
    truth = await book.truth()
    assert await booked_executions(book) == true_executions(truth)
    assert await booked_positions(book) == true_positions(truth)


async def test_a_fill_is_laid_within_a_second(database_url: str) -> None:
    """From the order's acknowledgement to the line in the books, windows far away."""
    async with followed(database_url, rhythm=Rhythm()) as one:
        for side in ("Buy", "Sell", "Buy"):
            order_id = await one.buy(side=side)

            async def laid(order_id: str = order_id) -> bool:
                return await one.laid(order_id) > 0

            assert await until(laid) < 1.5

        assert one.states == ["connecting", "catching up", "live"]


async def test_what_is_heard_is_confirmed_by_windows(database_url: str) -> None:
    """The window behind the feed finds everything told already: one row each, the book exact."""
    async with followed(database_url) as one:
        orders = [await one.buy(), await one.buy(side="Sell")]

        async def proven() -> bool:
            if not all([await one.laid(order_id) for order_id in orders]):
                return False
            found = await one.book.rows(
                "SELECT bool_and(c.read @> e.executed_at) FROM facts.executions e"
                " JOIN derived.coverage c ON c.account_id = e.account_id"
                " AND c.stream = 'executions' AND c.scope = e.category"
            )
            return bool(found[0][0])

        await until(proven)
        one.follower.stop()
        revisions = await one.book.rows(
            "SELECT count(*) FROM facts.executions WHERE revision_reason = 'revision'"
        )

        await must_hold_truth(one.book)
        assert revisions == [(0,)]
        assert (await one.book.verify()).ok


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["ws_dropped_event=1", "ws_silent=1"])
async def test_a_deaf_feed_is_noticed(database_url: str, fault: str) -> None:
    """A socket that tells nothing: windows book the fill, and the line is begun again."""
    async with followed(database_url, fault) as one:
        order_id = await one.buy()

        async def begun_again() -> bool:
            return one.states.count("connecting") > 1 and await one.laid(order_id) > 0

        await until(begun_again)
        await must_hold_truth(one.book)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        "ws_duplicate_event=1",
        "ws_reordered=0.5",
        "ws_disconnect=0.3",
        "ws_late_event=0.5",
        "ws_merged_events=1",
        "ws_two_filled=1",
        "ws_idle_position=1",
        "ws_early_ack=1",
        "ws_event_first=1",
        "ws_auth_expired=0.5",
        "ws_disconnect=0.3 ws_lost_subscription=1",
    ],
)
async def test_a_line_that_errs_leaves_no_trace(database_url: str, fault: str) -> None:
    """Twice, in another order, cut off, late: the book ends exact."""
    async with followed(database_url, *fault.split()) as one:
        orders = [await one.buy(side=side) for side in ("Buy", "Sell", "Sell", "Buy")]

        async def all_laid() -> bool:
            return all([await one.laid(order_id) for order_id in orders])

        await until(all_laid)
        await must_hold_truth(one.book)


async def test_a_cut_line_loses_nothing(database_url: str) -> None:
    """What happens while nobody listens is read by windows before the feed is called live again."""
    async with followed(database_url) as one:
        await operate(one.book.paper, "/paper/disconnect")
        order_id = await one.buy()

        async def back() -> bool:
            return one.states.count("live") > 1

        await until(back)
        assert await one.laid(order_id) > 0
        await must_hold_truth(one.book)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [60, -60])
async def test_a_clock_that_is_slow_or_fast_changes_nothing(
    database_url: str, seconds: int
) -> None:
    """Times are the venue's: a fill is laid at once, and no time counts that was not heard."""
    async with followed(database_url, behind=timedelta(seconds=seconds)) as one:
        order_id = await one.buy()

        async def laid() -> bool:
            return await one.laid(order_id) > 0

        assert await until(laid) < 3
        heard = await one.book.rows("SELECT max(upper(live)) FROM derived.coverage")
        await must_hold_truth(one.book)

        assert heard[0][0] <= datetime.now(UTC) + timedelta(seconds=1)


async def test_a_clock_that_is_set_back_under_a_live_line_delays_nothing(
    database_url: str,
) -> None:
    """What was told has been heard, though it seems to happen nine seconds from now."""
    async with followed(database_url, rhythm=Rhythm()) as one:
        clock = one.book.clock
        assert isinstance(clock, _WallClock)
        clock.behind = timedelta(seconds=9)
        order_id = await one.buy()

        async def laid() -> bool:
            return await one.laid(order_id) > 0

        assert await until(laid) < 3


async def test_a_key_that_may_not_be_used_any_more_ends_it(database_url: str) -> None:
    """The key is asked about before every pass, not only when the follower begins."""
    async with followed(database_url) as one:
        asked: list[int] = []

        async def refused() -> None:
            asked.append(1)
            raise Refused("the key can withdraw")

        one.follower.before_pass = refused
        with pytest.raises(Refused, match="can withdraw"):
            await asyncio.wait_for(one.following, SECONDS_MAX)

        assert asked == [1]

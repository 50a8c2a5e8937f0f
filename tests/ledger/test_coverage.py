"""Coverage: what is proven, how well, and why the rest is not."""

from datetime import timedelta

from fillbook.domain.window import Window
from fillbook.ledger import coverage
from fillbook.ledger.coverage import Coverage
from fillbook.ledger.writing import writing
from tests.ledger.handed_in import END, RUN, Hand, hand

HOUR = timedelta(hours=1)


def _hours(first: int, last: int) -> Window:
    return Window(END + first * HOUR, END + last * HOUR)


async def _known(one: Hand) -> Coverage:
    return await coverage.get(one.pool, one.account_id, "executions", "linear")


async def _fail(one: Hand, window: Window, reason: str) -> None:
    async with writing(one.pool, one.account_id, lease=None, now=END) as open_writing:
        await coverage.add_failure(
            open_writing, stream="executions", scope="linear", window=window, reason=reason,
            failed_at=END, run_id=RUN,
        )  # fmt: skip


async def _failures(one: Hand) -> list[tuple[object, ...]]:
    return await one.rows("SELECT starts_at, ends_at, reason FROM ops.window_failures ORDER BY 1")


async def test_proofs_join_where_they_touch(database_url: str) -> None:
    """Windows side by side become one interval; a hole between them stays a hole."""
    async with hand(database_url) as one:
        assert Coverage() == await _known(one)

        await one.prove(_hours(0, 1))
        await one.prove(_hours(2, 3))

        assert (_hours(0, 1), _hours(2, 3)) == (await _known(one)).read

        await one.prove(_hours(1, 2))

        assert (_hours(0, 3),) == (await _known(one)).read
        await one.must_stand("joined windows")


async def test_what_is_settled_counts_as_read_and_stays_settled(database_url: str) -> None:
    """Reading a settled window again takes nothing from its grade."""
    async with hand(database_url) as one:
        await one.prove(_hours(0, 2), outcome="settled")
        await one.prove(_hours(1, 3))
        known = await _known(one)

        assert (_hours(0, 3),) == known.read
        assert (_hours(0, 2),) == known.settled
        await one.must_stand("settled windows")


async def test_a_reason_stays_until_its_window_is_proven(database_url: str) -> None:
    """A failure is forgotten when its whole window is read, by one proof or by several."""
    async with hand(database_url) as one:
        await _fail(one, _hours(0, 2), "the cursor repeats")
        await _fail(one, _hours(0, 2), "the cursor expired")
        await _fail(one, _hours(4, 5), "no answer")
        await one.prove(_hours(0, 1))

        assert ["the cursor expired", "no answer"] == [row[2] for row in await _failures(one)]

        await one.prove(_hours(1, 3))

        assert ["no answer"] == [row[2] for row in await _failures(one)]


async def test_streams_and_scopes_are_proven_apart(database_url: str) -> None:
    """A proof of one scope says nothing of another."""
    async with hand(database_url) as one:
        await one.prove(_hours(0, 1))

        assert Coverage() == await coverage.get(one.pool, one.account_id, "executions", "inverse")
        assert Coverage() == await coverage.get(one.pool, one.account_id, "orders", "linear")


async def test_what_was_asked_for_is_remembered(database_url: str) -> None:
    """Gaps are counted against everything that anybody asked for."""
    async with hand(database_url) as one:
        for window in (_hours(5, 6), _hours(0, 2), _hours(1, 3)):
            await coverage.want(one.pool, one.account_id, "executions", "linear", window)

        assert (_hours(0, 3), _hours(5, 6)) == (await _known(one)).wanted


async def test_what_is_unavailable_is_no_longer_so_once_read(database_url: str) -> None:
    """Time that a venue no longer serves, and that was read after all, is read."""
    async with hand(database_url) as one:
        await one.prove(_hours(2, 3))
        async with writing(one.pool, one.account_id, lease=None, now=END) as open_writing:
            await coverage.name_unavailable(open_writing, "executions", "linear", _hours(0, 3))

        assert (_hours(0, 2),) == (await _known(one)).unavailable

        await one.prove(_hours(1, 2))
        known = await _known(one)

        assert (_hours(0, 1),) == known.unavailable
        assert (_hours(1, 3),) == known.read

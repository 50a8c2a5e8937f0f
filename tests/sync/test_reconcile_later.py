"""What a comparison found is still so at the next one, unless something has changed."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from fillbook.accounting.reconciliation import Sight
from fillbook.domain.breaks import Break, Finding
from fillbook.domain.statement import Correction
from fillbook.domain.window import Window, from_milliseconds
from fillbook.ledger import comparing, observations
from fillbook.ledger._pool import snapshot
from fillbook.ledger.observations import DAILY_KEPT_MAX, KEPT_MAX, Observed
from fillbook.ledger.statements import state
from fillbook.ledger.stating import Said
from fillbook.ledger.writing import writing
from fillbook.sync.engine import Engine
from fillbook.sync.reconcile import OPEN_MAX, Reconciled, compare, observe
from papervenues.bybit import Settings
from tests.sync.book import DAY, END, Book, connection, opened, paper
from tests.sync.reconciling import LATER, chosen, faulty, reconcile, sound_book

# The first close of the symbol that closed most in the last day.
OLD_FILL = """
SELECT execution_key, fee FROM facts.executions e
WHERE category = 'linear' AND closed_qty <> 0
ORDER BY (SELECT count(*) FROM facts.executions x
          WHERE x.symbol = e.symbol AND x.closed_qty <> 0 AND x.executed_at >
                (SELECT max(executed_at) FROM facts.executions) - interval '26 hours') DESC,
    executed_at LIMIT 1
"""


def _small() -> Settings:
    return paper(executions=400, days=8)


async def test_sums_that_differ_do_not_heal_by_looking_elsewhere(database_url: str) -> None:
    """What differs days before the last agreement differs at every pass, until it is put right."""
    async with sound_book(database_url, _small()) as (book, wide):
        book.clock.at = END - 4 * DAY  # trading goes on
        window = Window(wide.starts_at, book.clock())
        _, before = await reconcile(book, window)
        ((key, fee),) = await book.rows(OLD_FILL)

        async def correct(*changes: tuple[str, str]) -> None:
            async with writing(book.pool, book.account_id, lease=None, now=book.clock()) as act:
                await state(act, Correction(key, changes), Said("test", "a test"))

        await correct(("fee", str(fee + 3)))
        shown = []
        for _ in range(3):
            _, found = await reconcile(book, window)
            shown.append([one.difference for one in found.open if one.subject.measure == "pnl"])
            book.clock.at += LATER
        await correct()
        _, after = await reconcile(book, window)

        assert before.open == ()
        assert shown == [[Decimal(3)]] * 3
        assert after.open == ()


async def _compare(book: Book, window: Window, open_max: int = OPEN_MAX) -> Reconciled:
    venue = connection(book.paper, book.clock, book.reads)
    try:
        engine = Engine(pool=book.pool, venue=venue, account=book.account, clock=book.clock)
        observed = await observe(engine)
        await engine.sync("manual", Window(window.starts_at, book.clock()))
        return await compare(engine, observed, open_max=open_max)
    finally:
        await venue.close()


async def test_what_is_too_much_to_keep_is_counted_and_compared_again(database_url: str) -> None:
    """Differences beyond the bound are said to be there, and become breaks when there is room."""
    async with sound_book(database_url, _small()) as (book, window):
        async with faulty(book, ["hidden_row=0.1@closed-pnl"]):
            few = await _compare(book, window, open_max=3)
            tally = await book.rows("SELECT differed, unkept FROM ops.reconciliations")
            again = await _compare(book, window, open_max=3)
            book.clock.at += LATER
            everything = await _compare(book, window)
        book.clock.at += LATER
        after = await _compare(book, window)

        unkept = len(few.unkept)
        assert len(few.open) == 3 < unkept
        assert tally == [(3 + unkept, unkept)]
        assert len(again.unkept) == unkept
        assert len(everything.open) == 3 + unkept
        assert everything.unkept == ()
        assert after.open == ()


async def test_an_order_that_is_put_off_is_looked_at_again(database_url: str) -> None:
    """Made hours ago, filled just now, its fill in no list: a break once it cannot go on."""
    async with sound_book(database_url, _small()) as (book, window):
        one = chosen(await book.truth())
        book.clock.at = from_milliseconds(one.ms) + timedelta(minutes=10)
        async with faulty(book, [f"hidden_row=1@execution/list@{one.at}"]):
            await book.backfill(Window(window.starts_at, book.clock()))
            await book.rows(MADE_EARLIER, one.order_id)
            first = await _compare(book, window)
            book.clock.at += LATER
            second = await _compare(book, window)

        assert _orders(first.deferred) == {one.order_id}
        assert one.order_id in _orders(second.opened)


def _orders(found: Iterable[Finding | Break]) -> set[str]:
    """The orders whose sums some findings are about."""
    return {one.subject.reference for one in found if one.subject.measure == "filled_qty"}


MADE_EARLIER = """
UPDATE facts.orders SET ordered_at = ordered_at - interval '3 hours' WHERE order_id = %s
"""


async def test_a_legs_row_follows_the_leg(database_url: str) -> None:
    """What does not differ any more is not said to, flat legs and coins' chains included."""
    async with sound_book(database_url, _small()) as (book, window):
        one = chosen(await book.truth())
        faults = [f"hidden_row=1@execution/list@{one.at}", f"hidden_from_log=1@{one.at}"]
        async with faulty(book, [*faults, "hidden_row=1@position/list"]):
            await reconcile(book, window)
        wrong = await book.rows("SELECT measure FROM ops.comparisons WHERE verdict = 'differs'")
        await book.rows(
            "INSERT INTO ops.comparisons SELECT account_id, way, measure, category, 'GONE', leg,"
            " currency, 'deferred', ours, theirs, items, why, matched_at, compared_at, agreed_at, 4"
            " FROM ops.comparisons WHERE measure = 'quantity' AND verdict = 'differs' LIMIT 1"
        )
        book.clock.at += LATER
        _, after = await reconcile(book, window)
        left = await book.rows(
            "SELECT way, measure, symbol, verdict FROM ops.comparisons"
            " WHERE verdict <> 'agrees' OR symbol = 'GONE'"
        )

        assert {"quantity", "chain"} <= {measure for (measure,) in wrong}
        assert after.open == ()
        assert left == []


async def test_nothing_is_asked_for_that_nobody_wants(database_url: str) -> None:
    """A difference at the edge of what is wanted is read again within that edge."""
    async with sound_book(database_url, _small()) as (book, window):
        part = Window(END - 5 * DAY, window.ends_at)
        one = chosen(await book.truth())
        async with faulty(
            book, [f"hidden_row=1@closed-pnl@{one.at}", "hidden_row=1@position/list"]
        ):
            _, found = await reconcile(book, part)
        read = await book.rows("SELECT min(starts_at), max(ends_at) FROM facts.windows")

        assert any(one.tried for one in found.open)
        assert read[0][0] >= part.starts_at - timedelta(minutes=1)


async def test_much_that_is_new_is_bounded_by_its_first_and_last(database_url: str) -> None:
    """A busy account compares the time of what is new, and not all of its history."""
    async with sound_book(database_url, _small()) as (book, window):
        await book.backfill(window)
        told = []
        async with snapshot(book.pool) as conn:
            for is_much in (False, True):
                words = {"account_id": book.account_id, "since": 700, "is_much": is_much}
                found = await conn.execute(comparing.SQL["touched_since"], words)
                told.append(dict(await found.fetchall()))

        each, bounds = told
        assert each.keys() == bounds.keys() > set()
        for category, pieces in each.items():
            (one,) = bounds[category]
            assert (one.lower, one.upper) == (pieces[0].lower, pieces[-1].upper)


async def test_a_day_is_kept_longer_than_a_look(database_url: str) -> None:
    """Old looks are forgotten, but for the first whole one of each day; those are bounded too."""
    async with opened(database_url, _small()) as book:

        async def look(at: datetime, error: str | None = None) -> None:
            sight = Sight(at, at)
            seen = Observed(book.account_id, uuid4(), sight, sight, positions_error=error)
            await observations.put(book.pool, seen)

        old = datetime(2020, 1, 1, tzinfo=UTC)
        await look(old, "refused")
        await look(old + timedelta(hours=1))
        await look(old + timedelta(hours=2))
        await book.rows(
            "INSERT INTO ops.observations SELECT %s, gen_random_uuid(), at, at, NULL, NULL, false"
            " FROM generate_series(1, %s) AS n"
            " CROSS JOIN LATERAL (SELECT %s::timestamptz + n * interval '30 min' AS at) AS t",
            book.account_id, KEPT_MAX, old + DAY,
        )  # fmt: skip
        await look(END)
        kept = await book.rows("SELECT asked_at FROM ops.observations ORDER BY asked_at LIMIT 2")
        await book.rows(
            "INSERT INTO ops.observations SELECT %s, gen_random_uuid(), at, at, NULL, NULL, true"
            " FROM generate_series(1, %s) AS n"
            " CROSS JOIN LATERAL (SELECT %s::timestamptz + n * interval '1 day' AS at) AS t",
            book.account_id, DAILY_KEPT_MAX, END,
        )  # fmt: skip
        await book.rows(
            "INSERT INTO ops.observations SELECT %s, gen_random_uuid(), at, at, NULL, NULL, false"
            " FROM generate_series(1, %s) AS n"
            " CROSS JOIN LATERAL (SELECT %s::timestamptz + n * interval '1 min' AS at) AS t",
            book.account_id, KEPT_MAX, END + DAILY_KEPT_MAX * DAY,
        )  # fmt: skip
        await look(END + (DAILY_KEPT_MAX + 3) * DAY)
        daily = await book.rows(
            "SELECT count(*), min(asked_at) FROM ops.observations WHERE is_daily"
        )

        assert [at for (at,) in kept] == [old + timedelta(hours=1), old + DAY + DAY / 48 * 2]
        assert daily == [(DAILY_KEPT_MAX, END + 2 * DAY)]

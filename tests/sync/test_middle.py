"""A history that begins in the middle of a position is never told wrongly, and heals."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from fillbook.domain.window import Window, milliseconds
from tests.sync.book import DAY, END, Row, Undisturbed, opened, paper, whole
from tests.sync.truth import booked_positions, must_equal_truth, true_executions, true_positions

SEEDS = (7, 8, 9)


def _held_at(truth: Row, at: datetime) -> dict[str, Decimal]:
    """What the account truly held before an instant."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for row in truth["executions"]:
        if row["execType"] != "Funding" and int(row["execTime"]) < milliseconds(at):
            held[row["symbol"]] += Decimal(row["execQty"]) * (1 if row["side"] == "Buy" else -1)
    return held


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_last_third_alone_is_true_and_the_rest_heals_it(
    database_url: str, undisturbed: Undisturbed, seed: int
) -> None:
    """Openings are pinned to the truth, or assumed or unknown and say so, within true bounds.

    Positions equal the truth where the opening is pinned; an unknown leg shows none. When the
    beginning is fetched later, the book is that of fetching all at once.
    """
    settings = paper(seed=seed, executions=700)
    asked = whole(settings)
    third = Window(END - 7 * DAY, END)
    async with opened(database_url, settings) as book:
        assert (await book.backfill(third)).complete
        truth = await book.truth()
        before, now = _held_at(truth, third.starts_at), true_positions(truth)
        held = await booked_positions(book)
        openings = await book.rows(
            "SELECT symbol, opening_qty, opening_evidence, opening_low, opening_high"
            " FROM derived.stretches"
        )
        pinned = [row[0] for row in openings if row[2] == "pinned"]
        unknown = [row[0] for row in openings if row[2] == "unknown"]
        traded = {row[0] for row in true_executions(truth, since_ms=milliseconds(third.starts_at))}

        assert traded <= {row[0] for row in openings}
        assert pinned
        assert [] == await book.rows("SELECT * FROM derived.alarms WHERE kind = 'chain_break'")
        for symbol, opening, evidence, low, high in openings:
            assert low is None or low <= before[symbol], symbol
            assert high is None or high >= before[symbol], symbol
            assert evidence != "pinned" or opening == before[symbol], symbol
            assert evidence != "assumed_flat" or opening == 0, symbol
        assert {symbol: held.get(symbol, 0) for symbol in pinned} == {
            symbol: now.get(symbol, 0) for symbol in pinned
        }
        assert not held.keys() & set(unknown)
        assert (await book.verify()).ok

        assert (await book.backfill(asked)).complete
        await must_equal_truth(book)
        assert (await book.verify()).ok
        assert await book.hash() == await undisturbed(settings)


async def test_after_a_gap_an_older_stretch_is_not_taken_for_now(database_url: str) -> None:
    """Old and new history with a gap between: what was held before the gap is not held now.

    A leg that the newest interval does not tell is unknown: NULL, which is not flat.
    """
    settings = paper(executions=700)
    asked = whole(settings)
    newest = Window(END - timedelta(hours=3), END)
    async with opened(database_url, settings) as book:
        truth = await book.truth()
        days = [asked.starts_at + number * DAY / 2 for number in range(4, 30)]
        early = max(days, key=lambda at: sum(map(bool, _held_at(truth, at).values())))
        await book.backfill(Window(asked.starts_at, early))
        held_then = {symbol for symbol, held in (await booked_positions(book)).items() if held}
        await book.backfill(newest)
        told = {row[0] for row in await book.rows(
            "SELECT symbol FROM derived.stretches WHERE started_at = %s"
            " AND opening_evidence <> 'unknown'", newest.starts_at)}  # fmt: skip
        pinned = {row[0] for row in await book.rows(
            "SELECT symbol FROM derived.stretches WHERE started_at = %s"
            " AND opening_evidence = 'pinned'", newest.starts_at)}  # fmt: skip
        rows = await book.rows("SELECT symbol, side, quantity, realized_pnl FROM trading.positions")
        held, now = await booked_positions(book), true_positions(truth)

        assert len(held_then - told) > 1
        assert {(None, None)} == {row[1:3] for row in rows if row[0] not in told}
        assert any(row[3] is not None for row in rows if row[0] not in told)
        assert held.keys() <= told
        assert {symbol: held.get(symbol, 0) for symbol in pinned} == {
            symbol: now.get(symbol, 0) for symbol in pinned
        }
        assert (await book.verify()).ok

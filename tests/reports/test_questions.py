"""A question that makes no sense is refused in one sentence that says what would make sense."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from fillbook.accounting.allocation import share
from fillbook.errors import NotFound, UsageError
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.reports._report import Query, ask, find
from tests.sync.book import END, Book, opened, paper, whole


@pytest.fixture
async def book(database_url: str) -> AsyncIterator[Book]:
    """A small paper history."""
    settings = paper(executions=200, days=8)
    async with opened(database_url, settings) as made:
        await made.backfill(whole(settings))
        yield made


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[Pool]:
    """A ledger without an account."""
    async with open_pool(database_url) as pool:
        yield pool


@pytest.mark.parametrize(
    ("report", "asked", "error", "words"),
    [
        ("summary", {"bot": "momentum_0001"}, NotFound, "no such bot; there are: lxalgo_001"),
        ("trades", {"symbol": "BTCUSDTT"}, NotFound, "no such symbol"),
        ("calendar", {"zone": "Mars/Olympus"}, UsageError, "Europe/Berlin"),
        ("calendar", {"by": "year"}, UsageError, "day, week, month"),
        ("positions", {"as_of": END + timedelta(days=1)}, UsageError, "future"),
        ("lots", {"as_of": END + timedelta(days=1)}, UsageError, "future"),
        ("matches", {"cursor": "rubbish"}, UsageError, "start without one"),
        ("events", {"cursor": "MXwyfDN8NHw1fDZ8TmFO"}, UsageError, "start without one"),
        ("round_trips", {"cursor": "MXwyfDM"}, UsageError, "start without one"),
    ],
)
async def test_nonsense_is_refused(
    book: Book, report: str, asked: dict[str, Any], error: type[Exception], words: str
) -> None:
    """A name that nothing has, a zone that is none, an instant to come, a forged cursor."""

    with pytest.raises(error, match=words):
        await ask(book.pool, find(report), Query(**asked), now=END)


async def test_what_is_known_is_not_refused(book: Book) -> None:
    """Nobody's executions, a contract that is listed and was never traded."""

    (listed, *_), *_ = await book.rows(
        "SELECT symbol FROM facts.contract_terms t WHERE NOT EXISTS ("
        "SELECT 1 FROM derived.stretches s WHERE s.symbol = t.symbol) LIMIT 1"
    ) or [("BTCUSDT",)]
    nobody = await ask(book.pool, find("trades"), Query(bot="unassigned"), now=END)
    quiet = await ask(book.pool, find("lots"), Query(symbol=listed), now=END)

    assert all(row.bot_id == "unassigned" for row in nobody.tables()[0].rows)  # type: ignore[attr-defined]
    assert quiet.basis.percent == Decimal("100.00")


async def test_an_empty_ledger_refuses_no_name(empty: Pool) -> None:
    """There is nothing to choose from yet."""

    said = await ask(empty, find("summary"), Query(bot="later", symbol="X"), now=END)

    assert said.basis.percent is None


async def test_a_report_is_found_as_people_type_it() -> None:
    """With a dash or with an underscore."""

    assert find("round-trips") is find("round_trips")


async def test_a_part_in_the_database_is_the_part_of_the_kernel(empty: Pool) -> None:
    """What open units bear of a value or fee is rounded in both places alike."""

    draws = Random(7)
    for _ in range(300):
        whole_units = draws.choice((2, 3, 7, 8, 64, 1000, draws.randrange(1, 10**6)))
        reached = draws.randrange(0, whole_units + 1)
        amount = Decimal(draws.randrange(-(10**12), 10**12)).scaleb(-draws.choice((0, 6, 18, 21)))
        async with transaction(empty) as conn:
            row = await (
                await conn.execute(
                    "SELECT derived.borne(%s, %s, %s)", (amount, reached, whole_units)
                )
            ).fetchone()

        assert row is not None
        assert (amount, reached, whole_units, row[0]) == (
            amount,
            reached,
            whole_units,
            share(amount, 0, reached, whole_units),
        )

"""Rebuilding lays the same book again; wiping drops it whole and says so on the next chain."""

# ruff: noqa: S608 - these statements are put together from this file's own words

from datetime import timedelta

import pytest

from fillbook.domain.window import Window
from fillbook.errors import LedgerError
from fillbook.ledger.rebuild import rebuild_outdated, wipe
from tests.ledger.handed_in import END, Hand, hand, inside, paper_rows

DAYS = 5
ALL = Window(END - timedelta(days=DAYS), END)
DERIVED = (
    "laid", "coverage", "books", "stretches", "alarms", "lines", "lot_matches", "funding_shares",
    "completed_trades",
)  # fmt: skip


async def _filled(one: Hand) -> None:
    rows = paper_rows(executions=150, days=DAYS, seed=5)
    await one.book(inside(rows, ALL))
    await one.prove(ALL)


async def _everything(one: Hand) -> list[list[tuple[object, ...]]]:
    return [
        await one.rows(f"SELECT * FROM derived.{table} ORDER BY {table}::text") for table in DERIVED
    ]


async def test_every_derived_row_comes_back_identical(database_url: str) -> None:
    """Not the hash alone: each column of each derived table."""
    async with hand(database_url) as one:
        await _filled(one)
        before = await _everything(one)
        await one.rebuild()

        assert before == await _everything(one)
        assert all(rows for table, rows in zip(DERIVED, before, strict=True) if table != "alarms")


async def test_an_emptied_derived_schema_is_laid_again(database_url: str) -> None:
    """Everything derived may be lost; facts alone make the book."""
    async with hand(database_url) as one:
        await _filled(one)
        before = await one.hash()
        await one.rows("TRUNCATE " + ", ".join(f"derived.{table}" for table in DERIVED))

        assert not (await one.verify()).ok
        assert before != await one.hash()

        await one.rebuild()

        assert before == await one.hash()
        assert (await one.verify()).ok


async def test_another_version_of_the_rules_needs_a_rebuild(database_url: str) -> None:
    """Figures of two versions never mix: writing is refused, verify says what to do."""
    async with hand(database_url) as one:
        await _filled(one)
        await one.rows("UPDATE derived.laid SET derivation_version = 0")
        with pytest.raises(LedgerError, match="fillbook rebuild"):
            await one.prove(ALL)
        verified = await one.verify()

        assert (True, False, []) == (verified.rebuild_needed, verified.ok, verified.findings)

        assert 1 == await rebuild_outdated(one.pool, now=one.now)
        assert 0 == await rebuild_outdated(one.pool, now=one.now)
        assert (await one.verify()).ok
        await one.prove(ALL)


async def test_the_hash_does_not_depend_on_the_server(database_url: str) -> None:
    """Another time zone in the database's settings prints other texts, and hashes the same."""
    async with hand(database_url) as one:
        await _filled(one)
        before = await one.hash()
        name = (await one.rows("SELECT current_database()"))[0][0]
        await one.rows(f"ALTER DATABASE {name} SET timezone TO 'Asia/Kolkata'")
        async with hand(database_url) as later:
            assert [("Asia/Kolkata",)] == await later.rows("SHOW timezone")

            later.account_id = one.account_id

            assert before == await later.hash()


async def test_a_wipe_drops_the_chain_and_says_so(database_url: str) -> None:
    """Nothing of the account stays but the record of the act; a new book begins on a new chain."""
    async with hand(database_url) as one:
        await _filled(one)
        before = await one.hash()
        counts = await wipe(one.pool, one.account_id, actor="owner", now=END)
        (genesis,) = await one.rows(
            "SELECT generation, opened_by, reason FROM facts.geneses WHERE generation = 2"
        )

        assert counts["raw_records"] > counts["executions"] > 100
        assert [[]] * len(DERIVED) == await _everything(one)
        assert (2, "owner") == genesis[:2]
        assert f"{counts['raw_records']} raw_records" in genesis[2]
        assert (await one.verify()).ok

        await _filled(one)

        assert before == await one.hash()
        await one.must_stand("a new generation")

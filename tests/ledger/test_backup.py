"""A backup holds every row, is consistent, and comes back as the same ledger or not at all."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from fillbook.errors import LedgerError, NotFound, UsageError
from fillbook.ledger import _migrate
from fillbook.ledger._pool import open_pool
from fillbook.ledger.backup import write_backup
from fillbook.ledger.backup_contents import LEFT_OUT, SCHEMAS, Manifest
from fillbook.ledger.backup_reading import check_backup
from tests.conftest import MakeDatabase
from tests.ledger.backed_up import (
    ALL,
    NOBODY,
    back_up,
    booked,
    bring_back,
    contents,
    fill_every_table,
    names_in,
    tables,
)
from tests.ledger.handed_in import END, hand, inside, paper_rows

COPIED = ("facts", "ops")
OTHER_SCHEMAS = """
SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN
    ('information_schema', 'public')
"""


@pytest.fixture
async def full(database_url: str) -> str:
    """A ledger with a history, and a row in every table."""
    await booked(database_url)
    fill_every_table(database_url)
    return database_url


async def test_every_row_of_every_table_comes_back(
    full: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Facts and operations as they were, to the last digit and byte; figures laid again."""
    before = contents(full)
    manifest = await back_up(full, tmp_path / "one.tar")
    there = make_database()

    restored = await bring_back(there, tmp_path / "one.tar")

    assert (True, False, True) == (
        restored.ok, restored.resumed, restored.accounts[0].hash_compared
    )  # fmt: skip
    after = contents(there)
    for name, rows in before.rows.items():
        if name == "ops.audit":  # and what a restore itself remembers
            assert set(rows) < set(after.rows[name])
        elif name not in LEFT_OUT:
            assert rows == after.rows[name], name
    assert manifest.rows == sum(
        len(rows) for name, rows in before.rows.items()
        if name.startswith(COPIED) and name not in LEFT_OUT
    )  # fmt: skip


async def test_no_table_is_forgotten(database_url: str, tmp_path: Path) -> None:
    """Each table of the schema is copied with all its columns, or named with a reason."""
    await booked(database_url)
    filled = fill_every_table(database_url)
    manifest = await back_up(database_url, tmp_path / "one.tar")
    with psycopg.connect(database_url) as conn:
        ours = [shape.name for shape in tables(conn)]
        schemas = {row[0] for row in conn.execute(OTHER_SCHEMAS.encode()).fetchall()}

    assert set(SCHEMAS) == schemas
    assert set(LEFT_OUT) - set(ours) == set()
    copied = [table.name for table in manifest.tables]
    assert sorted(ours) == sorted([*copied, *manifest.left_out, *manifest.not_ours])
    assert sorted(filled) == sorted(copied)
    assert [table.name for table in manifest.tables if table.rows == 0] == []
    assert all(reason for reason in manifest.left_out.values())


async def test_a_backup_of_a_backup_holds_the_same_rows(
    full: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """What was restored can be backed up again, and nothing was lost on the way."""
    first = await back_up(full, tmp_path / "one.tar")
    there = make_database()
    await bring_back(there, tmp_path / "one.tar")

    second = await back_up(there, tmp_path / "two.tar")

    assert _rows(first) == {**_rows(second), "ops.audit": first.rows_of("ops.audit")}
    assert first.accounts == second.accounts


async def test_an_account_of_an_unknown_venue_is_carried(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """A venue is data: its rows come back, and what could not be verified is said."""
    await booked(database_url)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE ops.accounts SET venue = 'elsewhere'")
    await back_up(database_url, tmp_path / "one.tar")
    there = make_database()

    (one,) = (await bring_back(there, tmp_path / "one.tar")).accounts

    assert (True, "There is no venue elsewhere.") == (one.ok, one.not_verified)
    assert contents(database_url, schemas=["facts"]) == contents(there, schemas=["facts"])


def _rows(manifest: Manifest) -> dict[str, int]:
    return {table.name: table.rows for table in manifest.tables}


async def test_new_accounts_get_new_numbers(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Numbers go on where they were, so that no new account meets the rows of an old one."""
    await booked(database_url)
    await booked(database_url, executions=10, seed=6)
    await back_up(database_url, tmp_path / "one.tar")
    there = make_database()
    await bring_back(there, tmp_path / "one.tar")

    async with hand(database_url) as here, hand(there) as the_same_there:
        assert here.account_id == the_same_there.account_id
        assert here.account_id > 2


async def test_a_backup_while_facts_are_booked_is_of_one_moment(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Rows that come while tables are copied are in none of them."""
    rows = inside(paper_rows(executions=200, days=3, seed=8), ALL)
    async with hand(database_url) as one:
        for start in range(0, 100, 10):
            await one.book(rows[start : start + 10])
        known, copied = len(await one.rows("SELECT 1 FROM facts.raw_records")), asyncio.Event()

        async def book_meanwhile() -> int:
            await copied.wait()
            for start in range(100, 200, 5):
                await one.book(rows[start : start + 5])
            await one.prove(ALL)
            return len(await one.rows("SELECT 1 FROM facts.raw_records"))

        booking = asyncio.create_task(book_meanwhile())
        async with open_pool(database_url, max_size=2) as pool:
            copied.set()
            await asyncio.sleep(0.05)
            manifest = await write_backup(
                pool, tmp_path / "one.tar", passphrase=None, now=END, program="test",
            )  # fmt: skip
        later = await booking
    restored = await bring_back(make_database(), tmp_path / "one.tar")

    assert restored.ok
    assert known < later
    (kept,) = manifest.accounts
    links = manifest.rows_of("facts.raw_records") + manifest.rows_of("facts.windows")
    assert kept.chain_seq == links


async def test_a_restore_never_overwrites(full: str, tmp_path: Path) -> None:
    """A database that holds anything is refused, and stays as it is."""
    await back_up(full, tmp_path / "one.tar")
    before = contents(full)

    with pytest.raises(LedgerError, match=r"not empty \(facts\..* never overwrites"):
        await bring_back(full, tmp_path / "one.tar")

    assert before == contents(full)


@pytest.mark.parametrize("table", ["ops.tokens", "ops.audit", "facts.bots"])
async def test_one_row_anywhere_is_enough(
    table: str, database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Not only facts count: a token of a server that ran here is somebody's."""
    await booked(database_url)
    await back_up(database_url, tmp_path / "one.tar")
    there = make_database()
    _migrate.migrate(there, clock=lambda: END)
    fill_every_table(there)
    with psycopg.connect(there) as conn:
        for shape in tables(conn):
            if shape.name not in (table, "ops.schema_migrations"):
                conn.execute(f"TRUNCATE {shape.name}".encode())

    with pytest.raises(LedgerError, match=rf"not empty \({table} has rows\)"):
        await bring_back(there, tmp_path / "one.tar")


async def test_a_file_is_never_overwritten(database_url: str, tmp_path: Path) -> None:
    """A name that is taken is refused, and the file stays as it was."""
    await booked(database_url, executions=10)
    (tmp_path / "one.tar").write_text("precious")

    with pytest.raises(UsageError, match="is there already"):
        await back_up(database_url, tmp_path / "one.tar")

    assert "precious" == (tmp_path / "one.tar").read_text()
    assert ["one.tar"] == names_in(tmp_path)


async def test_a_backup_that_fails_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    """Neither under its name nor under another one."""
    await booked(database_url, executions=10)

    def fail(table: str, rows: int) -> None:
        raise RuntimeError(table)

    async with open_pool(database_url, max_size=2) as pool:
        with pytest.raises(RuntimeError, match=r"facts\.bots"):
            await write_backup(
                pool, tmp_path / "one.tar", passphrase=None, now=END, program="test", progress=fail
            )

    assert [] == names_in(tmp_path)


async def test_a_database_without_a_ledger_has_no_backup(
    empty_database_url: str, tmp_path: Path
) -> None:
    """There is nothing to back up, and no file pretends that there was."""
    with pytest.raises(NotFound, match="no ledger in this database"):
        await back_up(empty_database_url, tmp_path / "one.tar")

    assert [] == names_in(tmp_path)


async def test_tables_of_others_are_named_and_left(database_url: str, tmp_path: Path) -> None:
    """A table that somebody keeps beside the views is not ours to carry."""
    await booked(database_url, executions=10)
    with psycopg.connect(database_url) as conn:
        conn.execute("CREATE TABLE trading.my_own (a int)")

    manifest = await back_up(database_url, tmp_path / "one.tar")

    assert ("trading.my_own",) == manifest.not_ours
    assert 0 == check_backup(tmp_path / "one.tar", None).manifest.rows_of("trading.my_own")


def test_made_up_rows_belong_to_nobody() -> None:
    """The number of the made-up account is far from those that accounts get here."""
    assert NOBODY > 1_000

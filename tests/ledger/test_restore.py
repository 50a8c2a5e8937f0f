"""A restore can be stopped anywhere, takes older schemas along, and refuses what it cannot keep."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psycopg
import pytest
from psycopg import sql

from fillbook.errors import BackupUnusable, LedgerError
from fillbook.ledger import _migrate
from fillbook.ledger._migrations import load_migrations
from fillbook.ledger._pool import open_pool, transaction
from fillbook.ledger.backup_archive import ArchiveWriter, members
from fillbook.ledger.backup_contents import MANIFEST, Manifest
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.rebuild import wipe
from fillbook.ledger.restore import Restored, refuse_other_history, restore
from fillbook.ledger.verify import verify
from fillbook.venues.bybit.parse import parse_record
from tests.conftest import MakeDatabase
from tests.ledger.backed_up import (
    back_up,
    booked,
    bring_back,
    contents,
    fill_every_table,
    parser_of,
    tables,
)
from tests.ledger.handed_in import END

OLDER = (4, 6, 8, 10)
NEWEST = load_migrations()[-1].version


class Killed(BaseException):
    """As if the process had been killed: nothing below catches it."""


@dataclass(slots=True)
class Killer:
    """Raises at the n-th word that a restore says."""

    words_left: int

    def tell(self, _: str) -> None:
        """Hear a word."""
        self.words_left -= 1
        if self.words_left == 0:
            raise Killed


async def _until_killed(url: str, path: Path, killer: Killer) -> Restored:
    return await restore(
        url, path, passphrase=None, clock=lambda: END, parser_of=parser_of, actor="somebody",
        tell=killer.tell,
    )  # fmt: skip


@pytest.mark.parametrize("word", [1, 2, 3])
async def test_a_restore_that_was_stopped_is_run_again(
    word: int, database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Before anything, before the load, and after it: the next one ends what was begun."""
    await booked(database_url)
    await back_up(database_url, tmp_path / "one.tar")
    there = make_database()
    with pytest.raises(Killed):
        await _until_killed(there, tmp_path / "one.tar", Killer(word))

    restored = await bring_back(there, tmp_path / "one.tar")

    assert (True, word == 3) == (restored.ok, restored.resumed)
    assert contents(database_url, schemas=["facts", "derived"]) == contents(
        there, schemas=["facts", "derived"]
    )
    with pytest.raises(LedgerError, match="not empty"):
        await bring_back(there, tmp_path / "one.tar")


async def test_nobody_adds_to_a_ledger_that_is_half_restored(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Loaded and not laid yet, it says that a rebuild is needed; another file is refused."""
    await booked(database_url)
    await back_up(database_url, tmp_path / "one.tar")
    fill_every_table(database_url)
    await back_up(database_url, tmp_path / "two.tar")
    there = make_database()
    with pytest.raises(Killed):
        await _until_killed(there, tmp_path / "one.tar", Killer(3))

    async with open_pool(there) as pool:
        assert (await verify(pool, 1, parse_record)).rebuild_needed
    with pytest.raises(LedgerError, match="not empty"):
        await bring_back(there, tmp_path / "two.tar")


async def test_two_restores_at_once_load_once(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """The second one is refused, or ends what the first one began."""
    await booked(database_url)
    await back_up(database_url, tmp_path / "one.tar")
    there = make_database()

    ended = await asyncio.gather(
        *(bring_back(there, tmp_path / "one.tar") for _ in range(2)), return_exceptions=True
    )

    whole = [one for one in ended if isinstance(one, Restored)]
    assert len(whole) >= 1
    assert all(one.ok for one in whole)
    assert [] == [str(one) for one in ended if not isinstance(one, Restored | LedgerError)]
    assert contents(database_url, schemas=["facts"]) == contents(there, schemas=["facts"])


async def _ledger_of_version(url: str, version: int, there: str) -> None:
    """Make the ledger of `url` again as a program of that schema version had it."""
    _migrate.migrate(there, clock=lambda: END, up_to=version)
    with psycopg.connect(url) as source, psycopg.connect(there) as target:
        for shape in tables(target):
            if not shape.copied or shape.name == "ops.leases":
                continue
            old = _columns(target, shape.name)
            shared = [name for name in _columns(source, shape.name) if name in old]
            names = sql.SQL(", ").join(map(sql.Identifier, shared))
            out = sql.SQL("COPY {} ({}) TO STDOUT").format(shape.identifier(), names)
            into = sql.SQL("COPY {} ({}) FROM STDIN").format(shape.identifier(), names)
            with source.cursor().copy(out) as read, target.cursor().copy(into) as write:
                for line in read:
                    write.write(line)
        target.execute("SELECT setval('ops.accounts_account_id_seq', 1)")


def _columns(conn: psycopg.Connection[tuple[object, ...]], table: str) -> list[str]:
    found = conn.execute(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        [table],
    )
    return [str(row[0]) for row in found.fetchall()]


@pytest.mark.parametrize("version", OLDER)
async def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    version: int, database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """It is loaded into its own schema, migrated on, laid and verified: the same book."""
    wanted = await booked(database_url)
    old, there = make_database(), make_database()
    await _ledger_of_version(database_url, version, old)
    manifest = await back_up(old, tmp_path / "old.tar")

    restored = await bring_back(there, tmp_path / "old.tar")

    assert version == manifest.schema_version
    assert (True, False, wanted) == (
        restored.ok, restored.accounts[0].hash_compared, restored.accounts[0].hash
    )  # fmt: skip
    assert NEWEST == _migrate.status(there).version


async def test_a_schema_without_rows_makes_way_for_an_older_one(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """`db status` may have made a new schema on the empty machine; it is taken down again."""
    wanted = await booked(database_url)
    old, there = make_database(), make_database()
    await _ledger_of_version(database_url, 8, old)
    await back_up(old, tmp_path / "old.tar")
    _migrate.migrate(there, clock=lambda: END)

    restored = await bring_back(there, tmp_path / "old.tar")

    assert (True, wanted) == (restored.ok, restored.accounts[0].hash)


async def test_views_of_others_are_not_taken_down(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """What somebody built on the views here is worth more than a restore."""
    await booked(database_url, executions=10)
    old, there = make_database(), make_database()
    await _ledger_of_version(database_url, 8, old)
    await back_up(old, tmp_path / "old.tar")
    _migrate.migrate(there, clock=lambda: END)
    with psycopg.connect(there) as conn:
        conn.execute("CREATE VIEW public.mine AS SELECT * FROM trading.bots")

    with pytest.raises(LedgerError, match=r"rests on Fillbook's views"):
        await bring_back(there, tmp_path / "old.tar")

    with psycopg.connect(there) as conn:
        assert [] == conn.execute("SELECT * FROM public.mine").fetchall()


@pytest.fixture
async def manifest(database_url: str, tmp_path: Path) -> Manifest:
    """What a backup says of itself."""
    await booked(database_url, executions=10)
    return await back_up(database_url, tmp_path / "any.tar")


async def test_a_newer_schema_is_refused(manifest: Manifest) -> None:
    """An older Fillbook does not guess what a newer one wrote."""
    newer = msgspec.structs.replace(
        manifest,
        schema_version=NEWEST + 1,
        migrations=(*manifest.migrations, (NEWEST + 1, "later", "0" * 64)),
    )

    refuse_other_history(manifest)
    with pytest.raises(BackupUnusable, match="upgrade Fillbook"):
        refuse_other_history(newer)


async def test_another_history_is_refused(manifest: Manifest) -> None:
    """A schema that came about otherwise is not this one, whatever its number."""
    (_, name, _), *rest = manifest.migrations
    other = msgspec.structs.replace(manifest, migrations=((1, name, "0" * 64), *rest))

    with pytest.raises(BackupUnusable, match=r"after another 0001_facts\.sql"):
        refuse_other_history(other)


async def test_a_changed_book_is_not_taken_for_the_same(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Rows that were changed by somebody who also mended every digest do not verify."""
    await booked(database_url)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE facts.executions SET price = price + 1 WHERE revision = 0")
    await back_up(database_url, tmp_path / "forged.tar")

    restored = await bring_back(make_database(), tmp_path / "forged.tar")

    assert not restored.ok
    assert "facts.executions" in " ".join(restored.accounts[0].findings)


async def test_a_format_of_the_future_is_refused(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """It is said which program made it."""
    await booked(database_url, executions=10)
    await back_up(database_url, tmp_path / "one.tar")
    with (tmp_path / "one.tar").open("rb") as read, (tmp_path / "two.tar").open("wb") as write:
        archive = ArchiveWriter(write, made_at_seconds=0)
        for name, data in members(read):
            later = data.replace(b'"format": 1', b'"format": 2') if name == MANIFEST else data
            archive.add(name, later)
        archive.close()

    with pytest.raises(BackupUnusable, match="has format 2 and this Fillbook knows 1"):
        await bring_back(make_database(), tmp_path / "two.tar")


async def test_the_restore_is_on_record(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Who restored what and when stands in the audit log of the restored ledger."""
    await booked(database_url)
    manifest = await back_up(database_url, tmp_path / "one.tar")
    there = make_database()
    await bring_back(there, tmp_path / "one.tar")

    async with open_pool(there) as pool, transaction(pool) as conn:
        found = await conn.execute("SELECT actor, act, detail FROM ops.audit WHERE act ~ 'restore'")
        rows = await found.fetchall()
        hashed = await ledger_hash(pool, 1)

    assert {("somebody", "restore begun"), ("somebody", "restore")} == {row[:2] for row in rows}
    assert all("one.tar" in row[2] for row in rows)
    assert manifest.accounts[0].ledger_hash == hashed


@pytest.mark.debian
async def test_a_backup_goes_from_one_server_to_another(
    database_url: str, debian_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """From the embedded PostgreSQL 18 to a 15 of one's own, and back again."""
    await booked(database_url)
    fill_every_table(database_url)
    await back_up(database_url, tmp_path / "one.tar")
    there = make_database()

    onto_15 = await bring_back(debian_url, tmp_path / "one.tar")
    await back_up(debian_url, tmp_path / "two.tar")
    back_again = await bring_back(there, tmp_path / "two.tar")

    assert (True, True) == (onto_15.ok, back_again.ok)
    assert contents(database_url, schemas=["facts", "derived"]) == contents(
        there, schemas=["facts", "derived"]
    )


@pytest.mark.debian
async def test_a_backup_through_a_pooler_is_whole(
    database_url: str, pooled_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """One transaction on one server session, also where a pooler hands them out."""
    await booked(database_url)
    await back_up(pooled_url, tmp_path / "one.tar")

    assert (await bring_back(make_database(), tmp_path / "one.tar")).ok


async def test_accounts_that_were_wiped_stay_wiped(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """The new generation of a wiped chain comes back with its genesis, and nothing older."""
    await booked(database_url)
    async with open_pool(database_url) as pool:
        await wipe(pool, 1, actor="somebody", now=END)
    manifest = await back_up(database_url, tmp_path / "one.tar")

    assert (2, 0) == (manifest.accounts[0].generation, manifest.rows_of("facts.executions"))
    assert (await bring_back(make_database(), tmp_path / "one.tar")).ok

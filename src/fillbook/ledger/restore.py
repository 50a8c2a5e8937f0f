"""Restoring a backup into an empty database, and proving that it is the same ledger.

The file is read whole before anything is written. The schema is brought to the version that the
backup was made at, all rows are loaded in one transaction, read back and compared byte for byte
with what the backup says; then the schema is brought up to date, the figures are laid from the
facts, and each account is verified and its ledger hash compared.

Killed in the middle it can be run again: what was not committed is gone, and what was is recognised
by the digest of the file, so that the work goes on where it stopped.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg import sql

from fillbook.domain.account import Account
from fillbook.errors import BackupUnusable, NotFound
from fillbook.ledger import _migrate, accounts
from fillbook.ledger._migrations import load_migrations
from fillbook.ledger._pool import Connection, Pool, open_pool, snapshot, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.backup_contents import KeptAccount, Manifest, Table, plain_forms, shapes
from fillbook.ledger.backup_reading import Checked, RowSum, Tally, check_backup, opened, parts_of
from fillbook.ledger.derived import DERIVATION_VERSION
from fillbook.ledger.ledger_hash import content_digests, hash_of, recipe
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.restore_place import Found, make_ready, not_empty
from fillbook.ledger.verify import Parse, verify

SQL = queries("backup.sql")

BEGUN, ENDED = "restore begun", "restore"
POOL_SIZE = 2

Clock = Callable[[], datetime]
ParserOf = Callable[[Account], Parse]
Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Proved:
    """What an account came to after a restore."""

    account: str
    hash: str
    hash_compared: bool  # False: the backup was made by a program that counts it otherwise
    findings: tuple[str, ...]
    not_verified: str = ""  # why: its venue belongs to another version of Fillbook

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to."""

    manifest: Manifest
    resumed: bool
    accounts: tuple[Proved, ...]

    @property
    def ok(self) -> bool:
        """Whether every account is what it was."""
        return all(one.ok for one in self.accounts)


async def restore(
    url: str,
    path: Path,
    *,
    passphrase: str | None,
    clock: Clock,
    parser_of: ParserOf,
    actor: str,
    tell: Tell = lambda _: None,
) -> Restored:
    """Bring a backup back into the empty database at `url`, the direct address."""
    tell(f"Reading {path} ...")
    checked = await asyncio.to_thread(check_backup, path, passphrase)
    manifest = checked.manifest
    refuse_other_history(manifest)
    found = await asyncio.to_thread(make_ready, url, manifest, checked.digest, clock)
    async with open_pool(url, max_size=POOL_SIZE) as pool:
        if found is Found.EMPTY:
            tell(f"Loading {manifest.rows} rows ...")
            await _load(pool, path, passphrase, checked, actor=actor, clock=clock)
        await asyncio.to_thread(_migrate.migrate, url, clock=clock)
        proved = []
        for kept in manifest.accounts:
            tell(f"{kept.name}: laying the figures and verifying ...")
            proved.append(await _prove(pool, manifest, kept, parser_of, clock=clock))
        restored = Restored(manifest, found is Found.BEGUN, tuple(proved))
        if restored.ok:
            await _note(pool, checked, path, actor=actor, now=clock())
    return restored


def refuse_other_history(manifest: Manifest) -> None:
    """Refuse a backup of a newer schema, or of one with another history."""
    known = load_migrations()
    if manifest.schema_version > len(known):
        raise BackupUnusable(
            f"The backup has schema version {manifest.schema_version} and this Fillbook knows"
            f" {len(known)}: upgrade Fillbook."
        )
    for ours, (version, name, checksum) in zip(known, manifest.migrations, strict=False):
        if (ours.version, ours.checksum) != (version, checksum):
            raise BackupUnusable(
                f"The backup was made after another {version:04}_{name}.sql than this Fillbook"
                f" has: restore it with the Fillbook that made it ({manifest.program})."
            )


async def _load(
    pool: Pool, path: Path, passphrase: str | None, checked: Checked, *, actor: str, clock: Clock
) -> None:
    """Load every table and read it back, in one transaction."""
    manifest = checked.manifest
    async with transaction(pool) as conn:
        await plain_forms(conn)
        await conn.execute(SQL["keep_out"])
        await _refuse_other_columns(conn, manifest.tables)
        sums = await _copy_in(conn, path, passphrase, manifest)
        for table in manifest.tables:
            await _read_back(conn, table, sums[table.name])
        for name, last_value in manifest.sequences.items():
            await conn.execute(SQL["move_sequence"], {"name": name, "last_value": last_value})
        await conn.execute(SQL["to_be_laid"])
        await accounts.audit(
            conn, account_id=accounts.NO_ACCOUNT, actor=actor, act=BEGUN,
            detail=f"{checked.digest} {path.name}", now=clock(),
        )  # fmt: skip
    async with transaction(pool) as conn:
        names = [table.shape.identifier() for table in manifest.tables if table.rows]
        if names:
            await conn.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(names)))


async def _refuse_other_columns(conn: Connection, tables: Sequence[Table]) -> None:
    """The tables here are those of the backup, and they are empty."""
    here = {shape.name: shape for shape in await shapes(conn)}
    for table in tables:
        if table.name not in here or set(here[table.name].columns) != set(table.columns):
            raise BackupUnusable(
                f"The backup's table {table.name} has other columns than this schema version gives"
                " it: restore it with the Fillbook that made it."
            )
        query = sql.SQL("SELECT FROM {} LIMIT 1").format(table.shape.identifier())
        if (await conn.execute(query)).rowcount:
            raise not_empty(table.name)


async def _copy_in(
    conn: Connection, path: Path, passphrase: str | None, manifest: Manifest
) -> dict[str, RowSum]:
    """Load the parts in the order of the file, which is checked again while it is read."""
    tally = Tally()
    sums = {table.name: RowSum() for table in manifest.tables}
    tables = {table.name: table for table in manifest.tables}
    with opened(path, passphrase) as (source, _):
        parts = parts_of(source)
        ahead = await asyncio.to_thread(_next, parts)
        while ahead is not None:
            name = ahead[0]
            if name not in tables:
                raise BackupUnusable("The backup changed while it was being read: try again.")
            async with conn.cursor().copy(tables[name].shape.copy_in()) as copy:
                while ahead is not None and ahead[0] == name:
                    tally.add(*ahead)
                    sums[name].add(ahead[2])
                    await copy.write(ahead[2])
                    ahead = await asyncio.to_thread(_next, parts)
    tally.compare(manifest)
    return sums


def _next(parts: Iterator[tuple[str, int, bytes]]) -> tuple[str, int, bytes] | None:
    return next(parts, None)


async def _read_back(conn: Connection, table: Table, loaded: RowSum) -> None:
    """What stands in the table now is, byte for byte, what was loaded."""
    found = RowSum()
    async with conn.cursor().copy(table.shape.copy_out()) as copy:
        async for line in copy:
            found.add(bytes(line))
    if found != loaded:
        raise BackupUnusable(
            f"The server did not keep {table.name} as it was loaded: nothing was restored; see"
            " whether its version and its encoding (UTF8) are those that Fillbook asks for."
        )


async def _prove(
    pool: Pool, manifest: Manifest, kept: KeptAccount, parser_of: ParserOf, *, clock: Clock
) -> Proved:
    account = Account(
        kept.account_id, kept.name, kept.venue, kept.environment, kept.venue_user_id
    )  # fmt: skip
    await rebuild(pool, kept.account_id, now=clock())
    async with snapshot(pool) as conn:
        contents = await content_digests(conn, kept.account_id)
    compared = (
        kept.ledger_hash != ""
        and manifest.recipe == recipe()
        and kept.derivation_version in (None, DERIVATION_VERSION)
    )
    findings = []
    if compared and contents != kept.contents:
        other = [name for name, digest in contents.items() if digest != kept.contents.get(name)]
        findings.append(f"the ledger hash is another than it was, by {', '.join(other)}")
    not_verified = ""
    try:
        parse = parser_of(account)
    except NotFound as error:
        not_verified = str(error)
    else:
        verified = await verify(pool, kept.account_id, parse)
        findings += [str(finding) for finding in verified.findings]
    return Proved(kept.name, hash_of(contents), compared, tuple(findings), not_verified)


async def _note(pool: Pool, checked: Checked, path: Path, *, actor: str, now: datetime) -> None:
    said = f"{checked.digest} {path.name}, {checked.manifest.rows} rows"
    async with transaction(pool) as conn:
        await accounts.audit(
            conn, account_id=accounts.NO_ACCOUNT, actor=actor, act=ENDED, detail=said, now=now
        )

"""Writing a backup: one snapshot, every table of facts and operations, one file.

The file is complete or it is not there: it is written under another name, flushed to the disk, and
takes its own name last. Rows travel as PostgreSQL's own text form in gzipped parts, so that
`tar`, `gunzip` and `COPY` bring them back even without this program. Memory holds two parts,
whatever the size of the ledger.
"""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec
from psycopg.errors import ReadOnlySqlTransaction

from fillbook.errors import LedgerError, NotFound, UsageError
from fillbook.ledger import _migrate, accounts
from fillbook.ledger._pool import Connection, Pool, snapshot, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.backup_archive import ArchiveWriter
from fillbook.ledger.backup_contents import (
    FORMAT,
    MANIFEST,
    SCHEMAS,
    VIEWS,
    KeptAccount,
    Manifest,
    Shape,
    Table,
    part_name,
    plain_forms,
    reasons,
    shapes,
)
from fillbook.ledger.backup_folder import FIRST_WORDS, draft_of, hold
from fillbook.ledger.backup_reading import Checked
from fillbook.ledger.backup_seal import SealedWriter
from fillbook.ledger.ledger_hash import content_digests, hash_of, recipe

SQL = queries("backup.sql")

PART_BYTES = 4 << 20
# Bodies of records are packed already: a higher level takes three times as long and saves 4 %.
GZIP_LEVEL = 1
README = f"""\
{FIRST_WORDS.decode()} `fillbook db restore` brings it back into an empty database.

Without Fillbook: make the schema from the migrations that manifest.json names, then for each table

    gunzip -c TABLE/*.copy.gz | psql -c "COPY TABLE (COLUMNS) FROM STDIN"

with the columns in the order that manifest.json gives. The schema `derived` is not in it: it is
worked out from the facts.
"""

Progress = Callable[[str, int], object]  # a table, and how many rows of it were copied


async def write_backup(
    pool: Pool,
    path: Path,
    *,
    passphrase: str | None,
    now: datetime,
    program: str,
    progress: Progress = lambda _table, _rows: None,
) -> Manifest:
    """Write a backup to a new file, sealed where there is a passphrase."""
    _refuse_taken(path)
    draft = draft_of(path)
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            hold(fd)
            sealed = SealedWriter(file, passphrase) if passphrase else None
            archive = ArchiveWriter(sealed or file, made_at_seconds=int(now.timestamp()))
            archive.add("README.txt", README.encode())
            file.flush()  # from now on a draft that is left behind can be told from other files
            manifest = await _write(pool, archive, now=now, program=program, progress=progress)
            archive.close()
            if sealed:
                sealed.close()
            file.flush()
            os.fsync(file.fileno())
        _refuse_taken(path)
        draft.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def _refuse_taken(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path} is there already: name another file.")


def _cannot_write(path: Path, error: OSError) -> LedgerError:
    return LedgerError(
        f"The backup {path} could not be written ({error.strerror}): nothing is left of it; free"
        " space there, or name another place."
    )


async def _write(
    pool: Pool, archive: ArchiveWriter, *, now: datetime, program: str, progress: Progress
) -> Manifest:
    status = await asyncio.to_thread(_migrate.status, str(pool.conninfo))
    if not status.applied:
        raise NotFound("There is no ledger in this database yet: nothing to back up.")
    async with snapshot(pool) as conn:
        await plain_forms(conn)
        found = await shapes(conn)
        tables = []
        for shape in found:
            if shape.copied:
                tables.append(await _copy_out(conn, shape, archive))
                progress(shape.name, tables[-1].rows)
        migrations = await (await conn.execute(SQL["migrations"])).fetchall()
        sequences = await conn.execute(SQL["sequences"], {"schemas": list(SCHEMAS)})
        manifest = Manifest(
            format=FORMAT,
            made_at=now,
            program=program,
            server_version=str(conn.info.parameter_status("server_version")),
            schema_version=migrations[-1][0] if migrations else 0,
            migrations=tuple((row[0], row[1], row[2]) for row in migrations),
            recipe=recipe(),
            tables=tuple(tables),
            left_out=reasons(found),
            not_ours=tuple(shape.name for shape in found if shape.schema == VIEWS),
            sequences={row[0]: row[1] for row in await sequences.fetchall()},
            accounts=tuple(await _accounts(conn, hashed=not status.pending)),
        )
    archive.add(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return manifest


async def _accounts(conn: Connection, *, hashed: bool) -> list[KeptAccount]:
    kept = []
    for about in await (await conn.execute(SQL["accounts_kept"])).fetchall():
        digests = await content_digests(conn, about[0]) if hashed else {}
        hashed_to = hash_of(digests) if hashed else ""
        told = zip(KeptAccount.__struct_fields__, (*about, digests, hashed_to), strict=True)
        kept.append(KeptAccount(**dict(told)))
    return kept


async def _copy_out(conn: Connection, shape: Shape, archive: ArchiveWriter) -> Table:
    """Copy a table; while one part is squeezed, the next one is read."""
    digest = sha256()
    rows = size = parts = 0
    squeezing: asyncio.Task[bytes] | None = None
    async for part in _parts(conn, shape):
        digest.update(part)
        rows, size = rows + part.count(b"\n"), size + len(part)
        if squeezing is not None:
            parts += 1
            archive.add(part_name(shape.name, parts), await squeezing)
        squeezing = asyncio.create_task(asyncio.to_thread(_squeezed, part))
    if squeezing is not None:
        parts += 1
        archive.add(part_name(shape.name, parts), await squeezing)
    return Table(shape.name, shape.columns, rows, size, parts, digest.hexdigest())


async def _parts(conn: Connection, shape: Shape) -> AsyncIterator[bytes]:
    """The rows of a table as text, whole lines, a few megabytes at a time."""
    lines: list[bytes] = []
    size = 0
    async with conn.cursor().copy(shape.copy_out()) as copy:
        async for line in copy:
            lines.append(bytes(line))
            size += len(line)
            if size >= PART_BYTES:
                yield b"".join(lines)
                lines, size = [], 0
    if lines:
        yield b"".join(lines)


def _squeezed(part: bytes) -> bytes:
    return gzip.compress(part, GZIP_LEVEL, mtime=0)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


async def note_backup(
    pool: Pool, checked: Checked, path: Path, *, actor: str, now: datetime
) -> None:
    """Remember that a backup was made. A server that may only be read keeps no such note."""
    said = f"{checked.digest} {path.name}, {checked.manifest.rows} rows"
    with suppress(ReadOnlySqlTransaction):
        async with transaction(pool) as conn:
            await accounts.audit(
                conn, account_id=accounts.NO_ACCOUNT, actor=actor, act="backup", detail=said,
                now=now,
            )  # fmt: skip

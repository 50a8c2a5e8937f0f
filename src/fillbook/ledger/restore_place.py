"""Is this database fit to be restored into, and has its schema the version of the backup?

Empty means: no schema of ours, or one without a row. A restore that was killed after its load is
recognised by the digest of the file, which the load wrote down.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto

import psycopg
from psycopg import sql

from fillbook.errors import DatabaseRefused
from fillbook.ledger import _migrate
from fillbook.ledger._address import reachable
from fillbook.ledger._queries import queries
from fillbook.ledger.backup_contents import SCHEMAS, Manifest, Shape

SQL = queries("backup.sql")

CONNECT_SECONDS_MAX = 10


class Found(Enum):
    """What a database is to a restore."""

    EMPTY = auto()
    BEGUN = auto()  # loaded from this very file, and not proven yet


def make_ready(url: str, manifest: Manifest, digest: str, clock: Callable[[], datetime]) -> Found:
    """Refuse a database that holds something else; bring an empty one to the backup's version."""
    status = _migrate.status(url)
    with reachable(url), psycopg.connect(url, connect_timeout=CONNECT_SECONDS_MAX) as conn:
        filled = _filled(conn)
        if filled is not None:
            if _begun(conn, digest):
                return Found.BEGUN
            raise not_empty(filled)
        if status.version > manifest.schema_version:
            _take_down(conn)
    _migrate.migrate(url, clock=clock, up_to=manifest.schema_version)
    return Found.EMPTY


def not_empty(name: str) -> DatabaseRefused:
    """What is said of a database that holds something."""
    return DatabaseRefused(
        f"This database is not empty ({name} has rows), and a restore never overwrites: for the"
        " embedded one run `fillbook db stop` and move the folder `postgres` of FILLBOOK_HOME"
        " aside; of your own, make an empty one and let DATABASE_URL point at it."
    )


def _filled(conn: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """The name of a table of ours that holds rows."""
    for row in conn.execute(SQL["tables"], {"schemas": list(SCHEMAS)}).fetchall():
        shape = Shape(str(row[0]), str(row[1]), ())
        query = sql.SQL("SELECT FROM {} LIMIT 1").format(shape.identifier())
        if shape.copied and conn.execute(query).rowcount:
            return shape.name
    return None


def _begun(conn: psycopg.Connection[tuple[object, ...]], digest: str) -> bool:
    acts = [row[0] for row in conn.execute(SQL["restores"], {"digest": digest}).fetchall()]
    return bool(acts) and "restore" not in acts


def _take_down(conn: psycopg.Connection[tuple[object, ...]]) -> None:
    """Take an empty schema of a later version away; the views of others are left alone."""
    views = [sql.Identifier("trading", name) for name in _views(conn)]
    try:
        if views:
            conn.execute(sql.SQL("DROP VIEW {}").format(sql.SQL(", ").join(views)))
        conn.execute("DROP SCHEMA facts, derived, ops CASCADE")
    except psycopg.errors.DependentObjectsStillExist as error:
        raise DatabaseRefused(
            "Something of yours rests on Fillbook's views here, and this backup needs an older"
            " schema: restore into another empty database."
        ) from error


def _views(conn: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    found = conn.execute(SQL["views"], {"names": list(_migrate.VIEW_NAMES)})
    return [str(row[0]) for row in found.fetchall()]

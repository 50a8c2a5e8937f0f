"""A database that lives and refuses: read-only, or with no connection left."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.conftest import _admin
from tests.crash.rig import Rig

FEW = {"max_connections": "12", "superuser_reserved_connections": "0"}


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """Every transaction of this database is read-only unless it says otherwise: a standby."""
    name = sql.Identifier(urlsplit(url).path.removeprefix("/"))
    with _admin(url) as conn:
        conn.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )
    try:
        yield
    finally:
        with _admin(url) as conn:
            conn.execute(
                sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name)
            )


@contextmanager
def crowded(url: str, *, leave: int) -> Iterator[int]:
    """Others hold all connections but a few; says how many they hold."""
    with ExitStack() as stack:
        held = []
        try:
            while True:
                held.append(stack.enter_context(psycopg.connect(url)))
        except psycopg.OperationalError:
            pass
        for conn in held[:leave]:
            conn.close()
        yield len(held) - leave


async def must_refuse_in_a_sentence(rig: Rig, url: str, *, saying: str) -> None:
    """A backfill that cannot be, and says why."""
    ended = await (await rig.backfill(url)).ended()
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err, ended
    assert saying in ended.err, ended

"""The whole way on other servers: a PostgreSQL of the user's own, and through a pooler."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.command import fillbook, paper_venue
from tests.servers import debian_postgres, pgbouncer

SMALL = ("--executions", "1500", "--days", "20", "--end", "2026-11-20T12:00:00Z")

pytestmark = [pytest.mark.debian]


@pytest.fixture(scope="module")
def login() -> Iterator[dict[str, str]]:
    """A paper venue for all tests of this file."""
    with paper_venue(*SMALL) as found:
        yield found


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that another user may enter: these servers don't run as root."""
    folder = Path(tempfile.mkdtemp(prefix="fb-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def book_of(home: Path, given: dict[str, str]) -> str:
    """Migrate, backfill and verify; returns the ledger's hash."""
    migrated = fillbook("db", "migrate", home=home, given=given)
    assert migrated.code == 0, migrated
    span = ("--from", "2026-10-31T12:00:00Z", "--to", "2026-11-20T12:00:01Z")
    filled = fillbook("backfill", *span, home=home, given=given)
    assert filled.code == 0, filled
    verified = fillbook("verify", "--format", "json", home=home, given=given)
    assert verified.code == 0, verified
    return str(json.loads(verified.out)["ledger_hash"])


def test_other_servers_keep_the_same_book(home: Path, outside: Path, login: dict[str, str]) -> None:
    """PostgreSQL 15, the same behind pgbouncer in transaction mode, and the embedded one agree."""
    embedded = book_of(home, login)
    with debian_postgres(outside / "debian") as direct:
        plain = book_of(home, login | {"DATABASE_URL": direct})
        with psycopg.connect(direct, autocommit=True) as conn:
            conn.execute("CREATE DATABASE pooled")
        other = direct.replace("5432/postgres?", "5432/pooled?")
        with pgbouncer(other, outside / "pooler") as pooled:
            given = {
                "DATABASE_URL": pooled,
                "DATABASE_DIRECT_URL": other,
                "FILLBOOK_DATABASE_PREPARE": "false",
            }
            behind = book_of(home, login | given)

    assert embedded == plain == behind


def test_a_database_in_use_is_refused_with_the_way_out(home: Path, outside: Path) -> None:
    """Real tables under the names of our views are left alone, and the way out works."""
    with debian_postgres(outside / "debian") as url:
        given = {"DATABASE_URL": url}
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("CREATE SCHEMA trading")
            conn.execute("CREATE TABLE trading.completed_trades (id int)")
            refused = fillbook("db", "migrate", home=home, given=given)
            conn.execute("ALTER SCHEMA trading RENAME TO trading_before")
        moved = fillbook("db", "migrate", home=home, given=given)

    assert refused.code == 1
    assert "completed_trades" in refused.err
    assert "ALTER SCHEMA trading RENAME TO trading_before" in refused.err
    assert moved.code == 0, moved

"""The wire sees each statement by its name, and does to it what it was told."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from fillbook.ledger.runs import SQL
from tests.crash.wire import Fate, Passing, Watcher, Wire, wired

MADE = "CREATE TABLE held (name text PRIMARY KEY)"
PUT = "INSERT INTO held (name) VALUES (%s)"


@pytest.fixture
async def wire(empty_database_url: str) -> AsyncIterator[Wire]:
    """A wire to a database with one table."""
    async with wired(empty_database_url) as one:
        with psycopg.connect(empty_database_url) as conn:
            conn.execute(MADE)
        yield one


def at(point: str, fate: Fate) -> Watcher:
    """What becomes of the first one at a point."""
    return lambda passing: fate if passing == Passing(point, 1) else Fate.PASS


async def _put(wire: Wire, name: str) -> None:
    url = wire.through(wire.server_url)
    conn = await psycopg.AsyncConnection.connect(url, prepare_threshold=0)
    try:
        await conn.execute(PUT, [name])
        await conn.commit()
    finally:
        await conn.close()


def _held(wire: Wire) -> list[str]:
    with psycopg.connect(wire.server_url) as conn:
        return [row[0] for row in conn.execute("SELECT name FROM held")]


async def test_it_changes_nothing_by_itself(wire: Wire) -> None:
    """Queries, prepared ones and COPY pass, and each makes its points."""
    async with await psycopg.AsyncConnection.connect(wire.through(wire.server_url)) as conn:
        await conn.execute(PUT, ["one"], prepare=True)
        await conn.execute(PUT, ["two"], prepare=True)
        async with conn.cursor().copy("COPY held FROM STDIN") as copy:
            await copy.write("three\n")
            await copy.write("four\n")
        answered = await (await conn.execute("SELECT count(*) FROM held")).fetchone()

    assert (4,) == answered
    assert ["one", "two", "three", "four"] == _held(wire)
    assert {
        "before INSERT INTO held": 2, "after INSERT INTO held": 2, "before COPY held FROM": 1,
        "amid COPY held FROM": 1, "after COPY held FROM": 1, "before BEGIN": 1, "after BEGIN": 1,
        "before SELECT count(*) FROM": 1, "after SELECT count(*) FROM": 1, "before COMMIT": 1,
        "after COMMIT": 1,
    } == wire.hits  # fmt: skip


async def test_the_ledgers_own_statements_have_their_names(wire: Wire) -> None:
    """`-- name: end_run` of runs.sql is runs.end_run, whatever stands for its parameters."""
    what = {"account_id": 1, "run_id": None, "status": "", "error": "", "requests": 0, "now": None}
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with await psycopg.AsyncConnection.connect(wire.through(wire.server_url)) as conn:
            await conn.execute(SQL["end_run"], what)

    assert 1 == wire.hits["before runs.end_run"]


@pytest.mark.parametrize(
    ("point", "held"),
    [
        ("before INSERT INTO held", []),
        ("after INSERT INTO held", []),
        ("before COMMIT", []),
        ("after COMMIT", ["one"]),
    ],
)
async def test_a_cut_is_a_lost_connection(wire: Wire, point: str, held: list[str]) -> None:
    """The process sees the same each time; only after the COMMIT does the row count."""
    wire.watch(at(point, Fate.CUT))
    with pytest.raises(psycopg.OperationalError, match="closed the connection"):
        await _put(wire, "one")

    assert held == _held(wire)


@pytest.mark.parametrize("point", ["before INSERT INTO held", "before COMMIT"])
async def test_a_refusal_comes_from_the_server(wire: Wire, point: str) -> None:
    """The statement fails with the SQLSTATE asked for, and so does its transaction."""
    wire.watch(at(point, Fate.REFUSE), sqlstate="40P01")
    with pytest.raises(psycopg.errors.DeadlockDetected):
        await _put(wire, "one")
    wire.watch()
    await _put(wire, "two")

    assert ["two"] == _held(wire)

"""All that a crash needs: a server, a wire before it, an exchange, and a parent of processes.

One history and one undisturbed run are shared by all cycles of a rig. A cycle has a database of its
own, disturbs a real process in it, lets another one finish the work unaided, and then asks whether
the book is whole: verified, of the same hash as the undisturbed one, each record booked by one run,
and every run and lease closed.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import psycopg

from fillbook.domain.window import from_milliseconds
from fillbook.ledger import _embedded
from fillbook.ledger._migrate import migrate
from fillbook.ledger._pool import open_pool
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.verify import verify
from fillbook.venues.bybit.parse import parse_record
from papervenues.bybit import Settings
from tests.conftest import UNSAFE, _admin, _create, _drop, with_database
from tests.crash.commands import END_MS, Ended
from tests.crash.exchange import Exchange, watched
from tests.crash.nursery import Child, Nursery, nursery
from tests.crash.wire import Wire, wired

TEMPLATE = "template_of_crashes"
SETTINGS = Settings(end_ms=END_MS, days=3, executions=120)
HOUR = timedelta(hours=1)
UNCLOSED = """
SELECT 'run ' || status FROM ops.runs WHERE status = 'running'
UNION ALL SELECT 'lease of ' || stream FROM ops.leases WHERE expires_at > now()
"""
BOOKED_ONCE = """
SELECT (SELECT count(*) FROM facts.raw_records), (SELECT sum(rows_new) FROM ops.runs)
"""

Make = Callable[[str], str]  # a database of a template; returns its address


@dataclass(frozen=True, slots=True)
class Rig:
    """What a cycle works with."""

    wire: Wire
    exchange: Exchange
    parent: Nursery
    home: Path
    make: Make
    template: str
    hashes: list[str] = field(default_factory=list)  # the undisturbed one, when it is known

    def database(self) -> str:
        """A fresh database with the real schema: its own address, not the wire's."""
        return self.make(self.template)

    async def start(self, *words: str, url: str) -> Child:
        """Start a command on a database."""
        given = {
            "PATH": os.environ["PATH"],
            "FILLBOOK_HOME": str(self.home),
            "DATABASE_URL": url,
            "BYBIT_API_KEY": self.exchange.venue.keys[0].key,
            "BYBIT_API_SECRET": self.exchange.venue.keys[0].secret,
            "BYBIT_BASE_URL": self.exchange.venue.url,
            "BACKFILL_MONTHS": "1",
        }
        return await self.parent.start(*words, home=self.home, environment=given)

    async def backfill(self, url: str) -> Child:
        """Start a backfill of all of the history."""
        told = self.exchange.settings
        since = from_milliseconds(told.start_ms) - HOUR
        until = min(from_milliseconds(told.end_ms) + HOUR, datetime.now(UTC))
        asked = ("--from", since.isoformat(), "--to", until.isoformat())
        return await self.start("backfill", *asked, url=url)

    async def finish(self, url: str) -> Ended:
        """Run a backfill to its end, through nothing; it must come to a good one."""
        done = await (await self.backfill(url)).ended()
        assert done.code == 0, f"the next run ended with {done.code}: {done.out}{done.err}"
        return done

    async def undisturbed(self) -> str:
        """The hash of a book that nothing disturbed."""
        if not self.hashes:
            url = self.database()
            await self.finish(url)
            self.hashes.append((await must_be_sound(url))[0])
        return self.hashes[0]

    async def must_be_whole(self, url: str) -> None:
        """Nothing lost, nothing twice, nothing left open."""
        expected = await self.undisturbed()
        found, runs = await must_be_sound(url)
        assert found == expected, "the book differs from that of an undisturbed run"
        assert not runs, f"left open: {runs}"


async def must_be_sound(url: str) -> tuple[str, list[str]]:
    """Verify a book; returns its hash and what is open in it."""
    with psycopg.connect(url) as conn:
        accounts = conn.execute("SELECT account_id FROM ops.accounts").fetchall()
        assert len(accounts) == 1, f"accounts: {accounts}"
        (booked,) = conn.execute(BOOKED_ONCE).fetchall()
        assert booked[0] == booked[1], f"{booked[0]} records, of which runs booked {booked[1]}"
        unclosed = [str(row[0]) for row in conn.execute(UNCLOSED).fetchall()]
    async with open_pool(url, max_size=2) as pool:
        verified = await verify(pool, accounts[0][0], parse_record)
        assert verified.ok, f"verify: {verified}"
        hashed = await ledger_hash(pool, accounts[0][0])
    return hashed, unclosed


@contextmanager
def own_server() -> Iterator[tuple[str, str]]:
    """A server for as long as the block lasts, and the name of its template."""
    folder = Path(tempfile.mkdtemp(prefix="fb-crash-"))
    folder.chmod(0o755)
    try:
        url = _embedded.ensure_running(folder / "server", settings=UNSAFE).url
        make_template(url)
        yield url, TEMPLATE
    finally:
        if (folder / "server").exists():
            _embedded.stop(folder / "server")
        shutil.rmtree(folder, ignore_errors=True)


def make_template(server_url: str) -> None:
    """A database with all migrations, to copy."""
    with _admin(server_url) as conn:
        _create(conn, TEMPLATE)
    migrate(with_database(server_url, TEMPLATE), clock=lambda: datetime.now(UTC))


@contextmanager
def databases(server_url: str) -> Iterator[Make]:
    """Fresh databases, dropped at the end. The server may have been away in between."""
    names: list[str] = []

    def make(template: str) -> str:
        names.append(f"crash_{token_hex(6)}")
        with _admin(server_url) as conn:
            _create(conn, names[-1], template=template)
        return with_database(server_url, names[-1])

    try:
        yield make
    finally:
        with suppress(psycopg.OperationalError), _admin(server_url) as conn:
            for name in names:
                _drop(conn, name)


@asynccontextmanager
async def rig(
    server_url: str, template: str, *, settings: Settings = SETTINGS
) -> AsyncIterator[Rig]:
    """A rig on a server that runs."""
    with tempfile.TemporaryDirectory(prefix="fb-home-") as home, databases(server_url) as make:
        async with (
            wired(server_url) as wire,
            watched(settings) as exchange,
            nursery() as parent,
        ):
            yield Rig(wire, exchange, parent, Path(home), make, template)

"""Booking a made history at once: raw records, readings, chain and proof, by COPY.

The rows are those that a sync would have booked, byte for byte: `verify` finds nothing wrong with
them. Only the way is shorter, since these benchmarks begin with a ledger that is full already.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.history import STARTS_AT, History, Row
from fillbook.domain.raw import RawRecord, content_key
from fillbook.domain.window import Window, from_milliseconds
from fillbook.ledger import accounts, coverage
from fillbook.ledger._pool import Pool
from fillbook.ledger._queries import queries
from fillbook.ledger.chain import link, raw_payload
from fillbook.ledger.packing import pack
from fillbook.ledger.proofs import Proof, add_window
from fillbook.ledger.writing import writing
from fillbook.venues.bybit.identity import execution_key

SQL = queries("facts.sql")

Connection = psycopg.Connection[tuple[Any, ...]]

STREAM, SCOPE = "executions", "linear"
ACCOUNT = "bench"
RUN = UUID(int=1)
SEED = 11
ROWS_PER_COPY = 20_000
BOOKED_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLES = ["facts.raw_records", "facts.executions", "facts.cash_flows"]
PRIMARY_KEYS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
    format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
        pg_get_constraintdef(oid))
FROM pg_constraint WHERE contype = 'p' AND conrelid = ANY(%s::regclass[])
"""
INDEXES = """
SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index WHERE NOT indisprimary AND indrelid = ANY(%s::regclass[])
"""
MOVE_HEAD = "UPDATE ops.chain_heads SET chain_seq = %s, chain_hash = %s WHERE account_id = %s"


@dataclass(slots=True)
class Ledger:
    """A full ledger, and the account that goes on trading."""

    url: str
    account_id: int
    history: History
    proven_until: datetime = STARTS_AT

    def next_window(self) -> Window:
        """What is to be proven after the rows made since."""
        window = Window(self.proven_until, from_milliseconds(self.history.ms + 1))
        self.proven_until = window.ends_at
        return window


@dataclass(slots=True)
class Chain:
    """An account's chain while rows are made for it."""

    account_id: int
    seq: int
    hash: bytes
    booked: str = f"{BOOKED_AT:%Y-%m-%d %H:%M:%S}+00"

    def raw_line(self, row: Row, key: UUID) -> str:
        """The next raw record as a line of COPY."""
        codec, packed = pack(row.body)
        payload = raw_payload(STREAM, SCOPE, key, (BOOKED_AT, RUN), (codec, packed))
        self.seq += 1
        self.hash = link(self.hash, self.seq, b"r", payload)
        return (
            f"{self.account_id}\t{self.seq}\t{key.hex}\t{content_key(row.body).hex}\t{self.booked}"
            f"\t{RUN.hex}\t{STREAM}\t{SCOPE}\t{codec}\t\\\\x{packed.hex()}\t\\\\x{self.hash.hex()}\n"
        )

    def fill_line(self, row: Row, key: UUID) -> str:
        """The reading of the last raw record, a fill."""
        return (
            f"{self.account_id}\t0\tfirst\t{self.seq}\t{self.booked}\t{key.hex}\t{_time(row.ms)}"
            f"\t{row.seq}\t{SCOPE}\t{row.symbol}\tnet\t{row.execution_id}\t{row.order_id}"
            f"\t{row.link_id}\t{row.side_word}\t{row.price}\t{row.qty}\t{row.value}\t{row.closed}"
            f"\t{row.fee}\tUSDT\tf\tUSDT\tf\tTrade\tMarket\tCreateByUser\tUNKNOWN\t{row.price}\n"
        )

    def funding_line(self, row: Row, key: UUID) -> str:
        """The reading of the last raw record, a payment."""
        signed = row.qty if row.side > 0 else f"-{row.qty}"
        return (
            f"{self.account_id}\t0\tfirst\t{self.seq}\t{self.booked}\t{key.hex}\t{_time(row.ms)}"
            f"\tfunding\t{SCOPE}\t{row.symbol}\tnet\t{row.execution_id}\t{row.fee}\tUSDT\t{signed}"
            f"\t{row.price}\n"
        )


async def book_history(pool: Pool, url: str, executions: int) -> Ledger:
    """Fill an empty ledger with so many executions, proven but not laid."""
    account = await accounts.find_or_add(
        pool, name=ACCOUNT, venue="bybit", environment="paper", venue_user_id="1", now=BOOKED_AT
    )
    ledger = Ledger(url, account.account_id, History(Random(SEED)))
    _copy_all(ledger, ledger.history.rows(executions))
    window = ledger.next_window()
    await coverage.want(pool, account.account_id, STREAM, SCOPE, window)
    async with writing(pool, account.account_id, lease=None, now=BOOKED_AT) as open_writing:
        await add_window(open_writing, proof_of(window))
    return ledger


def proof_of(window: Window) -> Proof:
    """That a window was read to its end."""
    return Proof(
        stream=STREAM,
        scope=SCOPE,
        window=window,
        outcome="read",
        pages=1,
        row_count=0,
        read_at=BOOKED_AT + timedelta(seconds=1),
        run_id=RUN,
    )


def record_of(row: Row) -> RawRecord:
    """A row as the sync hands it to the ledger."""
    return RawRecord(key_of(row), row.body)


def key_of(row: Row) -> UUID:
    """The key of a row's record."""
    return execution_key(SCOPE, row.symbol, row.execution_id, row.order_id, row.side_word)


def _copy_all(ledger: Ledger, rows: Iterator[Row]) -> None:
    with psycopg.connect(ledger.url) as conn:
        found = conn.execute(
            "SELECT chain_seq, chain_hash FROM ops.chain_heads WHERE account_id = %s",
            (ledger.account_id,),
        ).fetchone()
        assert found is not None
        chain = Chain(ledger.account_id, found[0], bytes(found[1]))
        with _indexes_later(conn):
            _copy_in_parts(conn, chain, rows)


@contextmanager
def _indexes_later(conn: Connection) -> Iterator[None]:
    """Build indexes once, when the rows are there: in many parts it takes several times as long."""
    found = [
        row
        for query in (INDEXES, PRIMARY_KEYS)
        for row in conn.execute(query, (TABLES,)).fetchall()
    ]
    for drop, _ in found:
        conn.execute(drop.encode())
    conn.commit()
    yield
    for _, add in found:
        conn.execute(add.encode())
        conn.commit()


def _copy_in_parts(conn: Connection, chain: Chain, rows: Iterator[Row]) -> None:
    while part := list(islice(rows, ROWS_PER_COPY)):
        for name, lines in _lines(chain, part).items():
            with conn.cursor().copy(SQL[name]) as copy:
                copy.write("".join(lines))
        conn.execute(MOVE_HEAD, (chain.seq, chain.hash, chain.account_id))
        conn.commit()


def _lines(chain: Chain, rows: list[Row]) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {"copy_raw": [], "copy_executions": [], "copy_cash_flows": []}
    for row in rows:
        key = key_of(row)
        lines["copy_raw"].append(chain.raw_line(row, key))
        if row.is_funding:
            lines["copy_cash_flows"].append(chain.funding_line(row, key))
        else:
            lines["copy_executions"].append(chain.fill_line(row, key))
    return lines


def _time(ms: int) -> str:
    return from_milliseconds(ms).isoformat()

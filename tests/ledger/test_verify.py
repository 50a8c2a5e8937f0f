"""Verify names what was changed by hand; rebuilding heals figures and never facts."""

# ruff: noqa: S608, ISC004 - these statements are put together from this file's own words

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from fillbook.ledger._pool import Pool, open_pool
from fillbook.ledger.chain import link, raw_payload
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.packing import pack
from fillbook.ledger.rebuild import rebuild
from fillbook.ledger.verify import Verified, verify
from fillbook.venues.bybit.parse import parse_record
from tests.conftest import _databases
from tests.ledger.handed_in import paper_rows
from tests.sync.book import END, opened, paper, whole

SETTINGS = paper(days=4, executions=150, seed=11)

Conn = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A verified book that tests may spoil, and a way to make it whole again."""

    runner: asyncio.Runner
    pool: Pool
    url: str
    account_id: int
    hash: str

    def spoil(self, statement: str) -> None:
        """Change something by hand; it must change a row."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            changed = conn.execute(statement.encode()).rowcount
        assert changed > 0, statement

    def restore(self, *tables: str) -> None:
        """Put tables back as they were."""
        with psycopg.connect(self.url) as conn:
            for table in tables:
                schema, _, name = table.partition(".")
                what, kept = (
                    sql.Identifier(schema, name),
                    sql.Identifier("kept", f"{schema}_{name}"),
                )
                conn.execute(sql.SQL("DELETE FROM {}").format(what))
                conn.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(what, kept))

    def verify(self) -> Verified:
        """Verify the account."""
        return self.runner.run(verify(self.pool, self.account_id, parse_record))

    def rebuilt(self) -> str:
        """Rebuild, and say the hash afterwards."""

        async def work() -> str:
            await rebuild(self.pool, self.account_id, now=END)
            return await ledger_hash(self.pool, self.account_id)

        return self.runner.run(work())


TABLES = (
    "facts.geneses", "facts.raw_records", "facts.executions", "facts.cash_flows",
    "facts.quarantined", "facts.windows", "facts.contract_terms", "ops.chain_heads",
    "facts.statements",
    "derived.coverage", "derived.books", "derived.stretches", "derived.lines",
    "derived.lot_matches", "derived.funding_shares", "derived.completed_trades", "derived.alarms",
    "derived.laid", "derived.round_trips", "derived.unattached",
)  # fmt: skip
FACT_TABLES = TABLES[:9]


@pytest.fixture(scope="module")
def kept(server_url: str, template: str) -> Iterator[Kept]:
    """A book of a small history, made once."""
    with _databases(server_url) as make, asyncio.Runner() as runner:
        url = make(template)
        account_id, hashed = runner.run(_fill(url))
        with psycopg.connect(url, autocommit=True) as conn:
            _keep(conn)
        opening = open_pool(url, max_size=1)
        pool = runner.run(opening.__aenter__())
        yield Kept(runner, pool, url, account_id, hashed)
        runner.run(opening.__aexit__(None, None, None))


async def _fill(url: str) -> tuple[int, str]:
    async with opened(url, SETTINGS) as book:
        assert (await book.backfill(whole(SETTINGS))).complete
        return book.account_id, await book.hash()


def _keep(conn: Conn) -> None:
    conn.execute("CREATE SCHEMA kept")
    for table in TABLES:
        schema, _, name = table.partition(".")
        conn.execute(
            sql.SQL("CREATE TABLE {} AS SELECT * FROM {}").format(
                sql.Identifier("kept", f"{schema}_{name}"), sql.Identifier(schema, name)
            )
        )


def test_a_fresh_book_is_whole(kept: Kept) -> None:
    """Nothing differs before anything was changed."""
    verified = kept.verify()

    assert verified.ok
    assert verified.executions > 120
    assert verified.raw_records > verified.executions
    assert verified.legs > 3


def _where(table: str, order: str) -> str:
    return f"WHERE ctid = (SELECT ctid FROM {table} ORDER BY {order} LIMIT 1 OFFSET 3)"


def _one(table: str, order: str, change: str) -> tuple[str, str]:
    return table, f"UPDATE {table} SET {change} {_where(table, order)}"


_LINE = "book_id, side, unit_end"
_MATCH = "book_id, unit_start"
FIGURES = [
    *[_one("derived.lines", _LINE, f"{column} = {column} + 0.001")
      for column in ("unit_start", "unit_end", "share_start", "execution_qty", "price", "fee")],
    _one("derived.lines", _LINE, "rank = rank + 1"),
    _one("derived.lines", _LINE, "executed_at = executed_at + interval '1 ms'"),
    _one("derived.lines", _LINE, "reason = 'admin'"),
    *[_one("derived.lot_matches", _MATCH, f"{column} = {column} + 0.001")
      for column in ("unit_start", "unit_end", "entry_price", "exit_price", "gross", "entry_fee",
                     "exit_fee", "funding")],
    _one("derived.lines", _LINE, "owner_evidence = owner_evidence || 'x'"),
    _one("derived.lines", _LINE, "tag_unread = NOT tag_unread"),
    _one("derived.lines", _LINE, "value = 1"),
    _one("derived.lot_matches", _MATCH, "exit_reason = 'admin'"),
    _one("derived.lot_matches", _MATCH, "entry_value = 1"),
    _one("derived.lot_matches", _MATCH, "realized = realized + 1"),
    _one("derived.lot_matches", _MATCH, "unvalued = unvalued + 1"),
    *[_one("derived.round_trips", _MATCH, f"{column} = {column} + 1")
      for column in ("unit_end", "matches", "entry_value", "exit_value", "gross", "fee", "funding",
                     "net")],
    _one("derived.round_trips", _MATCH, "direction = -direction"),
    _one("derived.round_trips", _MATCH, "opened_at = opened_at - interval '1 s'"),
    ("derived.unattached", "INSERT INTO derived.unattached SELECT s.account_id, s.category, "
     "s.symbol, s.leg, s.started_at, s.started_at, 'fee', gen_random_uuid(), 'USDT', 1 "
     "FROM derived.stretches s LIMIT 1"),
    _one("derived.books", "book_id", "kind = 'inverse'"),
    _one("derived.books", "book_id", "multiplier = 2"),
    *[_one("derived.completed_trades", "trade_id", f"{column} = {column} + 1")
      for column in ("entry_price", "exit_price", "qty", "gross", "fee", "net", "net_pct",
                     "funding", "id", "entry_fee", "exit_fee")],
    _one("derived.completed_trades", "trade_id", "bot_id = 'nobody'"),
    _one("derived.completed_trades", "trade_id", "exit_time = exit_time - interval '1 s'"),
    *[_one("derived.funding_shares", "book_id, cash_key", f"{column} = {column} + 0.001")
      for column in ("amount", "unit_start", "unit_end")],
    _one("derived.stretches", "symbol", "opening_high = coalesce(opening_high, 0) + 1"),
    _one("derived.stretches", "symbol", "opening_evidence = 'unknown'"),
    _one("derived.books", "book_id", "owner = owner || 'x'"),
    ("derived.coverage", "UPDATE derived.coverage SET read = "
     "read - tstzmultirange(tstzrange('2026-02-26', '2026-02-27'))"),
    ("derived.coverage", "UPDATE derived.coverage SET settled = '{}'"),
    ("derived.coverage", "UPDATE derived.coverage SET unavailable = '{[2020-01-01, 2020-01-02)}'"),
    ("derived.coverage", "UPDATE derived.coverage SET live = '{[2020-01-01, 2020-01-02)}'"),
    ("derived.laid", "UPDATE derived.laid SET through_seq = through_seq - 1"),
    ("derived.coverage", "DELETE FROM derived.coverage"),
    *[(table, f"DELETE FROM {table} {_where(table, order)}")
      for table, order in (
          ("derived.lines", _LINE), ("derived.lot_matches", _MATCH),
          ("derived.completed_trades", "trade_id"), ("derived.stretches", "symbol"),
          ("derived.funding_shares", "book_id, cash_key"), ("derived.books", "book_id"),
          ("derived.round_trips", _MATCH))],
    ("derived.lines", "INSERT INTO derived.lines SELECT account_id, book_id, stretch, side, "
     "unit_end + 1000, unit_end + 1001, executed_at, rank, execution_key, order_key, share_start, "
     "execution_qty, price, fee, reason, evidence FROM derived.lines LIMIT 1"),
    ("derived.lines", "INSERT INTO derived.lines SELECT account_id, 42, stretch, side, "
     "unit_start, unit_end, executed_at, rank, execution_key, order_key, share_start, "
     "execution_qty, price, fee, reason, evidence FROM derived.lines LIMIT 1"),
    ("derived.alarms", "INSERT INTO derived.alarms SELECT s.account_id, s.category, s.symbol, "
     "s.leg, s.started_at, s.started_at, 0, 'chain_break', gen_random_uuid() "
     "FROM derived.stretches s LIMIT 1"),
    ("derived.stretches", "INSERT INTO derived.stretches SELECT account_id, category, symbol, leg, "
     "started_at + interval '1 day', opening_qty, opening_evidence, opening_low, opening_high, "
     "opening_fixed_at FROM derived.stretches LIMIT 1"),
    ("derived.books", "INSERT INTO derived.books SELECT account_id, 42, category, symbol, leg, "
     "'ghost', currency FROM derived.books LIMIT 1"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "statement"), FIGURES, ids=range(len(FIGURES)))
def test_a_changed_figure_is_named(kept: Kept, table: str, statement: str) -> None:
    """One number changed, one row deleted or added in `derived`: verify names the table."""
    try:
        kept.spoil(statement)
        named = {finding.where for finding in kept.verify().findings}
    finally:
        kept.restore(table)

    assert table in named


def test_a_flipped_bit_of_padding_is_named(kept: Kept) -> None:
    """The last packed byte may end in bits that carry nothing; they must be zero all the same."""
    flip = "set_byte(body, length(body) - 1, get_byte(body, length(body) - 1) # 128)"
    try:
        kept.spoil(f"UPDATE facts.raw_records SET body = {flip} WHERE chain_seq <= 15")
        found = [str(finding) for finding in kept.verify().findings]
    finally:
        kept.restore("facts.raw_records")

    assert all(any(f"record {seq}:" in text or f"record {seq} " in text for text in found)
               for seq in range(1, 16))  # fmt: skip


def test_every_bit_that_is_stored_is_committed_to() -> None:
    """Whichever bit of a packed row is flipped, also one that nothing reads, its link changes."""
    row = paper_rows(executions=60, days=2, seed=1)[0]
    codec, packed = pack(row.record.body)
    received = (datetime(2026, 11, 20, tzinfo=UTC), UUID(int=7))

    def linked(stored: bytes) -> bytes:
        payload = raw_payload(
            "executions", "linear", row.record.record_key, received, (codec, stored)
        )
        return link(b"\0" * 32, 1, b"r", payload)

    spoilt = {
        linked(bytes(byte ^ (1 << bit) if at == place else byte for at, byte in enumerate(packed)))
        for place in range(len(packed))
        for bit in range(8)
    }

    assert len(spoilt) == len(packed) * 8
    assert linked(packed) not in spoilt


def test_rebuilding_heals_figures(kept: Kept) -> None:
    """Every change above at once, as far as they can stand together: rebuilding takes them back."""
    for _, statement in FIGURES[::2]:
        with suppress(psycopg.errors.UniqueViolation, AssertionError):
            kept.spoil(statement)

    assert not kept.verify().ok
    assert kept.rebuilt() == kept.hash
    assert kept.verify().ok


_MIDDLE = "(SELECT max(chain_seq) / 2 FROM facts.raw_records)"
_FIRST = "(SELECT min(chain_seq) FROM facts.raw_records)"
_LAST = "(SELECT max(chain_seq) FROM facts.raw_records)"
_FLIP = "set_byte(body, {0}, get_byte(body, {0}) # 255)"
_STATED = _where("facts.statements", "chain_seq")
FACTS = [
    *[("facts.raw_records", f"UPDATE facts.raw_records SET body = {_FLIP.format(place)} "
       f"WHERE chain_seq = {_MIDDLE}") for place in ("0", "40", "length(body) - 1")],
    *[("facts.raw_records", f"UPDATE facts.raw_records SET {change} WHERE chain_seq = {_MIDDLE}")
      for change in ("codec = 0", "codec = 7", "received_at = received_at + interval '1 us'",
                     "stream = 'orders'", "scope = 'inverse'", "run_id = gen_random_uuid()",
                     "record_key = gen_random_uuid()", "content_key = gen_random_uuid()",
                     "chain_hash = sha256('x')")],
    *[("facts.raw_records", f"DELETE FROM facts.raw_records WHERE chain_seq = {seq}")
      for seq in (_FIRST, _MIDDLE, _LAST)],
    ("ops.chain_heads", "WITH gone AS (DELETE FROM facts.windows RETURNING 1) "
     "UPDATE ops.chain_heads SET chain_seq = chain_seq"),
    ("facts.raw_records", "UPDATE facts.raw_records a SET body = b.body, codec = b.codec "
     "FROM facts.raw_records b WHERE (a.chain_seq, b.chain_seq) IN ((5, 6), (6, 5))"),
    _one("facts.executions", "chain_seq", "price = price + 0.01"),
    _one("facts.executions", "chain_seq", "fee = NULL"),
    _one("facts.executions", "chain_seq", "client_order_id = 'f1-other-en-00000000aa'"),
    _one("facts.executions", "chain_seq", "booked_at = booked_at + interval '1 s'"),
    _one("facts.executions", "chain_seq", "revision = 1, revision_reason = 'revision'"),
    _one("facts.cash_flows", "chain_seq", "amount = -amount"),
    _one("facts.cash_flows", "chain_seq", "occurred_at = occurred_at + interval '1 ms'"),
    *[(table, f"DELETE FROM {table} {_where(table, 'chain_seq')}")
      for table in ("facts.executions", "facts.cash_flows")],
    ("facts.executions", "INSERT INTO facts.executions SELECT account_id, gen_random_uuid(), 0, "
     "'first', 1000000, executed_at, booked_at, venue_seq, category, symbol, leg, 'invented', "
     "order_id, client_order_id, side, price, qty, value, closed_qty, fee, fee_currency, "
     "fee_inferred, currency, is_maker, exec_type, order_type, create_type, stop_type, mark_price "
     "FROM facts.executions LIMIT 1"),
    ("facts.quarantined", "INSERT INTO facts.quarantined SELECT account_id, chain_seq, 'no', "
     "received_at FROM facts.raw_records LIMIT 1"),
    *[("facts.windows", f"UPDATE facts.windows SET {change}")
      for change in ("ends_at = ends_at + interval '1 hour'", "outcome = 'read'",
                     "row_count = row_count + 1", "pages = 0", "reason = 'because'",
                     "starts_at = starts_at - interval '1 us'")],
    *[("facts.statements", f"UPDATE facts.statements SET {change} {_STATED}")
      for change in ("body = replace(body, 'linear', 'inverse')", "kind = 'price'",
                     "stated_by = 'somebody'", "reason = 'because'", "target = gen_random_uuid()",
                     "stated_at = stated_at + interval '1 us'", "chain_hash = sha256('x')")],
    ("facts.raw_records", f"DELETE FROM facts.statements {_STATED}"),
    ("facts.geneses", "UPDATE facts.geneses SET reason = 'account found'"),
    ("facts.geneses", "DELETE FROM facts.geneses"),
    ("facts.contract_terms", "UPDATE facts.contract_terms SET multiplier = 10 "
     "WHERE symbol = 'ETHUSDT'"),
    ("ops.chain_heads", "UPDATE ops.chain_heads SET chain_seq = chain_seq - 1"),
    ("ops.chain_heads", "UPDATE ops.chain_heads SET chain_hash = sha256('x')"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "statement"), FACTS, ids=range(len(FACTS)))
def test_a_changed_fact_is_named(kept: Kept, table: str, statement: str) -> None:
    """One fact changed, deleted or added: verify names the table."""
    try:
        kept.spoil(statement)
        named = {finding.where for finding in kept.verify().findings}
    finally:
        kept.restore(*FACT_TABLES)

    assert table in named


@pytest.mark.parametrize("place", [0, len(FACTS) // 2, -3])
def test_rebuilding_heals_no_fact(kept: Kept, place: int) -> None:
    """A changed fact is named after rebuilding as well; only the fact itself can be put right."""
    table, statement = FACTS[place]
    try:
        kept.spoil(statement)
        kept.rebuilt()
        named = {finding.where for finding in kept.verify().findings}
    finally:
        kept.restore(*FACT_TABLES)

    assert table in named
    assert kept.rebuilt() == kept.hash
    assert kept.verify().ok

"""The doors that sync and fetch: what a script gets, and that asking twice adds nothing."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from fillbook import (
    TradeSyncService,
    fetch_trades_with_pagination,
    sync_exchange_with_pagination,
)
from fillbook.domain.window import from_milliseconds
from fillbook.errors import NotFound, Unproven, UsageError, VenueKeyError, VenueNotOffered
from fillbook.ledger import leases
from fillbook.ledger._pool import open_pool
from fillbook.ledger.key_checks import known_accounts
from fillbook.ledger.timings import KEPT_OF_A_RUN_MAX
from fillbook.sync.turn import TURN
from fillbook.wiring.keys import Paused, set_paused
from papervenues.bybit.server import wall_clock_ms
from papervenues.bybit.settings import DAY_MS, Settings
from tests.doors.conftest import told_by_environment

SYNC_STATUS = """
SELECT sync_type, status, bot_id, trades_synced, duration_seconds, error_message
FROM trading.sync_status ORDER BY sync_started_at
"""


def whole(paper: Settings) -> tuple[datetime, datetime]:
    """The interval of the paper exchange's history."""
    return from_milliseconds(paper.start_ms), from_milliseconds(paper.end_ms)


async def test_a_range_is_synced_and_a_second_time_adds_nothing(paper: Settings) -> None:
    """The first sync books every fill; the second proves the same and books none."""
    start, end = whole(paper)

    first = await TradeSyncService().sync_time_range(None, start, end, "backfill")
    again = await TradeSyncService().sync_time_range(None, start, end, "manual")

    assert (first.status, first.accounts, first.error_message) == ("completed", 1, None)
    assert first.executions_new > 0
    assert first.trades_total > 0
    assert first.trades_synced >= first.trades_total
    assert (again.status, again.executions_new, again.rows_new) == ("completed", 0, 0)
    assert again.trades_total == first.trades_total


async def test_a_bot_narrows_what_is_returned_and_not_what_is_booked(paper: Settings) -> None:
    """One bot's sync books everybody's fills; its trades are its part of all trades."""
    start, end = whole(paper)
    service = TradeSyncService()

    nobody = await service.sync_time_range("nobody_001", start, end, "manual")
    everyone = await service.sync_time_range(None, start, end, "manual")
    bot = everyone.trades[0].bot_id
    one = await service.sync_time_range(bot, start, end, "manual")

    assert (nobody.trades, nobody.success) == ((), True)
    assert "There is no such bot" in "; ".join(nobody.said)
    assert everyone.executions_new == 0
    assert len({trade.bot_id for trade in everyone.trades}) > 1
    assert one.trades == tuple(trade for trade in everyone.trades if trade.bot_id == bot)
    assert one.trades_total == len(one.trades)


async def test_times_without_a_zone_are_utc(paper: Settings) -> None:
    """A naive range is the same range."""
    start, end = whole(paper)

    said = await TradeSyncService().sync_time_range(
        None, start.replace(tzinfo=None), end.replace(tzinfo=None), "manual"
    )

    assert (said.start, said.end) == (start, end)


@pytest.mark.usefixtures("paper")
async def test_nonsense_is_refused_before_anything_is_asked() -> None:
    """An empty range, a kind of sync that is none, an account or an exchange that is not there."""
    now = datetime.now(UTC)
    service = TradeSyncService()

    with pytest.raises(UsageError, match="range is empty"):
        await service.sync_time_range(None, now, now, "manual")
    with pytest.raises(UsageError, match="backfill, hourly, manual"):
        await service.sync_time_range(None, now - timedelta(days=1), now, "weekly")
    with pytest.raises(NotFound, match="no account named other"):
        await TradeSyncService("other").sync_time_range(None, now - timedelta(days=1), now)
    with pytest.raises(NotFound, match="kraken"):
        await sync_exchange_with_pagination("kraken")


async def test_fetching_tells_every_fill_and_books_none(paper: Settings, database_url: str) -> None:
    """The venue's fills oldest first, each once; milliseconds and ISO text are times too."""
    start, end = whole(paper)

    found = await fetch_trades_with_pagination("bybit", None, paper.start_ms, end.isoformat())

    with psycopg.connect(database_url) as conn:
        booked = conn.execute("SELECT count(*) FROM facts.executions").fetchone()
    assert booked == (0,)
    times = [one.execution.executed_at for one in found]
    assert times == sorted(times)
    assert start <= times[0]
    assert times[-1] < end
    said = await sync_exchange_with_pagination("bybit", None, start, end)
    assert said.executions_new == len(found) == len({one.execution for one in found})


async def test_a_symbol_narrows_what_is_returned(paper: Settings) -> None:
    """However the symbol is written."""
    start, end = whole(paper)
    every = await fetch_trades_with_pagination(since=start, until=end)
    symbol = every[0].execution.symbol
    spoken = f"{symbol.removesuffix('USDT').lower()}/usdt:usdt"

    some = await fetch_trades_with_pagination("bybit", spoken, start, end)

    assert some == [one for one in every if one.execution.symbol == symbol]
    assert 0 < len(some) < len(every)


async def test_each_line_of_a_run_says_whose_it_is(paper: Settings, home: Path) -> None:
    """A run has a file of its own: its id and account in each line, durations, and a sum."""
    start, end = whole(paper)

    await TradeSyncService().sync_time_range(None, start, end, "manual")

    folder = home / "book" / "logs"
    assert "sync summary" in (folder / "exchange_sync.log").read_text(encoding="utf-8")
    (file,) = (folder / "trade_sync").iterdir()
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {(line["account"], len(line["run"])) for line in lines} == {("bybit", 36)}
    assert {line["run"] for line in lines} == {lines[0]["run"]}
    read = [line for line in lines if line["event"] in ("window proven", "stream read")]
    assert len(read) > 4
    assert all(line["stream"] and line["scope"] and line["ms"] >= 0 for line in read)
    assert all(line["window"] for line in lines if line["event"] == "window proven")
    assert (lines[0]["event"], lines[-1]["event"]) == ("sync started", "sync ended")
    numbers = ("requests", "pages", "rows", "rows_new", "ms", "fetch_ms", "book_ms", "prove_ms")
    assert all(lines[-1][name] > 0 for name in numbers), lines[-1]
    assert lines[-1]["slowest"].endswith(" ms")


async def test_each_type_of_sync_is_a_row(paper: Settings, database_url: str) -> None:
    """By its name, for all bots, with its duration, and what it brought."""
    start, end = whole(paper)

    for kind in ("backfill", "hourly", "manual"):
        await TradeSyncService().sync_time_range("shortseller_001", start, end, kind)

    with psycopg.connect(database_url) as conn:
        rows = conn.execute(SYNC_STATUS).fetchall()
        slowest = conn.execute("SELECT count(*), min(milliseconds) FROM ops.window_timings")
        counted = slowest.fetchone()
    assert [row[:3] for row in rows] == [
        ("backfill", "completed", None), ("hourly", "completed", None),
        ("manual", "completed", None),
    ]  # fmt: skip
    assert rows[0][3] > 0
    assert rows[2][3] == 0
    assert all(seconds > 0 and error is None for *_, seconds, error in rows)
    assert counted is not None
    assert 0 < counted[0] <= 3 * KEPT_OF_A_RUN_MAX


async def test_another_worker_is_waited_for(paper: Settings, database_url: str) -> None:
    """While a service reads the account, a sync that is asked for waits for its turn."""
    start, end = whole(paper)
    service = TradeSyncService()
    first = await service.sync_time_range(None, start, end, "manual")
    async with open_pool(database_url) as pool:
        held = await leases.acquire(pool, 1, TURN, now=datetime.now(UTC))
        waiting = asyncio.create_task(service.sync_time_range(None, start, end, "manual"))
        done, _ = await asyncio.wait([waiting], timeout=1)
        assert done == set()
        await leases.give_back(pool, held, now=datetime.now(UTC))

    assert (await waiting).trades_total == first.trades_total


async def test_a_bad_account_does_not_stop_the_others(
    paper: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named in what is said; the others are whole; alone, its error is raised."""
    start, end = whole(paper)
    for part in ("VENUE", "KEY", "SECRET"):
        monkeypatch.setenv(f"FILLBOOK_ACCOUNT_SPARE_{part}", "bybit" if part == "VENUE" else "bad")
    monkeypatch.setenv("FILLBOOK_ACCOUNT_SPARE_BASE_URL", os.environ["BYBIT_BASE_URL"])

    said = await TradeSyncService().sync_time_range(None, start, end, "manual")

    assert (said.status, said.accounts) == ("partial", 1)
    assert said.executions_new > 0
    assert any(sentence.startswith("spare:") for sentence in said.said)
    with pytest.raises(VenueKeyError):
        await TradeSyncService("spare").sync_time_range(None, start, end, "manual")


async def pause(url: str) -> None:
    """Pause the account `bybit`, as its owner would."""
    async with open_pool(url) as pool:
        (known,) = [one for one in await known_accounts(pool) if one.account.name == "bybit"]
        await set_paused(pool, known, paused=True, actor="test", now=datetime.now(UTC))


async def test_a_paused_account_is_no_success(paper: Settings, database_url: str) -> None:
    """Nothing was proven: a sync says why, and a fetch is an error, not an empty list."""
    start, end = whole(paper)
    await TradeSyncService().sync_time_range(None, start, end, "manual")
    await pause(database_url)

    for service in (TradeSyncService(), TradeSyncService("bybit")):
        said = await service.sync_time_range(None, start, end, "manual")
        assert (said.status, said.success, said.accounts) == ("partial", False, 0)
        assert "bybit is paused and was skipped" in (said.error_message or "")
    with pytest.raises(Paused, match="accounts resume bybit"):
        await fetch_trades_with_pagination("bybit", None, start, end)


async def test_a_paused_account_beside_others_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, database_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The others are whole; that one was left out is in the summary, and in a fetch's record."""
    async with told_by_environment(monkeypatch, accounts=2) as paper:
        start, end = whole(paper)
        both = await TradeSyncService().sync_time_range(None, start, end, "manual")
        await pause(database_url)

        said = await sync_exchange_with_pagination("bybit", None, start, end)
        found = await fetch_trades_with_pagination("bybit", None, start, end)

    assert (both.accounts, said.accounts, said.success) == (2, 1, True)
    assert any("bybit is paused" in sentence for sentence in said.said)
    assert {one.account for one in found} == {"spare"}
    assert "left_out=bybit is paused" in capsys.readouterr().err


async def test_a_row_that_cannot_be_read_is_no_whole_list(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error that says what the row has; a sync would keep it in quarantine."""
    async with told_by_environment(monkeypatch, "exec_type_new=1") as paper:
        with pytest.raises(Unproven, match=r"executions linear that cannot be read .*Rebalance"):
            await fetch_trades_with_pagination("bybit", None, *whole(paper))


async def test_a_product_that_goes_away_in_mid_walk_is_no_whole_list(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offered in one window and not in the next is an error; never offered tells nothing."""
    at = wall_clock_ms()
    late = f"mode_changed=1@execution/list@{at - DAY_MS}..{at}"
    async with told_by_environment(monkeypatch, late, days=20) as paper:
        with pytest.raises(VenueNotOffered):
            await fetch_trades_with_pagination("bybit", None, *whole(paper))
    async with told_by_environment(monkeypatch, "mode_changed=1@execution/list") as paper:
        assert await fetch_trades_with_pagination("bybit", None, *whole(paper)) == []

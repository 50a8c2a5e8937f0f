"""Three months, three bots, one account: the sync that people write first, beside ours (P6).

Run: `python -m benchmarks.note [EXECUTIONS ...]`. The way that is measured beside ours reads the
whole account once for each bot, in windows of a day, pages of 100, with a rest of 120 ms after each
answer; its hourly sync reads the last two hours for each bot. Both read one history, from a venue
without a limit, each in a process of its own. Ours also books, proves and lays what it reads; the
other writes nothing. `every stream` is a whole pass of ours: orders, executions, account log,
closed PnL, transfers, deposits and withdrawals. Our hourly sync is made an hour of history after
the backfill. Every book is verified, and what each way found is compared with the venue's own
books, before a figure is printed.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from benchmarks import one_pass
from benchmarks.note_way import BOTS, HOUR_MS
from benchmarks.one_pass import executions_alone
from benchmarks.stage import Paper, booked_ids, paper, server, types_by_id
from benchmarks.tabled import report_rows

# A bot that trades seldom, and one that makes five trades an hour, over three months.
EXECUTIONS = (3_000, 30_000)
DAYS = 90
NOTE_SECONDS_MAX = 3_600
NOTE, OURS, WHOLE = "bot by bot, day by day", "Fillbook, executions", "Fillbook, every stream"


def main(sizes: Sequence[int]) -> None:
    """Measure and report, one table for each size."""
    for executions in sizes:
        with paper(executions, days=DAYS) as venue:
            truth = set(types_by_id(venue))
            note = _note(venue)
            assert set(note["backfill"]["ids"]) == truth, "the plain walk missed something"
            rows = [_row(NOTE, note)]
            with server() as ledgers:
                rows.append(_row(OURS, _ours(ledgers.new_ledger(), venue, truth, narrowed=True)))
                rows.append(_row(WHOLE, _ours(ledgers.new_ledger(), venue, truth, narrowed=False)))
        report_rows(
            f"three months, {len(BOTS)} bots",
            rows,
            {
                "executions": len(truth),
                "rows_received_bot_by_bot": note["backfill"]["rows_received"],
                "executions_with_a_bots_name": note["backfill"]["attributed"],
            }
            | _ratios(rows),
        )


def _note(venue: Paper) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.note_way"],
        input=json.dumps(asdict(venue)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=NOTE_SECONDS_MAX,
    )
    came_to: dict[str, Any] = json.loads(done.stdout)
    return came_to


def _ours(url: str, venue: Paper, truth: set[str], *, narrowed: bool) -> dict[str, Any]:
    job = executions_alone(url, venue)
    job = job if narrowed else replace(job, streams=None, categories=None)
    an_hour_before = venue.end_ms - HOUR_MS
    backfill = one_pass.run(replace(job, until_ms=an_hour_before, now_ms=an_hour_before))
    at_the_end = venue.end_ms + 1
    hourly = one_pass.run(replace(job, kind="hourly", until_ms=at_the_end, now_ms=at_the_end))
    assert booked_ids(url) == truth, "the book is not what happened"
    asyncio.run(one_pass.check(url))
    peak = max(backfill.peak_mib, hourly.peak_mib)
    return {"backfill": asdict(backfill), "hourly": asdict(hourly), "peak_mib": peak}


def _row(way: str, said: dict[str, Any]) -> dict[str, object]:
    return {
        "way": way,
        "requests": said["backfill"]["requests"],
        "seconds": round(said["backfill"]["seconds"], 2),
        "hourly_requests": said["hourly"]["requests"],
        "hourly_seconds": round(said["hourly"]["seconds"], 2),
        "peak_mib": said["peak_mib"],
    }


def _ratios(rows: Sequence[dict[str, Any]]) -> dict[str, object]:
    note, ours, whole = rows
    return {
        "requests_of_ours_to_one": f"{note['requests'] / ours['requests']:.1f}",
        "seconds_of_ours_to_one": f"{note['seconds'] / ours['seconds']:.1f}",
        "requests_of_every_stream_to_one": f"{note['requests'] / whole['requests']:.1f}",
        "seconds_of_every_stream_to_one": f"{note['seconds'] / whole['seconds']:.1f}",
    }


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or EXECUTIONS)

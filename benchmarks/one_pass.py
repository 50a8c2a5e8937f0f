"""One pass of the sync over a paper account, in a process whose memory is its own.

The job comes on standard input as JSON. On standard output: a line whenever a window is booked,
then one with what the pass came to. `run` starts it and waits.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from benchmarks.own_memory import peak_mib
from benchmarks.stage import Paper
from fillbook import wiring
from fillbook.domain.window import Window, from_milliseconds
from fillbook.ledger import accounts
from fillbook.ledger._pool import open_pool
from fillbook.ledger.runs import RunKind
from fillbook.ledger.verify import verify
from fillbook.sync.engine import Engine, Step
from fillbook.venues.bybit import connect
from fillbook.wiring import logs

Watch = Callable[["subprocess.Popen[str]", int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to read from where, and into which ledger. No streams, no categories: all of them.

    `now_ms` sets the ledger's clock, so that an hour can go by; the venue keeps its own.
    """

    database_url: str
    venue: Paper
    until_ms: int
    streams: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    kind: RunKind = "backfill"
    now_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CameTo:
    """What a pass came to."""

    executions: int
    rows_new: int
    requests: int
    seconds: float
    peak_mib: int


def executions_alone(database_url: str, venue: Paper) -> Job:
    """A backfill of one stream, to be set beside programs that read nothing else."""
    return Job(
        database_url=database_url,
        venue=venue,
        until_ms=venue.end_ms + 1,
        streams=("executions",),
        categories=("linear",),
    )


def run(job: Job, *, watch: Watch = lambda _process, _executions: None) -> CameTo:
    """Make the pass; `watch` hears how many executions are booked, from 0 on."""
    command = [sys.executable, "-m", "benchmarks.one_pass"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asdict(job)))
            process.stdin.close()
            said: dict[str, Any] = {}
            for line in process.stdout:
                said = json.loads(line)
                if "requests" not in said:
                    watch(process, said["executions"])
        finally:
            if process.poll() is None:
                process.terminate()
    assert process.returncode == 0, "the pass failed; its own words are above"
    return CameTo(**said)


async def check(database_url: str) -> None:
    """Recompute everything that the ledger holds, and find nothing wrong."""
    async with open_pool(database_url) as pool:
        for account in await accounts.all_accounts(pool):
            verified = await verify(pool, account.account_id, wiring.parser_of(account))
            assert verified.ok, verified.findings


async def _pass(job: Job) -> CameTo:
    venue = connect(
        key=job.venue.key,
        secret=job.venue.secret,
        clock=wiring.now,
        base_url=job.venue.url,
        streams=job.streams,
        categories=job.categories,
    )
    async with open_pool(job.database_url) as pool:
        key = await venue.key_facts()
        account = await accounts.find_or_add(
            pool,
            name="bench",
            venue="bybit",
            environment="paper",
            venue_user_id=key.venue_user_id,
            now=wiring.now(),
        )
        clock = wiring.now if job.now_ms is None else partial(from_milliseconds, job.now_ms)
        engine = Engine(pool, venue, account, clock, progress=_say)
        window = Window(from_milliseconds(job.venue.start_ms), from_milliseconds(job.until_ms))
        asked_before, started = venue.requests, wiring.now()
        passed = await engine.sync(job.kind, window)
        seconds = (wiring.now() - started).total_seconds()
        await venue.close()
    assert passed.complete, passed.failures
    return CameTo(
        executions=passed.run.booked.executions_new,
        rows_new=passed.run.booked.rows_new,
        requests=venue.requests - asked_before,
        seconds=round(seconds, 3),
        peak_mib=peak_mib(),
    )


def _say(step: Step) -> None:
    print(json.dumps({"executions": step.executions_new}), flush=True)


def _job(text: str) -> Job:
    given = json.loads(text)
    return Job(**given | {"venue": Paper(**given["venue"])})


def main() -> None:
    """Read the job, make the pass, say what it came to."""
    logs.log_to_console()
    job = _job(sys.stdin.read())
    print(json.dumps({"executions": 0}), flush=True)
    print(json.dumps(asdict(asyncio.run(_pass(job)))), flush=True)


if __name__ == "__main__":
    main()

"""Backfill from a venue that limits requests, beside the time that the limit itself asks for (P4).

Run: `python -m benchmarks.limited [EXECUTIONS] [RATE ...]`. The same history is served without a
limit and with each rate, for each endpoint. The bound is requests needed times the limit's spacing;
how many are needed is counted by a plain client that walks the same history in the longest windows
and the largest pages. A pass over the executions alone has one endpoint; a whole pass has eight,
each with a limit of its own, and asks them side by side: beside the bound of all requests one
after the other stands that of the busiest endpoint, which no pass can go below. Every book is
verified, and compared with the venue's own, before a figure is printed.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace

import aiohttp

from benchmarks import one_pass
from benchmarks.one_pass import CameTo, executions_alone
from benchmarks.plain_client import EXECUTIONS as EXECUTION_LIST
from benchmarks.plain_client import HISTORIES, Endpoint, PlainClient
from benchmarks.stage import Paper, Server, booked_ids, paper, server, types_by_id
from benchmarks.tabled import report_rows

EXECUTIONS = 20_000
DAYS = 90
RATES = (10, 50)
NO_LIMIT = 0
PASSES = {"executions": (EXECUTION_LIST,), "every stream": HISTORIES}


def main(executions: int, rates: Sequence[int]) -> None:
    """Measure and report."""
    with paper(executions, days=DAYS) as venue:
        needed = {name: asyncio.run(_needed(venue, of)) for name, of in PASSES.items()}
        truth = set(types_by_id(venue))
    rows: list[dict[str, object]] = []
    with server() as ledgers:
        for rate in (NO_LIMIT, *rates):
            with paper(executions, days=DAYS, rate=rate) as venue:
                for name in PASSES:
                    came_to = _checked(ledgers, venue, truth, name)
                    rows.append(_row(name, rate, came_to, needed[name]))
    report_rows("backfill under a limit", rows, {"executions": len(truth), "days": DAYS})


async def _needed(venue: Paper, endpoints: Sequence[Endpoint]) -> dict[str, int]:
    async with aiohttp.ClientSession() as session:
        client = PlainClient(session, venue.url, venue.key, venue.secret)
        for endpoint in endpoints:
            pages = client.walk(endpoint, venue.start_ms, venue.end_ms, days=endpoint.days_max)
            async for _ in pages:
                pass
        return client.requests_of


def _checked(ledgers: Server, venue: Paper, truth: set[str], name: str) -> CameTo:
    url = ledgers.new_ledger()
    job = executions_alone(url, venue)
    if PASSES[name] is HISTORIES:
        job = replace(job, streams=None, categories=None)
    came_to = one_pass.run(job)
    assert booked_ids(url) == truth, "the book is not what happened"
    asyncio.run(one_pass.check(url))
    return came_to


def _row(name: str, rate: int, came_to: CameTo, needed: dict[str, int]) -> dict[str, object]:
    row: dict[str, object] = {
        "pass": name,
        "rate": rate or "none",
        "requests": came_to.requests,
        "needed": sum(needed.values()),
        "seconds": round(came_to.seconds, 2),
    }
    if rate == NO_LIMIT:
        return row | dict.fromkeys(("bound_seconds", "times_bound", "times_busiest"), "-")
    bound, busiest = sum(needed.values()) / rate, max(needed.values()) / rate
    return row | {
        "bound_seconds": round(bound, 2),
        "times_bound": round(came_to.seconds / bound, 3),
        "times_busiest": round(came_to.seconds / busiest, 3),
    }


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(numbers[0] if numbers else EXECUTIONS, numbers[1:] or RATES)

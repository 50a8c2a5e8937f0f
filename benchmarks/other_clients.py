"""Executions of an account by other people's clients, unmodified, each in the way its users write.

Runs in the environment that scripts/clients makes, which has no Fillbook. The way's name is the
argument, the job comes on standard input as JSON, what was found goes to standard output. Requests
are counted where the client hands them to the network.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

DAY_MS = 86_400_000
WINDOW_MS = 7 * DAY_MS - 60_000
PAGE_ROWS = 100
PAGES_MAX = 1_000  # in one window; the client's own default is ten
EXECUTIONS = "execution/list"
Job = dict[str, Any]


@dataclass(slots=True)
class Requests:
    """How many went out: for executions, and for everything."""

    executions: int = 0
    all: int = 0

    def count(self, address: str) -> None:
        """One more."""
        self.all += 1
        self.executions += EXECUTIONS in address


@dataclass(slots=True)
class Found:
    """What a way found, and what it was told went wrong."""

    ids: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def ccxt_since(job: Job, requests: Requests) -> Found:
    """ccxt: all since a month ago, and the client turns the pages."""
    trades = _ccxt(job, requests).fetch_my_trades(
        None, since=job["start_ms"], params={"paginate": True}
    )
    return Found([trade["id"] for trade in trades])


def ccxt_windows(job: Job, requests: Requests) -> Found:
    """ccxt: windows that the venue allows, each with as many pages as there are."""
    exchange, found = _ccxt(job, requests), Found()
    for start, end in _windows(job):
        params = {"paginate": True, "paginationCalls": PAGES_MAX, "until": end}
        trades = exchange.fetch_my_trades(None, since=start, params=params)
        found.ids += [trade["id"] for trade in trades]
    return found


def pybit_windows(job: Job, requests: Requests) -> Found:
    """pybit: the same windows, the cursor carried by hand."""
    from pybit.unified_trading import HTTP

    session = HTTP(api_key=job["key"], api_secret=job["secret"])
    session.endpoint = job["url"]
    session.client.hooks["response"].append(lambda answer, *_, **__: requests.count(answer.url))
    found = Found()
    for start, end in _windows(job):
        words = {"category": "linear", "startTime": start, "endTime": end, "limit": PAGE_ROWS}
        while True:
            result = session.get_executions(**words)["result"]
            found.ids += [row["execId"] for row in result["list"]]
            if not result["list"] or not result["nextPageCursor"]:
                break
            words["cursor"] = result["nextPageCursor"]
    return found


def _ccxt(job: Job, requests: Requests) -> Any:  # noqa: ANN401 - the client has no types
    import ccxt

    here = job["url"]
    spread = dict.fromkeys(("spot", "futures", "v2", "public", "private"), here)
    exchange = ccxt.bybit(
        {
            "apiKey": job["key"],
            "secret": job["secret"],
            "enableRateLimit": False,
            "urls": {"api": spread},
            "options": {"fetchMarkets": {"types": ["linear"]}},
        }
    )
    exchange.number = str
    exchange.session.hooks["response"].append(lambda answer, *_, **__: requests.count(answer.url))
    return exchange


def _windows(job: Job) -> list[tuple[int, int]]:
    starts = range(job["start_ms"], job["end_ms"], WINDOW_MS)
    return [(start, min(start + WINDOW_MS, job["end_ms"])) for start in starts]


WAYS: dict[str, Callable[[Job, Requests], Found]] = {
    "ccxt_since": ccxt_since,
    "ccxt_windows": ccxt_windows,
    "pybit_windows": pybit_windows,
}


def main(way: str) -> None:
    """Read in one way; an error that the client raises is part of the answer."""
    job, requests = json.load(sys.stdin), Requests()
    started = time.perf_counter()
    try:
        found = WAYS[way](job, requests)
    except Exception as error:  # noqa: BLE001 - whatever a user of the client would be told
        found = Found(errors=[f"{type(error).__name__}: {error}"[:200]])
    came_to = {
        "ids": found.ids,
        "errors": found.errors,
        "requests": requests.executions,
        "requests_all": requests.all,
        "seconds": time.perf_counter() - started,
    }
    print(json.dumps(came_to))


if __name__ == "__main__":
    main(sys.argv[1])

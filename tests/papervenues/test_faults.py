"""Each fault strikes as often as it is told to, and the same way again."""

import asyncio
from collections import Counter

import aiohttp
import msgspec
import pytest

from papervenues.faults import FaultError, RequestLuck, parse_fault
from tests.papervenues.paper_client import (
    DAY_MS,
    RECENT_MS,
    Client,
    Reply,
    Row,
    client_of,
    settings,
)

END = RECENT_MS
WEEK = f"category=linear&startTime={END - 7 * DAY_MS}&endTime={END}&limit=20"


async def asked(*faults: str, query: str = WEEK) -> Reply:
    async with client_of(settings(*faults)) as client:
        return await client.executions(query)


def ids(rows: list[Row]) -> list[str]:
    return [row["execId"] for row in rows]


@pytest.mark.parametrize(
    "text",
    ["nonsense=1", "http_500", "http_500=2", "http_500=-1", "http_500=NaN", "http_500=x",
     "http_500=1@9..1", "http_500=1@a-b", "same_ms_burst=1@1763000040000"],
)  # fmt: skip
def test_a_wrong_fault_is_refused(text: str) -> None:
    """A fault needs a known name, a share from 0 to 1 and a scope that can be read."""

    with pytest.raises(FaultError):
        parse_fault(text)


def test_luck_repeats_and_does_not_depend_on_other_requests() -> None:
    """The same request in the same turn meets the same fate, whatever ran beside it."""
    plan = settings("http_500=0.3", "slow_body=0.3").faults

    def fates(others: int) -> list[frozenset[str]]:
        luck = RequestLuck(plan, seed=7)
        found = []
        for _ in range(40):
            for other in range(others):
                luck.strikes(f"other {other}", symbol="", start_ms=0, end_ms=1)
            found.append(luck.strikes("mine", symbol="", start_ms=0, end_ms=1))
        return found

    assert fates(0) == fates(3)
    assert 4 < sum("http_500" in fate for fate in fates(0)) < 22


async def test_http_500_is_a_server_error() -> None:
    """The status is 500 and the body is no JSON."""
    reply = await asked("http_500=1")

    assert (reply.status, reply.body) == (500, b"Internal Server Error")


async def test_rate_limited_answers_10006_with_a_reset() -> None:
    """The answer looks like the venue's own limit."""
    reply = await asked("rate_limited=1")

    assert reply.code == 10006
    assert reply.headers["X-Bapi-Limit-Status"] == "0"
    assert int(reply.headers["X-Bapi-Limit-Reset-Timestamp"]) > END


async def test_broken_bodies_come_with_status_200() -> None:
    """Cut JSON, an HTML page and a null result all pretend to be good answers."""
    cut, page, null = [
        await asked(fault) for fault in ("truncated_json=1", "html_body=1", "result_null=1")
    ]

    assert (cut.status, page.status, null.status) == (200, 200, 200)
    with pytest.raises(msgspec.DecodeError):
        cut.json()
    assert page.headers["Content-Type"].startswith("text/html")
    assert (null.code, null.json()["result"]) == (0, None)


async def test_duplicate_rows_repeat_inside_and_across_pages_and_lose_nothing() -> None:
    """A walk sees every true row, some of them more than once."""
    async with client_of(settings("duplicate_rows=1")) as client:
        pages = await client.walk(start=END - 7 * DAY_MS, end=END, extra="&limit=20")
        truth = (await client.truth())["executions"]
    first, second = pages[0].rows, pages[1].rows

    assert max(Counter(ids(first)).values()) == 2
    assert ids(second)[0] == ids(first)[-1]
    assert all(len(page.rows) <= 20 for page in pages)
    assert {row["execId"] for row in truth if int(row["execTime"]) >= END - 7 * DAY_MS} == {
        found for page in pages for found in ids(page.rows)
    }


async def test_a_looping_cursor_points_to_its_own_page() -> None:
    """In scope, the cursor's page is the same page with the same cursor; out of scope all is well.

    The scope is an instant: only windows that contain it are struck.
    """
    instant = END - 3 * DAY_MS
    async with client_of(settings(f"cursor_loop=1@{instant}")) as client:
        first = await client.executions(WEEK)
        second = await client.executions(f"{WEEK}&cursor={first.cursor}")
        third = await client.executions(f"{WEEK}&cursor={second.cursor}")
        sound = await client.walk(start=END - 2 * DAY_MS, end=END, extra="&limit=20")

    assert first.cursor == second.cursor == third.cursor
    assert ids(first.rows) == ids(second.rows) == ids(third.rows)
    assert sound[-1].cursor == ""


async def test_an_expired_cursor_is_refused_in_mid_walk_only() -> None:
    """The first page is good; its cursor is not."""
    async with client_of(settings("cursor_expired=1")) as client:
        first = await client.executions(WEEK)
        second = await client.executions(f"{WEEK}&cursor={first.cursor}")

    assert (first.code, second.code) == (0, 10001)


async def test_late_rows_come_in_a_later_walk() -> None:
    """Some rows are missing at first and all are there after a few walks of their window."""
    async with client_of(settings("late_rows=0.1")) as client:
        seen = [{*ids(await client.everything())} for _ in range(5)]
        truth = {*ids((await client.truth())["executions"])}

    assert seen[0] < seen[-1]
    assert seen[-1] == truth
    assert 0.02 < 1 - len(seen[0]) / len(truth) < 0.2


async def test_hidden_rows_are_in_the_truth_only() -> None:
    """A hidden row is never listed, and the same rows are hidden in every run."""
    missing = []
    for _ in range(2):
        async with client_of(settings("hidden_row=0.02@BTCUSDT")) as client:
            listed = {*ids(await client.everything())}
            truth = (await client.truth())["executions"]
        missing.append([row for row in truth if row["execId"] not in listed])

    assert ids(missing[0]) == ids(missing[1]) != []
    assert {row["symbol"] for row in missing[0]} == {"BTCUSDT"}


async def test_bursts_lose_nothing_by_paging() -> None:
    """Hundreds of rows of one millisecond come through, page by page, each once."""
    wanted = settings("same_ms_burst=0.05", executions=3_000)
    async with client_of(wanted) as client:
        listed = ids(await client.everything())
        truth = (await client.truth())["executions"]
    largest = Counter((row["symbol"], row["execTime"]) for row in truth).most_common(1)[0][1]

    assert largest > 100
    assert sorted(listed) == sorted(ids(truth))


async def test_a_slow_body_is_slow_and_whole() -> None:
    """It takes about a second, and the answer is good."""
    loop = asyncio.get_running_loop()
    async with client_of(settings("slow_body=1")) as client:
        began = loop.time()
        reply = await client.executions(WEEK)
        seconds = loop.time() - began

    assert reply.code == 0
    assert seconds > 0.8


async def test_a_dropped_socket_breaks_every_time_it_should() -> None:
    """The connection ends before the answer or within its body, never with a whole answer."""

    async def breaks(client: Client, limit: int) -> str:
        try:
            await client.executions(f"category=linear&limit={limit}")
        except aiohttp.ClientError as error:
            return type(error).__name__
        return "nothing"

    async with client_of(settings("dropped_socket=1")) as client:
        seen = Counter([await breaks(client, limit) for limit in range(1, 13)])

    assert seen["nothing"] == 0
    assert len(seen) >= 2


async def test_faults_leave_other_endpoints_alone() -> None:
    """Only the list of executions misbehaves; the truth stays true."""
    async with client_of(settings("http_500=1", "hidden_row=1")) as client:
        info = await client.get("/v5/account/info")
        truth = await client.truth()

    assert info.code == 0
    assert len(truth["executions"]) > 700

"""What goes wrong with lists and their cursors."""

from collections import Counter
from dataclasses import replace

import pytest

from papervenues.bybit.switches import Switches
from tests.papervenues.faulty import faulty
from tests.papervenues.paper_client import (
    DAY_MS,
    RECENT_MS,
    Client,
    Reply,
    Row,
    settings,
)

END = RECENT_MS
START = END - 7 * DAY_MS
WEEK = f"category=linear&startTime={START}&endTime={END}&limit=20"
LOG = "/v5/account/transaction-log"
LOG_WEEK = f"accountType=UNIFIED&category=linear&startTime={START}&endTime={END}&limit=20"
PAGES_MAX = 60


def ids(rows: list[Row]) -> list[str]:
    return [row["execId"] for row in rows]


async def walk(client: Client, query: str = WEEK, *, pages_max: int = PAGES_MAX) -> list[Reply]:
    """All pages up to an end, a refusal, a cursor that was seen, or too many."""
    replies: list[Reply] = []
    cursors: list[str] = []
    while len(replies) < pages_max:
        reply = await client.executions(query + (f"&cursor={cursors[-1]}" if cursors else ""))
        replies.append(reply)
        if reply.status != 200 or reply.code or not (reply.rows and reply.cursor):
            break
        if reply.cursor in cursors:
            break
        cursors.append(reply.cursor)
    return replies


async def truth_ids(client: Client) -> set[str]:
    rows = (await client.truth())["executions"]
    return {row["execId"] for row in rows if START <= int(row["execTime"]) <= END}


async def walked(*faults: str, query: str = WEEK) -> tuple[list[Reply], set[str]]:
    async with faulty(settings(*faults)) as client:
        return await walk(client, query), await truth_ids(client)


def listed(replies: list[Reply]) -> list[str]:
    return [found for reply in replies for found in ids(reply.rows)]


@pytest.mark.parametrize(
    "fault",
    ["short_pages", "long_pages", "ends_without_cursor", "cursor_after_end", "shuffled_ms",
     "close_before_open", "redelivered_rows", "rows_outside"],
)  # fmt: skip
async def test_a_fault_that_loses_nothing_loses_nothing(fault: str) -> None:
    """A walk that goes on to the empty page or cursor sees every row of the window."""
    replies, truth = await walked(f"{fault}=0.7")

    assert {*listed(replies)} >= truth
    assert all(reply.code == 0 for reply in replies)


async def test_pages_are_shorter_or_longer_than_asked_for() -> None:
    """The length of a page says nothing about the end."""
    short, _ = await walked("short_pages=1")
    long, _ = await walked("long_pages=1")

    assert {len(reply.rows) for reply in short[:-2]} == {10}
    assert len(long[0].rows) == 21


async def test_the_end_has_a_cursor_or_the_last_page_has_none() -> None:
    """Both are ends: an empty list with a cursor, and rows without one."""
    after, _ = await walked("cursor_after_end=1")
    without, _ = await walked("ends_without_cursor=1")

    assert (after[-1].rows, bool(after[-1].cursor)) == ([], True)
    assert (bool(without[-1].rows), without[-1].cursor) == (True, "")


@pytest.mark.parametrize("fault", ["early_end", "empty_list"])
async def test_a_walk_that_ends_early_hides_rows(fault: str) -> None:
    """Nothing in the answer tells that rows are missing."""
    replies, truth = await walked(f"{fault}=0.3")

    assert replies[-1].code == 0
    assert {*listed(replies)} < truth


async def test_cursors_go_round_in_a_cycle() -> None:
    """A cursor of the third page or later leads back to an earlier one."""
    replies, _ = await walked("cursor_cycle=1")

    assert replies[2].cursor == replies[0].cursor
    assert replies[2].cursor != replies[1].cursor


async def test_a_restart_forgets_all_cursors() -> None:
    """A cursor from before is refused with 10001; the first page is answered again."""
    async with faulty(settings("cursors_forgotten=1")) as client:
        first = await client.executions(WEEK)
        second = await client.executions(f"{WEEK}&cursor={first.cursor}")
        again = await client.executions(WEEK)

    assert [reply.code for reply in (first, second, again)] == [0, 10001, 0]


async def test_the_end_is_told_as_an_error() -> None:
    """404 or 500 stands where the empty page belongs, and only there."""
    replies, truth = await walked("end_is_error=1")

    assert replies[-1].status in (404, 500)
    assert {*listed(replies[:-1])} == truth


async def test_rows_come_from_outside_the_window() -> None:
    """Some rows are older or younger than what was asked for, by less than an hour and a bit."""
    start, end = END - 5 * DAY_MS, END - 3 * DAY_MS
    query = f"category=linear&startTime={start}&endTime={end}&limit=50"
    replies, _ = await walked("rows_outside=1", query=query)
    times = [int(row["execTime"]) for reply in replies for row in reply.rows]

    assert min(times) < start or max(times) > end
    assert all(start - DAY_MS < time < end + DAY_MS for time in times)


async def test_filters_are_ignored() -> None:
    """All symbols come although one was asked for."""
    replies, truth = await walked("filter_ignored=1", query=f"{WEEK}&symbol=ETHUSDT")

    assert {*listed(replies)} == truth


async def test_the_edge_moves_on_with_every_hit() -> None:
    """What was just inside the two years is outside a little later; newer windows are well."""
    now = [END]
    edge = END - 2 * 365 * DAY_MS
    async with faulty(settings("edge_moves=0.5"), clock=lambda: now[0]) as client:

        async def code(start: int) -> int:
            query = f"category=linear&startTime={start}&endTime={start + DAY_MS}"
            return (await client.executions(query)).code

        near = [await code(edge + 60_000 + number) for number in range(40)]
        far = [await code(edge + 2 * 3_600_000 + number) for number in range(5)]

    assert near[-1] == 10001
    assert 0 in near[:10]
    assert far == [0] * 5


async def test_a_window_too_long_is_clipped_in_silence() -> None:
    """Instead of 10001, the newest seven days come."""
    query = f"category=linear&startTime={END - 11 * DAY_MS}&endTime={END}&limit=100"
    async with faulty(settings()) as client:
        refused = await client.executions(query)
    replies, truth = await walked("windows_clipped=1", query=query)

    assert refused.code == 10001
    assert {*listed(replies)} == truth


async def test_rows_come_again_later_in_the_walk() -> None:
    """What was delivered on an earlier page is delivered once more."""
    replies, truth = await walked("redelivered_rows=1")
    counted = Counter(listed(replies))

    assert max(counted.values()) > 1
    assert counted.keys() == truth


async def test_a_new_fault_strikes_all_lists_and_its_scope_narrows_it() -> None:
    """The same fault on the log alone leaves the executions alone."""
    async with faulty(settings("empty_list=1")) as client:
        both = [await client.executions(WEEK), await client.get(LOG, LOG_WEEK)]
    async with faulty(settings("empty_list=1@transaction-log")) as client:
        one = [await client.executions(WEEK), await client.get(LOG, LOG_WEEK)]

    assert [len(reply.rows) for reply in both] == [0, 0]
    assert [len(reply.rows) for reply in one] == [20, 0]


async def test_a_fault_of_old_names_can_strike_every_list() -> None:
    """`lists` widens a fault that strikes the executions alone otherwise."""
    async with faulty(settings("duplicate_rows=1@lists")) as client:
        rows = (await client.get(LOG, LOG_WEEK)).rows
        sound = (await client.get("/v5/account/info")).code

    assert max(Counter(str(row) for row in rows).values()) == 2
    assert sound == 0


@pytest.mark.parametrize("fault", ["short_pages", "rows_outside", "duplicate_rows", "early_end"])
async def test_a_page_fault_repeats(fault: str) -> None:
    """Two runs with one seed see the same pages."""
    runs = [await walked(f"{fault}=0.4") for _ in range(2)]

    assert [reply.rows for reply in runs[0][0]] == [reply.rows for reply in runs[1][0]]


async def switched(*texts: str, query: str) -> Reply:
    wanted = replace(settings(), switches=Switches.of(texts))
    async with faulty(wanted) as client:
        return await client.executions(query)


async def test_bounds_are_inclusive_or_exclusive() -> None:
    """A row that lies exactly at a bound is there under one reading only."""
    newest = (await switched(query=WEEK)).rows[5]
    at = int(newest["execTime"])

    async def has_row(start: int, end: int, *texts: str) -> bool:
        query = f"category=linear&startTime={start}&endTime={end}"
        return newest["execId"] in ids((await switched(*texts, query=query)).rows)

    assert await has_row(at, at + 5)
    assert not await has_row(at, at + 5, "start_bound=exclusive")
    assert await has_row(at - 5, at)
    assert not await has_row(at - 5, at, "end_bound=exclusive")
    assert await has_row(at, at, "start_bound=inclusive", "end_bound=inclusive")
    assert not await has_row(at, at, "start_bound=exclusive", "end_bound=exclusive")


@pytest.mark.parametrize(
    ("switch", "query", "code"),
    [
        ("limit_above=clamped", "category=linear&limit=101", 0),
        ("limit_above=refused", "category=linear&limit=101", 10001),
        ("limit_above=refused", "category=linear&limit=100", 0),
        ("empty_exec_type=accepted", "category=linear&execType=", 0),
        ("empty_exec_type=refused", "category=linear&execType=", 10001),
        ("long_window_code=10001", "category=linear&startTime=1&endTime=9", 10001),
        (
            "long_window_code=181010",
            f"category=linear&startTime={START - 1}&endTime={END}",
            181010,
        ),
    ],
)
async def test_an_open_question_is_answered_both_ways(switch: str, query: str, code: int) -> None:
    """A switch decides how the venue reads what its manual leaves open."""

    assert (await switched(switch, query=query)).code == code


async def test_one_bound_of_deposits_is_a_window_or_a_refusal() -> None:
    """The manual does not say what one bound alone means."""
    codes = []
    for choice in ("month", "refused"):
        wanted = replace(settings(), switches=Switches.of([f"asset_one_bound={choice}"]))
        async with faulty(wanted) as client:
            reply = await client.get("/v5/asset/deposit/query-record", f"startTime={START}")
        codes.append(reply.code)

    assert codes == [0, 10001]


async def test_a_cursor_dies_of_age() -> None:
    """Within its life a cursor works; a walk that is slower is refused."""
    now = [END]
    wanted = replace(settings(), switches=Switches.of(["cursor_lifetime_ms=60000"]))
    async with faulty(wanted, clock=lambda: now[0]) as client:
        first = await client.executions(WEEK)
        now[0] += 60_000
        quick = await client.executions(f"{WEEK}&cursor={first.cursor}")
        now[0] += 60_001
        slow = await client.executions(f"{WEEK}&cursor={quick.cursor}")

    assert [reply.code for reply in (first, quick, slow)] == [0, 0, 10001]


async def test_limit_headers_can_be_left_out() -> None:
    """Some answers of the venue tell no limit."""
    told = {}
    for choice in ("sent", "absent"):
        reply = await switched(f"limit_headers={choice}", query=WEEK)
        told[choice] = any(name.lower().startswith("x-bapi-limit") for name in reply.headers)

    assert told == {"sent": True, "absent": False}

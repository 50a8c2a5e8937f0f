"""A page is accepted only when it is the page that was asked for, and its rows stay verbatim."""

import json
from datetime import timedelta

import pytest

from fillbook.domain.execution import CashFlow, Execution, Unreadable
from fillbook.domain.raw import digest_key
from fillbook.domain.window import Window, milliseconds
from fillbook.errors import UsageError, VenueUnavailable
from tests.venues.bybit_rows import NOW, WINDOW, trade
from tests.venues.scripted_bybit import (
    EXECUTIONS,
    Reply,
    ScriptedBybit,
    connected,
    listing,
    success,
)

CURSOR = "132766%3A2%2C132766%3A2"


async def test_both_bounds_are_sent_and_nothing_is_filtered(bybit: ScriptedBybit) -> None:
    """A window is asked for whole, one millisecond early, signed, with a cursor untouched."""
    bybit.play(EXECUTIONS, listing([trade()], CURSOR))
    async with connected(bybit) as venue:
        await venue.pages("executions", "linear", WINDOW, None)
        await venue.pages("executions", "linear", WINDOW, CURSOR)

    bounds = (
        f"category=linear&startTime={milliseconds(WINDOW.starts_at) - 1}"
        f"&endTime={milliseconds(WINDOW.ends_at)}&limit=100"
    )
    assert bybit.asked_of(EXECUTIONS) == [bounds, f"{bounds}&cursor={CURSOR}"]
    assert bybit.unsigned == ["/v5/market/time"]
    assert set(bybit.bodies) == {b""}


async def test_rows_are_cut_out_verbatim(bybit: ScriptedBybit) -> None:
    """Spaces, order of fields, escapes and digits of a row stay as they came."""
    row = b'{ "execId":"a\\u0041" ,"symbol" : "BTCUSDT","side":"Buy", "x":1.50e0}'
    body = b'{"retCode":0,"result":{"list":[ %s , %s]}}' % (row, b"[1, 2]")
    bybit.play(EXECUTIONS, Reply(body=body))
    async with connected(bybit) as venue:
        page = await venue.pages("executions", "linear", WINDOW, None)

    assert [record.body for record in page.records] == [row, b"[1, 2]"]


@pytest.mark.parametrize(
    ("rows", "cursor", "expected"),
    [
        ([], CURSOR, None),
        ([], "", None),
        ([trade()], "", None),
        ([trade()], None, None),
        ([trade()], CURSOR, CURSOR),
        ([trade(n) for n in range(100)], "", None),
    ],
)
async def test_the_end_is_an_empty_list_or_an_empty_cursor(
    bybit: ScriptedBybit, rows: list[object], cursor: str | None, expected: str | None
) -> None:
    """A short page goes on, a full one may be the last."""
    bybit.play(EXECUTIONS, listing(rows, cursor))
    async with connected(bybit) as venue:
        page = await venue.pages("executions", "linear", WINDOW, None)

    assert (page.next_cursor, len(page.records)) == (expected, len(rows))


@pytest.mark.parametrize(
    "reply",
    [
        success(None),
        success({}),
        success([]),
        success("text"),
        success({"list": None}),
        success({"list": {}}),
        success({"list": "rows"}),
        success({"rows": []}),
        success({"list": [], "nextPageCursor": 7}),
        success({"list": [], "category": "spot"}),
        listing([trade()], "a b"),
        listing([trade()], "a&startTime=0"),
        listing([trade()], "x" * 2_001),
        listing([trade(execTime=str(milliseconds(NOW - timedelta(days=30))))]),
        Reply(body=b""),
        Reply(body=b"null"),
        Reply(body=b'"OK"'),
        Reply(body=b"[]"),
        Reply(body=b"<html><body>Please wait</body></html>"),
        Reply(body=b'{"result":{"list":[]}}'),
        Reply(body=b'{"retCode":"0","result":{"list":[]}}'),
        Reply(body=b'{"retCode":0}'),
        Reply(body=json.dumps({"retCode": 0, "result": {"list": []}}).encode()[:-1]),
        Reply(body=b'{"retCode":0,"result":{"list":' + b"[" * 5_000 + b"]" * 5_000 + b"}}"),
        Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
)
async def test_nothing_else_is_read_as_empty(bybit: ScriptedBybit, reply: Reply) -> None:
    """A broken success, or one for another question, is asked again and then is an error."""
    bybit.play(EXECUTIONS, reply)
    async with connected(bybit, tries=3) as venue:
        with pytest.raises(VenueUnavailable, match="tried 3 times"):
            await venue.pages("executions", "linear", WINDOW, None)

    assert len(bybit.asked_of(EXECUTIONS)) == 3


async def test_a_body_cut_at_any_byte_is_no_page(bybit: ScriptedBybit) -> None:
    """No prefix of a good answer passes for one."""
    whole = listing([trade(1)], "").body
    async with connected(bybit, tries=1) as venue:
        for cut in range(0, len(whole), 7):
            bybit.play(EXECUTIONS, Reply(body=whole[:cut]))
            with pytest.raises(VenueUnavailable):
                await venue.pages("executions", "linear", WINDOW, None)


async def test_a_record_has_the_key_of_its_reading(bybit: ScriptedBybit) -> None:
    """What the page calls a row and what the reading calls it are the same, however odd the row."""
    rows: list[object] = [
        trade(1),
        trade(2, execType="Funding"),
        trade(3, orderId=77),
        trade(4, execPrice="NaN"),
        trade(5, orderLinkId="x\x00y"),
    ]
    bybit.play(EXECUTIONS, listing(rows))
    async with connected(bybit) as venue:
        page = await venue.pages("executions", "linear", WINDOW, None)
        readings = [venue.parse("executions", "linear", record.body) for record in page.records]

    keys = [record.record_key for record in page.records]
    order_ids = ["order-1", "order-2", "77", "order-4", "order-5"]
    assert keys == [
        digest_key("execution", "linear", "BTCUSDT", f"exec-{n}", order_id, "Buy")
        for n, order_id in enumerate(order_ids, start=1)
    ]
    first, funding, retyped, *unread = readings
    assert isinstance(first, Execution)
    assert isinstance(funding, CashFlow)
    assert isinstance(retyped, Execution)
    assert [first.execution_key, funding.cash_key, retyped.execution_key] == keys[:3]
    assert unread == [
        Unreadable("execPrice is not a plain number"),
        Unreadable("cannot read orderLinkId"),
    ]


async def test_rows_without_ids_are_known_by_their_content(bybit: ScriptedBybit) -> None:
    """They hide neither each other nor their neighbours."""
    rows: list[object] = [trade(1, execId=""), trade(2, execId=""), 7, "row", None, trade(3)]
    bybit.play(EXECUTIONS, listing(rows))
    async with connected(bybit) as venue:
        page = await venue.pages("executions", "linear", WINDOW, None)

    assert len({record.record_key for record in page.records}) == 6


async def test_rows_near_another_time_do_not_hide_the_window(bybit: ScriptedBybit) -> None:
    """A page that holds rows of the window is accepted with all its rows."""
    rows: list[object] = [trade(1), trade(2, execTime="1500000000000"), trade(3, execTime="-")]
    bybit.play(EXECUTIONS, listing(rows))
    async with connected(bybit) as venue:
        page = await venue.pages("executions", "linear", WINDOW, None)

    assert len(page.records) == 3


async def test_windows_that_the_venue_would_clip_are_not_asked(bybit: ScriptedBybit) -> None:
    """Too long a window, an unknown stream and an unknown scope are refused here."""
    long = Window(NOW - timedelta(days=8), NOW)
    async with connected(bybit) as venue:
        for stream, scope, window in (
            ("executions", "linear", long),
            ("rumours", "linear", WINDOW),
            ("executions", "lunar", WINDOW),
            ("closed_pnl", "spot", WINDOW),
        ):
            with pytest.raises(UsageError):
                await venue.pages(stream, scope, window, None)

    assert bybit.asked == []

"""`execution/list` by the venue's rules, and the smaller endpoints beside it."""

from decimal import Decimal
from typing import Any

import pytest

from tests.papervenues.paper_client import DAY_MS, Client, Reply, client_of, settings

WANTED = settings()
WEEK_MS = 7 * DAY_MS
TWO_YEARS_MS = 730 * DAY_MS
END = WANTED.end_ms


def at_the_end() -> int:
    return END


async def asked(query: str) -> tuple[int, str]:
    async with client_of(WANTED, clock=at_the_end) as client:
        reply = await client.executions(query)
    return reply.code, str(reply.json()["retMsg"])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("category=linear", 0),
        ("startTime=1", 10001),
        ("category=futures", 10001),
        (f"category=linear&startTime={END - WEEK_MS}&endTime={END}", 0),
        (f"category=linear&startTime={END - WEEK_MS - 1}&endTime={END}", 10001),
        (f"category=linear&startTime={END}&endTime={END - 1}", 10001),
        (f"category=linear&startTime={END - TWO_YEARS_MS}", 0),
        (f"category=linear&startTime={END - TWO_YEARS_MS - 1}", 10001),
        (f"category=linear&endTime={END - TWO_YEARS_MS - 1}", 10001),
        ("category=linear&startTime=yesterday", 10001),
        ("category=linear&limit=0", 10001),
        ("category=linear&symbol=NOSUCH", 10001),
        ("category=linear&execType=UNKNOWN", 10001),
        ("category=linear&execType=", 0),
        ("category=linear&cursor=1%3A2%2C1%3A2", 10001),
        ("category=linear&cursor=rubbish", 10001),
        ("category=inverse", 0),
        ("category=spot", 0),
        ("category=option&baseCoin=BTC", 0),
    ],
)
async def test_a_query_is_judged_by_the_venues_rules(query: str, code: int) -> None:
    """Windows, limits, cursors and filters: what is wrong is refused with 10001."""

    assert (await asked(query))[0] == code


async def test_too_old_a_window_is_refused_with_the_known_text() -> None:
    """The text of the two-year edge is the one that users report."""

    assert await asked(f"category=linear&startTime={END - TWO_YEARS_MS - 1}") == (
        10001,
        "Can't query order earlier than 2 years, please check your params: startTime or endTime!",
    )


async def test_the_bounds_are_completed_to_seven_days() -> None:
    """No bound means the last week; one bound means the week after or before it."""
    early = END - 11 * DAY_MS
    async with client_of(WANTED, clock=at_the_end) as client:
        spans = [
            [int(row["execTime"]) for page in await walk_of(client, bounds) for row in page.rows]
            for bounds in ("", f"&startTime={early}", f"&endTime={early + WEEK_MS}")
        ]

    assert min(spans[0]) >= END - WEEK_MS
    assert max(spans[0]) > END - DAY_MS
    assert early <= min(spans[1]) <= max(spans[1]) <= early + WEEK_MS
    assert spans[1] == spans[2]


async def walk_of(client: Client, bounds: str) -> list[Reply]:
    replies: list[Reply] = []
    cursor = ""
    while True:
        reply = await client.executions(
            f"category=linear&limit=100{bounds}" + (f"&cursor={cursor}" if cursor else "")
        )
        replies.append(reply)
        cursor = reply.cursor
        if not cursor:
            return replies


async def test_a_walk_returns_every_row_once_newest_first() -> None:
    """Pages are full but the last; even that has a cursor, and the page after it is empty."""
    async with client_of(WANTED) as client:
        pages = await client.walk(start=END - WEEK_MS, end=END)
        truth = await client.truth()
    rows = [row for page in pages for row in page.rows]
    times = [int(row["execTime"]) for row in rows]
    true_ids = {
        row["execId"] for row in truth["executions"] if int(row["execTime"]) >= END - WEEK_MS
    }

    assert times == sorted(times, reverse=True)
    assert len(rows) == len({row["execId"] for row in rows})
    assert {row["execId"] for row in rows} == true_ids
    assert [len(page.rows) for page in pages[:-2]] == [100] * (len(pages) - 2)
    assert 0 < len(pages[-2].rows) <= 100
    assert "%3A" in pages[-2].cursor
    assert (pages[-1].rows, pages[-1].cursor) == ([], "")


async def test_bounds_are_inclusive_and_the_limit_is_clamped() -> None:
    """A window of one instant holds the row of that instant; 50 is the default, 100 the most."""
    async with client_of(WANTED) as client:
        window = f"category=linear&startTime={END - WEEK_MS}&endTime={END}"
        sizes = [
            len((await client.executions(f"{window}{limit}")).rows)
            for limit in ("", "&limit=7", "&limit=1000")
        ]
        row = (await client.executions(window)).rows[0]
        instant = row["execTime"]
        same = await client.executions(f"category=linear&startTime={instant}&endTime={instant}")

    assert sizes == [50, 7, 100]
    assert row in same.rows


async def test_filters_leave_exactly_what_was_asked_for() -> None:
    """Symbol, base coin, type, settle coin and order each filter as the truth says."""
    async with client_of(WANTED) as client:
        truth = (await client.truth())["executions"]
        recent = [row for row in truth if int(row["execTime"]) >= END - WEEK_MS]
        order = recent[0]["orderId"]
        tag = next(row["orderLinkId"] for row in recent if row["orderLinkId"])
        found = {
            name: {
                row["execId"]
                for page in await client.walk(
                    start=END - WEEK_MS, end=END, extra=f"&limit=100&{name}={value}"
                )
                for row in page.rows
            }
            for name, value in {
                "symbol": "ETHUSDT", "baseCoin": "SOL", "execType": "Funding",
                "settleCoin": "USDT", "orderId": order, "orderLinkId": tag,
            }.items()
        }  # fmt: skip
        foreign = await client.executions("category=linear&settleCoin=USDC")

    def ids(key: str, value: str) -> set[str]:
        return {row["execId"] for row in recent if row[key] == value}

    assert found["symbol"] == ids("symbol", "ETHUSDT") != set()
    assert found["baseCoin"] == ids("symbol", "SOLUSDT") != set()
    assert found["execType"] == ids("execType", "Funding") != set()
    assert found["settleCoin"] == {row["execId"] for row in recent}
    assert found["orderId"] >= ids("orderId", order) != set()
    assert found["orderLinkId"] >= ids("orderLinkId", tag) != set()
    assert foreign.rows == []


async def test_a_row_has_the_documented_kinds() -> None:
    """Numbers are texts, `isMaker` is a boolean, `seq` an integer; nothing is null."""
    async with client_of(WANTED) as client:
        row = (await client.executions("category=linear&limit=1")).rows[0]
    kinds = {name: type(value) for name, value in row.items()}

    assert {kinds.pop("isMaker"), kinds.pop("seq")} == {bool, int}
    assert set(kinds.values()) == {str}
    assert "positionIdx" not in row


async def test_rows_of_the_future_are_not_served() -> None:
    """A history may end after the server's time; what lies ahead is in no answer."""
    now = END - 5 * DAY_MS
    async with client_of(WANTED, clock=lambda: now) as client:
        listed = await client.executions("category=linear")
        window = await client.executions(f"category=linear&startTime={now - 1}")
        truth = await client.truth()
        positions = await client.get("/v5/position/list", "category=linear&settleCoin=USDT")

    assert max(int(row["execTime"]) for row in truth["executions"]) <= now
    assert max(int(row["execTime"]) for row in listed.rows) <= now
    assert all(int(row["execTime"]) <= now for row in window.rows)
    assert {row["symbol"]: row["size"] for row in positions.rows} == {
        row["symbol"]: row["size"] for row in truth["positions"]
    }


async def test_positions_need_a_scope_and_agree_with_the_truth() -> None:
    """Linear positions need a symbol or a settle coin; the sequence is the last execution's."""
    async with client_of(WANTED) as client:
        truth = await client.truth()
        bare = await client.get("/v5/position/list", "category=linear")
        first = await client.get("/v5/position/list", "category=linear&settleCoin=USDT&limit=1")
        both = await client.get("/v5/position/list", "category=linear&settleCoin=USDT")
        next_page = await client.get(
            "/v5/position/list",
            f"category=linear&settleCoin=USDT&limit=1&cursor={first.cursor}",
        )
        spot = await client.get("/v5/position/list", "category=spot")
    last_seq = {row["symbol"]: row["seq"] for row in truth["executions"]}

    assert bare.code == 10001
    assert [(r["symbol"], r["side"], r["size"], r["avgPrice"]) for r in both.rows] == sorted(
        (r["symbol"], r["side"], r["size"], r["avgPrice"]) for r in truth["positions"]
    )
    assert all(row["seq"] == last_seq[row["symbol"]] for row in both.rows)
    assert first.rows + next_page.rows == both.rows[:2]
    assert spot.rows == []


async def test_instruments_page_and_filter() -> None:
    """Instruments come in pages and by status; spot has no cursor, options default to BTC."""
    path = "/v5/market/instruments-info"
    async with client_of(settings(executions=50)) as client:
        first = await client.get(path, "category=linear&limit=5")
        rest = await client.get(path, f"category=linear&limit=1000&cursor={first.cursor}")
        prelaunch = await client.get(path, "category=linear&limit=1000&status=PreLaunch")
        closed = await client.get(path, "category=linear&status=Closed")
        option = await client.get(path, "category=option")
        ether = await client.get(path, "category=option&baseCoin=ETH")
        solana = await client.get(path, "category=option&baseCoin=SOL")
        spot = await client.get(path, "category=spot&limit=1")
        inverse = await client.get(path, "category=inverse")
    linear = [row["symbol"] for row in first.rows + rest.rows]

    assert len(first.rows) == 5
    assert {"BTCPERP", "1000PEPEUSDT", "SHIB1000USDT"} < set(linear)
    assert len(linear) == len(set(linear))
    assert "FTMUSDT" not in linear
    assert "FTMUSDT" in [row["symbol"] for row in closed.rows]
    assert rest.cursor == prelaunch.cursor == option.cursor == ""
    assert prelaunch.rows == solana.rows == []
    assert {row["baseCoin"] for row in option.rows} == {"BTC"}
    assert {row["baseCoin"] for row in ether.rows} == {"ETH"}
    assert all(row["optionsType"] in ("Call", "Put") for row in option.rows)
    assert "nextPageCursor" not in spot.json()["result"]
    assert len(spot.rows) > 3
    assert all("qtyStep" not in row["lotSizeFilter"] for row in spot.rows)
    assert [(row["symbol"], row["settleCoin"]) for row in inverse.rows] == [
        ("BTCUSD", "BTC"),
        ("ETHUSD", "ETH"),
    ]


async def test_tickers_and_time() -> None:
    """Every category has tickers; a spot one has no mark price."""
    path = "/v5/market/tickers"
    async with client_of(settings(executions=50)) as client:
        linear = await client.get(path, "category=linear&symbol=BTCUSDT")
        spot = await client.get(path, "category=spot")
        option = await client.get(path, "category=option&baseCoin=BTC")
        bare = await client.get(path, "category=option")
        server_time = await client.get("/v5/market/time")
        key = await client.get("/v5/user/query-api")

    assert Decimal(linear.rows[0]["markPrice"]) > 1000
    assert all("markPrice" not in row and "usdIndexPrice" in row for row in spot.rows)
    assert all(Decimal(row["underlyingPrice"]) > 1000 for row in option.rows)
    assert bare.code == 10001
    assert int(server_time.json()["result"]["timeNano"]) > 0
    assert key.json()["result"]["readOnly"] == 1


async def test_candles_are_newest_first_and_fit_together() -> None:
    """The candle that contains `start` is included; extremes enclose the open and the close."""
    path = "/v5/market/kline"
    hour = DAY_MS // 24
    start = END - 10 * hour + 1
    async with client_of(settings(executions=50), clock=at_the_end) as client:
        reply = await client.get(
            path, f"category=linear&symbol=BTCUSDT&interval=60&start={start}&end={END - 1}"
        )
        latest = await client.get(path, "symbol=ETHUSDT&interval=1")
        wrong = await client.get(path, "symbol=ETHUSDT&interval=7")
    candles: list[Any] = reply.rows
    begins = [int(candle[0]) for candle in candles]

    assert begins == [END - hour * number for number in range(1, 11)]
    for candle in candles:
        opened, high, low, closed = (Decimal(text) for text in candle[1:5])
        assert low <= min(opened, closed) <= max(opened, closed) <= high
    assert len(latest.rows) == 200
    assert wrong.code == 10001

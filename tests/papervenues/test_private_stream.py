"""The private stream: login, subscriptions, and what is told of a live order."""

import asyncio

import pytest

from papervenues.bybit import ApiKey
from papervenues.bybit.auth import stream_login
from papervenues.bybit.envelope import RefusalError
from papervenues.bybit.switches import Switches
from tests.papervenues.trading_client import END_MS, Row, trader_of

KEY = ApiKey(account=0, key="labkey", secret="labsecret", read_only=True)
EXPIRES = 1_700_000_001_000
SIGNATURE = "bdd479215f0dfbeb03f9f599db04f85077f9fd36155d9bb01fdd28401506f66b"
ALL = ("execution", "order", "position", "wallet")
MINUTE_MS = 60_000


@pytest.mark.parametrize("expires", [EXPIRES, str(EXPIRES)])
def test_the_known_login_is_accepted(expires: object) -> None:
    """The venue's signature of a known login is known, with a number or a text."""
    found = stream_login({KEY.key: KEY}, [KEY.key, expires, SIGNATURE], now_ms=EXPIRES - 1)

    assert found is KEY


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([KEY.key, EXPIRES - 1, SIGNATURE], 10004),
        (["stranger", EXPIRES, SIGNATURE], 10003),
        ([KEY.key, "soon", SIGNATURE], 10001),
        ([KEY.key, True, SIGNATURE], 10001),
        ([KEY.key, EXPIRES], 10001),
        (None, 10001),
    ],
)
def test_a_wrong_login_is_refused(given: object, code: int) -> None:
    """Forged, strange or unreadable logins have their own codes."""
    with pytest.raises(RefusalError) as refused:
        stream_login({KEY.key: KEY}, given, now_ms=EXPIRES - 1)

    assert refused.value.code == code


def test_a_login_expires() -> None:
    """At the instant it names it is too late."""
    with pytest.raises(RefusalError) as refused:
        stream_login({KEY.key: KEY}, [KEY.key, EXPIRES, SIGNATURE], now_ms=EXPIRES)

    assert refused.value.code == 10002


async def test_a_request_id_comes_back_in_its_own_type() -> None:
    """Texts stay texts, numbers stay numbers, and none comes when none was sent."""
    async with trader_of() as trader, trader.stream() as stream:
        await stream.log_in()
        answers = [
            await stream.say(op="subscribe", args=["execution"], req_id="text"),
            await stream.say(op="subscribe", args=["order"], req_id=7),
            await stream.say(op="ping", req_id=9),
            await stream.say(op="ping"),
        ]

    assert [answer.get("req_id") for answer in answers] == ["text", 7, 9, None]
    assert [answer["op"] for answer in answers] == ["subscribe", "subscribe", "pong", "pong"]
    assert answers[3]["args"] == [str(END_MS)]


async def test_subscriptions_are_checked() -> None:
    """Before a login nothing is given; unknown and mixed topics are refused."""
    async with trader_of() as trader, trader.stream() as stream:
        early = await stream.say(op="subscribe", args=["execution"])
        await stream.log_in()
        wrong = [
            await stream.say(op="subscribe", args=topics)
            for topics in (["nothing"], ["execution", "order.linear"], [], "execution")
        ]
        good = await stream.say(op="subscribe", args=["execution.linear", "order.spot"])
        strange = await stream.say(op="shout")

    assert (early["success"], early["ret_msg"]) == (False, "Request not authorized")
    assert [answer["success"] for answer in wrong] == [False] * 4
    assert good["success"]
    assert not strange["success"]


@pytest.mark.parametrize("habit", ["closes", "stays"])
async def test_a_wrong_login_ends_the_connection_or_not(habit: str) -> None:
    """Which of the two is an open question of the manual, and so a switch."""
    switches = Switches.of([f"ws_auth_failure={habit}"])
    async with trader_of(switches=switches) as trader, trader.stream() as stream:
        answer = await stream.say(op="auth", args=["stranger", END_MS + 1, "00"])
        await stream.rest(0.1)
        closed = stream.socket.closed

    assert answer["success"] is False
    assert closed is (habit == "closes")


async def test_an_order_is_told_on_four_topics() -> None:
    """Several fills in one message; rows differ from REST as the venue's do."""
    async with trader_of() as trader, trader.stream() as stream:
        await stream.listen(*ALL)
        order = await trader.order("LINKUSDT", "Buy", "70000", orderLinkId="mine")
        told = {message["topic"]: message for message in await stream.rest(0.4)}
        rest = await trader.executions(order)
        [listed] = await trader.positions("LINKUSDT")
    fills: list[Row] = told["execution"]["data"]
    position = next(row for row in told["position"]["data"] if row["symbol"] == "LINKUSDT")

    assert set(told) == set(ALL)
    assert len(fills) > 1
    assert {row["execId"] for row in fills} == {row["execId"] for row in rest}
    assert {name for row in fills for name in row} - {name for row in rest for name in row} == {
        "category", "isLeverage", "execPnl",
    }  # fmt: skip
    assert told["order"]["data"][0]["orderStatus"] == "Filled"
    assert {"category", "closedPnl"} <= set(told["order"]["data"][0])
    assert "avgPrice" not in position
    assert position["entryPrice"] == listed["avgPrice"]
    assert told["wallet"]["data"][0]["coin"][0]["coin"] == "USDT"
    assert told["execution"]["creationTime"] == END_MS


async def test_the_fast_topic_says_less() -> None:
    """No fee, no type, no closed size; categorised topics get their own category only."""
    async with trader_of() as trader, trader.stream() as stream:
        await stream.listen("execution.fast.linear", "order.spot")
        await trader.order("LINKUSDT", "Buy", "10")
        told = await stream.rest(0.3)

    assert [message["topic"] for message in told] == ["execution.fast.linear"]
    assert not {"execFee", "execType", "closedSize"} & set(told[0]["data"][0])


async def test_a_realised_profit_is_told() -> None:
    """`execPnl` is what the closed part earned before fees."""
    async with trader_of() as trader, trader.stream() as stream:
        await trader.order("BTCUSD", "Buy", "300", category="inverse")
        await trader.advance(5 * MINUTE_MS)
        [held] = await trader.positions("BTCUSD", "inverse")
        await stream.listen("execution")
        await trader.order("BTCUSD", "Sell", "300", category="inverse")
        rows = (await stream.topic("execution"))["data"]
    entry, exit_price = float(held["avgPrice"]), float(rows[0]["execPrice"])

    assert sum(float(row["execPnl"]) for row in rows) == pytest.approx(
        300 / entry - 300 / exit_price, abs=2e-8
    )


async def test_what_is_told_once_is_not_repeated() -> None:
    """No snapshot on a subscription, and no replay after a reconnect."""
    async with trader_of() as trader:
        async with trader.stream() as first:
            await first.listen(*ALL)
            await trader.operate("/paper/disconnect")
            assert await first.rest() == []
            assert first.socket.closed
        await trader.order("LINKUSDT", "Buy", "10")
        await asyncio.sleep(0.2)
        async with trader.stream() as second:
            await second.listen(*ALL)

            assert await second.rest() == []


async def test_accounts_hear_their_own_events() -> None:
    """Another account's stream stays silent."""
    async with trader_of(accounts=2) as trader, trader.stream() as stream:
        stream.key = trader.venue.keys[2]
        await stream.listen(*ALL)
        await trader.order("LINKUSDT", "Buy", "10")

        assert await stream.rest() == []


@pytest.mark.parametrize(
    ("query", "minutes", "end"),
    [("", 11, "closed"), ("", 9, "open"), ("?max_active_time=30s", 2, "closed")],
)
async def test_a_silent_connection_is_dropped(query: str, minutes: int, end: str) -> None:
    """After ten minutes without traffic, or as long as the client asked for."""
    async with trader_of() as trader, trader.stream(query) as stream:
        await stream.log_in()
        await trader.advance(minutes * MINUTE_MS)
        await stream.rest()

        assert stream.socket.closed is (end == "closed")


async def test_the_bulk_history_is_told_as_its_time_passes() -> None:
    """A clock inside the history tells each row once, in the order of time."""
    async with trader_of() as trader, trader.stream() as stream:
        trader.clock.now_ms = END_MS
        await stream.listen("execution")
        await trader.order("BTCUSD", "Buy", "300", category="inverse")
        await trader.advance(24 * 60 * MINUTE_MS)
        told = [row for message in await stream.rest(0.5) for row in message["data"]]
        true = [
            row["execId"]
            for row in (await trader.truth())["executions"]
            if int(row["execTime"]) >= END_MS
        ]

    assert [row["execId"] for row in told] == true
    assert "Funding" in {row["execType"] for row in told}

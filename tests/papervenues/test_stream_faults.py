"""Each fault of the private stream does what it says, and leaves the truth alone."""

from tests.papervenues.trading_client import Row, trader_of

ALL = ("execution", "order", "position", "wallet")


async def told_under(*faults: str, topics: tuple[str, ...] = ("execution",)) -> list[Row]:
    """What a listener hears of three orders."""
    async with trader_of(*faults) as trader, trader.stream() as stream:
        await stream.listen(*topics)
        told: list[Row] = []
        for number in range(3):
            await trader.order("LINKUSDT", "Buy", "10", orderLinkId=f"order{number}")
            told += await stream.rest(0.15)
        told += await stream.rest(0.1)
        assert len(await trader.executions_of_links(3)) == 3
        return told


def links(told: list[Row]) -> list[str]:
    """The orders of the messages, in the order in which they came."""
    return [message["data"][0]["orderLinkId"] for message in told if "data" in message]


async def test_without_faults_everything_comes_once() -> None:
    """Three orders, three messages."""

    assert links(await told_under()) == ["order0", "order1", "order2"]


async def test_events_are_dropped() -> None:
    """REST has them, the stream does not."""

    assert links(await told_under("ws_dropped_event=1")) == []
    assert links(await told_under("ws_dropped_event=1@BTCUSDT")) == ["order0", "order1", "order2"]


async def test_events_are_duplicated() -> None:
    """Each comes twice, word for word."""
    told = await told_under("ws_duplicate_event=1")

    assert links(told) == ["order0", "order0", "order1", "order1", "order2", "order2"]
    assert told[0] == told[1]


async def test_events_change_places() -> None:
    """Held messages come after later ones; nothing is lost."""
    async with trader_of("ws_reordered=0.5") as trader, trader.stream() as stream:
        await stream.listen("execution")
        for number in range(8):
            await trader.order("LINKUSDT", "Buy", "10", orderLinkId=f"order{number}")
            await trader.advance(1)
        told = links(await stream.rest(1.6))

    assert sorted(told) == [f"order{number}" for number in range(8)]
    assert told != sorted(told)


async def test_events_come_late() -> None:
    """REST knows the fill for seconds before the stream does."""
    async with trader_of("ws_late_event=1") as trader, trader.stream() as stream:
        await stream.listen("execution")
        order = await trader.order("LINKUSDT", "Buy", "10")
        early, known = await stream.rest(0.5), await trader.executions(order)
        late = await stream.topic("execution")

    assert early == []
    assert late["data"][0]["execId"] in {row["execId"] for row in known}


async def test_a_silent_stream_answers_pings() -> None:
    """Pings are answered, events do not come."""
    async with trader_of("ws_silent=1") as trader, trader.stream() as stream:
        await stream.listen(*ALL)
        await trader.order("LINKUSDT", "Buy", "10")
        told = await stream.rest()
        pong = await stream.say(op="ping")

    assert told == []
    assert pong["op"] == "pong"


async def test_a_subscription_is_lost_after_a_reconnect() -> None:
    """The first connection hears everything, the second one nothing."""
    async with trader_of("ws_lost_subscription=1") as trader:
        heard = []
        for _ in range(2):
            async with trader.stream() as stream:
                await stream.listen("execution")
                await trader.order("LINKUSDT", "Buy", "10")
                heard.append(len(await stream.rest()))

    assert heard[0] > 0
    assert heard[1] == 0


async def test_a_connection_breaks_in_the_middle_of_a_burst() -> None:
    """A part of the fills comes, then the connection is gone; REST has all."""
    async with trader_of("ws_disconnect=1") as trader, trader.stream() as stream:
        await stream.listen("execution")
        order = await trader.order("LINKUSDT", "Buy", "90000")
        told = [row for message in await stream.rest(1) for row in message["data"]]
        fills = await trader.executions(order)
        broken = stream.socket.closed

    assert broken
    assert 0 < len(told) < len(fills)


async def test_the_login_expires() -> None:
    """In place of an event comes the end."""
    async with trader_of("ws_auth_expired=1") as trader, trader.stream() as stream:
        await stream.listen("execution")
        await trader.order("LINKUSDT", "Buy", "10")
        told = await stream.rest()
        ended = stream.socket.closed

    assert [(message["op"], message["success"]) for message in told] == [("auth", False)]
    assert ended


async def test_an_order_is_told_filled_twice() -> None:
    """Once as it is, once as a cancel that came too late has it."""
    told = await told_under("ws_two_filled=1", topics=("order",))
    reasons = {message["data"][0]["rejectReason"] for message in told}

    assert len(told) == 6
    assert reasons == {"EC_NoError", "EC_OrigClOrdIDDoesNotExist"}


async def test_a_position_is_told_without_a_change() -> None:
    """The same row comes twice."""
    told = await told_under("ws_idle_position=1", topics=("position",))

    assert len(told) == 6
    assert told[0]["data"] == told[1]["data"]

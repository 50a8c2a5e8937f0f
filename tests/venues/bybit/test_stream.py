"""The private stream is proven and subscribed, told verbatim, and ended by what may hide a fill."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import cast

import pytest

from fillbook.domain.execution import CashFlow, Execution
from fillbook.domain.observed import Balance
from fillbook.domain.order import Order
from fillbook.domain.window import milliseconds
from fillbook.errors import SettingError, VenueError, VenueKeyError, VenueUnavailable
from fillbook.venues._contract import Heard
from fillbook.venues.bybit import BybitVenue, StreamLimits, connect
from fillbook.venues.bybit.hosts import base_url_of, stream_url_of
from fillbook.venues.bybit.parse import parse_record
from tests.venues.bybit_rows import NOW, order, trade
from tests.venues.scripted_bybit import FakeTime, ScriptedBybit, connected
from tests.venues.scripted_stream import (
    ScriptedStream,
    on,
    saying,
    scripted_stream,
    then_close,
)

QUICK = StreamLimits(ping_seconds=0.1, pong_seconds=0.1, answer_seconds=0.5)
PATIENT = StreamLimits(ping_seconds=20, pong_seconds=10, answer_seconds=2)


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedStream]:
    async with scripted_stream() as running:
        yield running


def joined(scripted: ScriptedStream, limits: StreamLimits = PATIENT) -> BybitVenue:
    fake = FakeTime()
    return connect(
        key="labkey", secret="labsecret", base_url=scripted.url, clock=fake.clock,
        sleep=fake.sleep, stopwatch=fake.stopwatch, stream_limits=limits,
    )  # fmt: skip


async def heard(
    scripted: ScriptedStream, count: int, limits: StreamLimits = PATIENT
) -> list[Heard]:
    """What the first messages of a line tell."""
    venue = joined(scripted, limits)
    told: list[Heard] = []
    try:
        async with venue.stream() as live:
            async for one in live:
                told.append(one)
                if len(told) == count:
                    break
    finally:
        await venue.close()
    return told


def live(number: int, **changes: object) -> dict[str, object]:
    """A row of the topic of executions."""
    row = trade(number, isLeverage="0", execPnl="-1.5")
    del row["stopOrderType"]
    return row | {"category": "linear"} | changes


async def test_a_line_is_proven_and_subscribed_before_it_is_handed_out(
    scripted: ScriptedStream,
) -> None:
    """Key, an expiry by the venue's clock and its signature; then all topics in one request."""
    scripted.then = saying(on("execution", live(1)))
    await heard(scripted, 1)
    proof, subscription = scripted.said[:2]

    assert scripted.good_proofs == 1
    assert proof["op"] == "auth"
    assert 0 < cast("list[int]", proof["args"])[1] - milliseconds(NOW) <= 10_000
    assert subscription["args"] == ["execution", "order", "position", "wallet"]


async def test_rows_are_told_verbatim_by_category(scripted: ScriptedStream) -> None:
    """Several fills in one message, of two categories, with the keys and readings of the list."""
    rows = [live(1), live(2, execType="Funding"), live(3, category="spot"), live(4)]
    text = json.dumps(on("execution", *rows)).replace('"seq": ', '"seq" :  ')
    scripted.then = saying(text)
    told = await heard(scripted, 2)

    assert [(one.stream, one.scope, len(one.records)) for one in told] == [
        ("executions.live", "linear", 3),
        ("executions.live", "spot", 1),
    ]
    assert all(record.body in text.encode() for one in told for record in one.records)
    readings = [parse_record("executions.live", "linear", r.body) for r in told[0].records]
    kinds = [type(reading) for reading in readings]
    assert kinds == [Execution, CashFlow, Execution]
    listed = parse_record("executions", "linear", json.dumps(trade(1)).encode())
    assert isinstance(listed, Execution)
    assert told[0].records[0].record_key == listed.execution_key


async def test_an_unknown_category_does_not_end_the_line(scripted: ScriptedStream) -> None:
    """Its rows are counted and left out; those beside them and after them are told."""
    scripted.then = saying(
        on("execution", live(1), live(2, category="futures"), live(3, category="futures")),
        on("execution.moon", {"symbol": "BTCUSDT"}),
        on("execution", live(4)),
    )
    told = await heard(scripted, 4)

    assert [(one.scope, len(one.records), one.left_out) for one in told] == [
        ("linear", 1, 0),
        ("", 0, 2),
        ("", 0, 1),
        ("linear", 1, 0),
    ]


async def test_orders_positions_and_wallets_are_told(scripted: ScriptedStream) -> None:
    """Orders as rows, both legs of a position and the coins of a wallet as observations."""
    legs = [
        {"category": "linear", "symbol": "BTCUSDT", "side": "", "size": "0", "positionIdx": 1},
        {
            "category": "linear", "symbol": "BTCUSDT", "side": "Sell", "size": "0.5",
            "positionIdx": 2, "entryPrice": "65000.5", "liqPrice": "", "seq": 7,
        },
    ]  # fmt: skip
    coins = [{"coin": "USDC", "walletBalance": "12.5", "equity": "", "spotBorrow": "1"}]
    scripted.then = saying(
        on("order", order(1, category="linear")),
        on("position", *legs, {"symbol": "X", "size": "NaN"}),
        on("wallet", {"accountType": "UNIFIED", "coin": coins}, "nonsense"),
    )
    orders, held, wallet = await heard(scripted, 3)

    assert (orders.stream, orders.scope) == ("orders.live", "linear")
    read = parse_record("orders.live", "linear", orders.records[0].body)
    assert isinstance(read, Order)
    assert read.leg == "long"
    assert [(one.leg, one.qty) for one in held.positions] == [
        ("long", Decimal(0)),
        ("short", Decimal("-0.5")),
    ]
    assert held.positions[1].entry_price == Decimal("65000.5")
    assert wallet.balances == (Balance("UNIFIED", "USDC", Decimal("12.5"), Decimal(1), None, None),)


async def test_an_event_before_the_word_is_kept(scripted: ScriptedStream) -> None:
    """What is said before the subscription is confirmed comes first."""
    scripted.before_the_word = saying(on("execution", live(1)))
    scripted.then = saying(on("execution", live(2)))
    told = await heard(scripted, 2)

    read = [parse_record(one.stream, one.scope, one.records[0].body) for one in told]
    assert [one.execution_id for one in read if isinstance(one, Execution)] == ["exec-1", "exec-2"]


async def test_a_line_that_answers_pings_lives_on(scripted: ScriptedStream) -> None:
    """Nothing happens for several pings, and the line does not end."""
    venue = joined(scripted, QUICK)
    try:
        async with venue.stream() as line:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await anext(line)
    finally:
        await venue.close()

    assert [one["op"] for one in scripted.said].count("ping") >= 2


@pytest.mark.parametrize(
    "message",
    [
        "<html>",
        '{"topic":"execution"',
        "[]",
        on("execution", {"symbol": "BTCUSDT"}),
        on("execution", 7),
        {"topic": "execution", "data": None},
        {"topic": "order", "data": {"a": 1}},
    ],
    ids=str,
)
async def test_what_may_have_been_a_fill_ends_the_line(
    scripted: ScriptedStream, message: object
) -> None:
    """What went before is told first, then an error that says to read what was missed."""
    scripted.then = saying(on("execution", live(1)), message, on("execution", live(2)))
    venue = joined(scripted)
    told: list[Heard] = []
    try:
        async with venue.stream() as line:
            with pytest.raises(VenueUnavailable, match="read what was missed"):
                async for one in line:
                    told.append(one)  # noqa: PERF401 - the line ends with an error
    finally:
        await venue.close()

    assert len(told) == 1


async def test_a_closed_line_says_so(scripted: ScriptedStream) -> None:
    """After the last event that came."""
    scripted.then = then_close(on("execution", live(1)))

    with pytest.raises(VenueUnavailable, match="was closed"):
        await heard(scripted, 2)


async def test_a_line_without_pongs_ends(scripted: ScriptedStream) -> None:
    """A socket that is open and dead is noticed."""
    scripted.answers_pings = False

    with pytest.raises(VenueUnavailable, match="no pong"):
        await heard(scripted, 1, QUICK)


@pytest.mark.parametrize("what", ["auth", "subscribe"])
async def test_a_line_that_is_never_confirmed_is_not_handed_out(
    scripted: ScriptedStream, what: str
) -> None:
    """Without the venue's word nothing may be taken for live."""
    setattr(scripted, f"answers_{what}", False)

    with pytest.raises(VenueUnavailable, match=f"no answer to {what}"):
        await heard(scripted, 1, QUICK)


async def test_a_key_that_is_not_accepted_is_an_error_of_the_key(scripted: ScriptedStream) -> None:
    """It is not worth another try."""
    venue = connect(key="labkey", secret="other", base_url=scripted.url, clock=FakeTime().clock)
    try:
        with pytest.raises(VenueKeyError, match="private stream"):
            async with venue.stream():
                pass
    finally:
        await venue.close()


async def test_a_refused_line_is_told_apart_from_a_block(scripted: ScriptedStream) -> None:
    """HTTP 503 may be tried again; HTTP 403 silences everything for ten minutes."""
    venue = joined(scripted)
    try:
        scripted.refuses_with = 503
        with pytest.raises(VenueUnavailable, match="HTTP 503"):
            async with venue.stream():
                pass
        scripted.refuses_with = 403
        with pytest.raises(VenueError, match="blocked"):
            async with venue.stream():
                pass
        with pytest.raises(VenueError, match="a short while ago"):
            await venue.server_time()
    finally:
        await venue.close()


async def test_the_proof_holds_by_the_venue_s_clock(scripted: ScriptedStream) -> None:
    """However wrong our own clock is."""
    fake = FakeTime(now=NOW + timedelta(minutes=10))
    venue = connect(
        key="labkey", secret="labsecret", base_url=scripted.url, clock=fake.clock,
        sleep=fake.sleep, stopwatch=fake.stopwatch,
    )  # fmt: skip
    try:
        async with venue.stream():
            expires = cast("list[int]", scripted.said[0]["args"])[1]
    finally:
        await venue.close()

    assert 0 < expires - milliseconds(NOW) <= 10_000


async def test_no_line_is_opened_where_there_is_none(bybit: ScriptedBybit) -> None:
    """A host without a stream is an ordinary failure."""
    async with connected(bybit) as venue:
        with pytest.raises(VenueUnavailable, match="HTTP 404"):
            async with venue.stream():
                pass


@pytest.mark.parametrize(
    ("environment", "base_url", "expected"),
    [
        ("mainnet", None, "wss://stream.bybit.com/v5/private"),
        ("testnet", None, "wss://stream-testnet.bybit.com/v5/private"),
        ("demo", None, "wss://stream-demo.bybit.com/v5/private"),
        ("mainnet", "https://api.bybit.tr", "wss://stream.bybit.tr/v5/private"),
        ("mainnet", "http://127.0.0.1:81", "ws://127.0.0.1:81/v5/private"),
    ],
)
def test_each_environment_has_its_stream(
    environment: str, base_url: str | None, expected: str
) -> None:
    """The key goes to the stream beside the host of its questions, and nowhere else."""

    assert stream_url_of(base_url_of(environment, base_url)) == expected


def test_a_region_without_a_known_stream_is_refused() -> None:
    """The key is not sent to a guessed host."""

    with pytest.raises(SettingError):
        stream_url_of(base_url_of("mainnet", "https://api.bybit.nl"))


@pytest.mark.parametrize(
    "given", ["ws://127.0.0.1:1/v5/private", "wss://stream-testnet.bybit.com/v5/private"]
)
def test_a_stream_may_be_named(given: str) -> None:
    """The address that was given is used as it is."""
    assert stream_url_of("https://api.bybit.com", given) == given


@pytest.mark.parametrize(
    "given",
    [
        "wss://stream.example.com/v5/private",
        "ws://stream.bybit.com/v5/private",
        "wss://user:word@stream.bybit.com/v5/private",
        "wss://127.0.0.1",
        "https://stream.bybit.com/v5/private",
        "nonsense",
    ],
)
def test_a_proof_goes_to_no_stranger(given: str) -> None:
    """Another host, a line without TLS, or what is no address at all is refused."""
    with pytest.raises(SettingError):
        stream_url_of("https://api.bybit.com", given)

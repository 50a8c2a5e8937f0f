"""Every refusal has its action: try again, correct the clock, wait, or stop with a clear word."""

import asyncio
import traceback
from datetime import timedelta

import pytest

from fillbook.domain.window import milliseconds
from fillbook.errors import (
    VenueClockError,
    VenueError,
    VenueKeyError,
    VenueNotOffered,
    VenuePermissionRefused,
    VenueRateLimited,
    VenueRequestError,
    VenueUnavailable,
)
from fillbook.venues._http import HttpLimits
from fillbook.venues._sharing import Sharing
from fillbook.venues.bybit import RetrySettings, connect
from fillbook.venues.bybit.hosts import network_of
from tests.venues.bybit_rows import NOW, WINDOW, trade
from tests.venues.scripted_bybit import (
    EXECUTIONS,
    KEY,
    SECRET,
    TIME,
    FakeTime,
    Reply,
    ScriptedBybit,
    connected,
    listing,
    refusal,
    success,
)

RESET = "X-Bapi-Limit-Reset-Timestamp"
GOOD = listing([trade()])


async def ask(bybit: ScriptedBybit, fake: FakeTime | None = None, tries: int = 5) -> int:
    """Ask for one page: how many rows it has."""
    async with connected(bybit, fake=fake, tries=tries) as venue:
        page = await venue.pages("executions", "linear", WINDOW, None)
        return len(page.records)


@pytest.mark.parametrize(
    "fault",
    [
        *(
            refusal(code)
            for code in (10000, 10014, 10016, 170007, 170146, 10006, 170222, 20003, 429)
        ),
        *(Reply(status=status, body=b"<html>") for status in (408, 429, 500, 502, 503, 504)),
        Reply(behaviour="break_off", body=GOOD.body),
        Reply(body=b"<html>"),
        success(None),
    ],
)
async def test_what_passes_is_tried_again(bybit: ScriptedBybit, fault: Reply) -> None:
    """Twice a fault, then an answer: the page arrives, and the tries are counted."""
    bybit.play(EXECUTIONS, fault, fault, GOOD)
    fake = FakeTime()

    assert await ask(bybit, fake) == 1
    assert len(bybit.asked_of(EXECUTIONS)) == 3
    assert len(fake.slept) >= 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (refusal(10016), VenueUnavailable),
        (Reply(status=502), VenueUnavailable),
        (refusal(10006), VenueRateLimited),
        (Reply(status=429), VenueRateLimited),
    ],
)
async def test_what_does_not_pass_ends(
    bybit: ScriptedBybit, fault: Reply, error: type[VenueUnavailable]
) -> None:
    """After five tries there is an error that says so, and waits grew but stayed bounded."""
    bybit.play(EXECUTIONS, fault)
    fake = FakeTime()

    with pytest.raises(error, match="tried 5 times"):
        await ask(bybit, fake)
    assert len(bybit.asked_of(EXECUTIONS)) == 5
    assert sum(fake.slept) < 60


async def test_a_dropped_line_is_taken_up_again(bybit: ScriptedBybit) -> None:
    """A few dropped connections pass unnoticed, a line that always drops is an error."""
    drop = Reply(behaviour="drop")
    bybit.play(EXECUTIONS, drop, drop, drop, GOOD)
    assert await ask(bybit) == 1

    bybit.play(EXECUTIONS, drop)
    with pytest.raises(VenueUnavailable, match="tried 5 times"):
        await ask(bybit)


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (10003, VenueKeyError, "another environment"),
        (33004, VenueKeyError, "another environment"),
        (10007, VenueKeyError, "another environment"),
        (-2015, VenueKeyError, "another environment"),
        (10004, VenueKeyError, "check the API secret"),
        (10005, VenuePermissionRefused, "read permission"),
        (10010, VenueKeyError, "bound to other addresses"),
        (10024, VenueKeyError, "the account's state"),
        (10001, VenueRequestError, "10001"),
        (10028, VenueNotOffered, "mode"),
        (100028, VenueNotOffered, "mode"),
        (10029, VenueNotOffered, "mode"),
        (181014, VenueNotOffered, "mode"),
        (10017, VenueRequestError, "defect of Fillbook"),
        (181000, VenueRequestError, "defect of Fillbook"),
        (181010, VenueRequestError, "defect of Fillbook"),
        (181019, VenueRequestError, "defect of Fillbook"),
        (110001, VenueRequestError, "110001"),
        (10009, VenueKeyError, "the account's state"),
        (10027, VenueKeyError, "the account's state"),
        (10008, VenueKeyError, "the account's state"),
        (987654, VenueRequestError, "987654"),
    ],
)
async def test_what_cannot_pass_stops_at_once(
    bybit: ScriptedBybit, code: int, error: type[VenueError], words: str
) -> None:
    """One request, one sentence that says what to do, and the venue's code."""
    bybit.play(EXECUTIONS, refusal(code))

    with pytest.raises(error, match=words) as caught:
        await ask(bybit)
    assert type(caught.value) is error
    assert caught.value.code == code
    assert caught.value.retry is False
    assert len(bybit.asked_of(EXECUTIONS)) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, VenueKeyError), (404, VenueRequestError), (302, VenueError), (418, VenueRequestError)],
)
async def test_other_statuses_stop_at_once(
    bybit: ScriptedBybit, status: int, error: type[VenueError]
) -> None:
    """Redirects are not followed; an unknown path and a refused key are not asked again."""
    bybit.play(EXECUTIONS, Reply(status=status, headers={"Location": "/elsewhere"}))

    with pytest.raises(error):
        await ask(bybit)
    assert len(bybit.asked_of(EXECUTIONS)) == 1
    assert "/elsewhere" not in bybit.asked


async def test_a_refused_cursor_can_be_told(bybit: ScriptedBybit) -> None:
    """The code lets the engine start the window anew, and the venue's words are quoted."""
    bybit.play(EXECUTIONS, refusal(10001, "params error: cursor expired"))

    async with connected(bybit) as venue:
        with pytest.raises(VenueRequestError, match="cursor expired") as caught:
            await venue.pages("executions", "linear", WINDOW, "1%3A2")
    assert caught.value.code == 10001


async def test_the_reset_that_the_venue_names_is_waited_for(bybit: ScriptedBybit) -> None:
    """A reset in the future decides the wait; one in the past does not."""
    ahead = milliseconds(NOW + timedelta(seconds=3))
    behind = milliseconds(NOW - timedelta(seconds=3))
    for at, low, high in ((ahead, 2.9, 3.1), (behind, 1.0, 2.0)):
        bybit.play(EXECUTIONS, refusal(10006, **{RESET: str(at)}), GOOD)
        fake = FakeTime()
        await ask(bybit, fake)

        assert low <= sum(fake.slept) <= high


async def test_the_reset_reaches_the_caller(bybit: ScriptedBybit) -> None:
    """When tries run out, the error says until when to wait."""
    reset_at = NOW + timedelta(seconds=9)
    bybit.play(EXECUTIONS, refusal(10006, **{RESET: str(milliseconds(reset_at))}))

    with pytest.raises(VenueRateLimited) as caught:
        await ask(bybit, tries=1)
    assert caught.value.retry_at == reset_at


@pytest.mark.parametrize("skew", [timedelta(minutes=10), timedelta(minutes=-10)])
async def test_requests_carry_the_venue_s_time(bybit: ScriptedBybit, skew: timedelta) -> None:
    """However wrong our clock is, the first question is stamped with the venue's time."""
    bybit.play(EXECUTIONS, GOOD)

    await ask(bybit, FakeTime(now=NOW + skew))
    assert bybit.asked[0] == TIME
    assert abs(bybit.timestamps[0] - milliseconds(NOW)) <= 5


@pytest.mark.parametrize("code", [10002, -1])
async def test_a_refused_clock_is_corrected_once(bybit: ScriptedBybit, code: int) -> None:
    """The venue's clock is read again and the question repeated."""
    bybit.play(EXECUTIONS, refusal(code), GOOD)

    assert await ask(bybit) == 1
    assert [path.partition("?")[0] for path in bybit.asked] == [TIME, EXECUTIONS] * 2


async def test_a_clock_refused_twice_is_an_error(bybit: ScriptedBybit) -> None:
    """It is not asked a third time."""
    bybit.play(EXECUTIONS, refusal(10002))

    with pytest.raises(VenueClockError, match="NTP"):
        await ask(bybit)
    assert len(bybit.asked_of(EXECUTIONS)) == 2


async def test_a_block_silences_the_connection(bybit: ScriptedBybit) -> None:
    """After HTTP 403 nothing is sent for ten minutes, whatever is asked; then it is."""
    bybit.play(EXECUTIONS, Reply(status=403, body=b"<html>access too frequent</html>"), GOOD)
    fake = FakeTime()
    async with connected(bybit, fake=fake) as venue:
        with pytest.raises(VenueError, match="10 minutes") as first:
            await venue.pages("executions", "linear", WINDOW, None)
        with pytest.raises(VenueError, match="another 600 seconds"):
            await venue.server_time()
        sent = len(bybit.asked)
        fake.now += timedelta(minutes=10)
        page = await venue.pages("executions", "linear", WINDOW, None)

    assert not isinstance(first.value, VenueUnavailable)
    assert sent == 2
    assert len(page.records) == 1


async def test_the_older_name_of_a_block_is_a_block(bybit: ScriptedBybit) -> None:
    """Code 10018 in a body silences the connection like HTTP 403."""
    bybit.play(EXECUTIONS, refusal(10018))
    async with connected(bybit) as venue:
        with pytest.raises(VenueError, match="10 minutes"):
            await venue.pages("executions", "linear", WINDOW, None)
        with pytest.raises(VenueError, match="another 600 seconds"):
            await venue.server_time()


async def test_a_block_silences_every_connection_of_the_process(bybit: ScriptedBybit) -> None:
    """The address is blocked, not the key: another key's connection sends nothing either."""
    bybit.play(EXECUTIONS, Reply(status=403))
    fake = FakeTime()
    sharing = Sharing(sleep=fake.sleep, stopwatch=fake.stopwatch)
    other = connect(
        key="other", secret="word", base_url=bybit.url, clock=fake.clock, sharing=sharing
    )
    async with connected(bybit, fake=fake, sharing=sharing) as venue:
        with pytest.raises(VenueError, match="10 minutes"):
            await venue.pages("executions", "linear", WINDOW, None)
        sent = len(bybit.asked)
        with pytest.raises(VenueError, match="a short while ago"):
            await other.server_time()
        with pytest.raises(VenueError, match="a short while ago"):
            await other.positions()

    assert len(bybit.asked) == sent


@pytest.mark.parametrize(
    ("host", "network"),
    [
        *((host, "bybit") for host in ("api.bybit.com", "api.bytick.com", "api-demo.bybit.com")),
        *((host, "bybit") for host in ("api.bybit.nl", "api.manepa.jp", "API.bybit.com:443")),
        *((f"api-testnet.{of}", "bybit testnet") for of in ("bybit.com", "manepa.jp")),
        ("127.0.0.1:8001", "127.0.0.1:8001"),
        ("127.0.0.1:8002", "127.0.0.1:8002"),
        ("[::1]:8001", "[::1]:8001"),
    ],
)
def test_hosts_that_count_together(host: str, network: str) -> None:
    """All hosts of the venue but the testnet's; on loopback, each address by itself."""
    assert network_of(host) == network


async def test_a_block_silences_every_host_of_the_venue() -> None:
    """Blocked at one, nothing is sent to another: not even a name is looked up."""
    fake = FakeTime()
    sharing = Sharing(sleep=fake.sleep, stopwatch=fake.stopwatch)
    sharing.network(network_of("api.bybit.com")).silence(fake.stopwatch() + 600)
    for base_url in ("https://api.bytick.com", "https://api.bybit.nl"):
        venue = connect(
            key=KEY, secret=SECRET, base_url=base_url, clock=fake.clock, sharing=sharing
        )
        with pytest.raises(VenueError, match="another 600 seconds"):
            await venue.server_time()
        assert venue.requests == 0
        await venue.close()


async def test_one_key_keeps_one_pace_over_connections(bybit: ScriptedBybit) -> None:
    """Two connections with one key share what the venue told one of them."""
    bybit.play(EXECUTIONS, Reply(body=GOOD.body, headers={"X-Bapi-Limit": "2"}))
    fake = FakeTime()
    sharing = Sharing(sleep=fake.sleep, stopwatch=fake.stopwatch)
    async with (
        connected(bybit, fake=fake, sharing=sharing) as one,
        connected(bybit, fake=fake, sharing=sharing) as two,
    ):
        for venue in (one, two, one, two, one, two):
            await venue.pages("executions", "linear", WINDOW, None)

    assert 2.0 < (fake.now - NOW).total_seconds() < 3.0


async def test_a_reset_a_minute_ahead_is_waited_for(bybit: ScriptedBybit) -> None:
    """Some endpoints count by the minute."""
    ahead = milliseconds(NOW + timedelta(seconds=50))
    bybit.play(EXECUTIONS, refusal(10006, **{RESET: str(ahead)}), GOOD)
    fake = FakeTime()

    assert await ask(bybit, fake) == 1
    assert 49 < sum(fake.slept) < 51


async def test_a_stalled_answer_ends(bybit: ScriptedBybit) -> None:
    """A silent line is an error after the time limit, not a wait for ever."""
    bybit.play(EXECUTIONS, Reply(behaviour="stall"))
    venue = connect(
        key=KEY, secret=SECRET, base_url=bybit.url, clock=FakeTime().clock,
        retry=RetrySettings(tries=2, base_seconds=0), limits=HttpLimits(read_seconds=0.1),
    )  # fmt: skip
    try:
        with pytest.raises(VenueUnavailable, match="no answer in time"):
            await asyncio.wait_for(venue.pages("executions", "linear", WINDOW, None), 3)
    finally:
        await venue.close()


SIGN = f"error sign! origin_string[1700000000000{KEY}5000category=linear&cursor=secretcursor]"
CANARIES = (KEY, SECRET, "X-BAPI", "category=", "startTime", "secretcursor", "origin_string")


@pytest.mark.parametrize(
    "reply",
    [
        *(refusal(code, SIGN) for code in (10001, 10002, 10003, 10004, 10005, 10006, 10016, 77)),
        *(Reply(status=status, body=SIGN.encode()) for status in (200, 302, 401, 403, 404, 429)),
        Reply(status=500, body=SIGN.encode()),
        Reply(behaviour="drop"),
        Reply(behaviour="break_off", body=GOOD.body),
        Reply(body=b"x", headers={"Content-Encoding": "gzip"}),
    ],
)
async def test_errors_tell_no_secrets(bybit: ScriptedBybit, reply: Reply) -> None:
    """No key, secret, signature or query stands in an error, nor in its printed traceback."""
    bybit.play(EXECUTIONS, reply)
    async with connected(bybit, tries=2) as venue:
        with pytest.raises(VenueError) as caught:
            await venue.pages("executions", "linear", WINDOW, "secretcursor")

    error = caught.value
    lines = traceback.TracebackException.from_exception(error).format(chain=True)
    shown = [str(error), repr(error), str(error.__context__), str(error.__cause__), repr(venue)]
    printed = [line for line in lines if not line.lstrip().startswith("File ")]
    assert [word for word in CANARIES if word in " ".join(shown)] == []
    assert [word for word in (KEY, SECRET, "secretcursor=") if word in "".join(printed)] == []

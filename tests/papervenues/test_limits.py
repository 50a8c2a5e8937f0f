"""How fast one may ask: the documented table, addresses, headers, and odd requests."""

from dataclasses import replace

import aiohttp
import pytest
from yarl import URL

from papervenues.bybit.limiter import (
    ADDRESS_REQUESTS_MAX,
    DOCUMENTED,
    DOCUMENTED_LIMITS,
    MINUTE_MS,
    SECOND_MS,
    AddressGuard,
    Limiter,
)
from papervenues.bybit.switches import SwitchError, parse_switch
from tests.papervenues.faulty import faulty
from tests.papervenues.paper_client import RECENT_MS, settings

END = RECENT_MS


@pytest.mark.parametrize("path", DOCUMENTED_LIMITS)
def test_the_documented_limit_of_each_endpoint_holds(path: str) -> None:
    """The last one within its second or minute is refused, and the next one after it granted."""
    limit, window_ms = DOCUMENTED_LIMITS[path]
    limiter = Limiter(DOCUMENTED)
    granted = [limiter.ask("user", path, now_ms=0).granted for _ in range(limit + 1)]
    refused = limiter.ask("user", path, now_ms=window_ms - 1)

    assert granted == [True] * limit + [False]
    assert (refused.granted, refused.limit, refused.reset_ms) == (False, limit, window_ms)
    assert limiter.ask("user", path, now_ms=window_ms).granted
    assert window_ms in (SECOND_MS, MINUTE_MS)


def test_spot_orders_have_twice_the_limit_of_derivatives() -> None:
    """10 orders a second on derivatives, 20 on spot; each user has a limit of its own."""

    def granted(category: str, user: str) -> int:
        return sum(
            limiter.ask(user, "/v5/order/create", now_ms=5, category=category).granted
            for _ in range(30)
        )

    limiter = Limiter(DOCUMENTED)
    assert [granted("linear", "one"), granted("linear", "two"), granted("spot", "three")] == [
        10, 10, 20,
    ]  # fmt: skip


def test_an_address_that_asks_too_fast_is_shut_out() -> None:
    """600 requests in 5 seconds are granted, one more is not, and then none for ten minutes."""
    guard = AddressGuard(limited=True, ban_ms=10 * MINUTE_MS)
    inside = [guard.admits("a", now_ms=at) for at in range(ADDRESS_REQUESTS_MAX)]

    assert all(inside)
    assert not guard.admits("a", now_ms=4_999)
    assert guard.admits("b", now_ms=4_999)
    assert not guard.admits("a", now_ms=4_998 + 10 * MINUTE_MS)
    assert guard.admits("a", now_ms=4_999 + 10 * MINUTE_MS)


def test_a_slow_address_is_never_shut_out() -> None:
    """Just under 120 a second goes on for ever."""
    guard = AddressGuard(limited=True, ban_ms=MINUTE_MS)

    assert all(guard.admits("a", now_ms=number * 25 // 3) for number in range(3_000))


async def test_the_table_is_enforced_by_the_server_and_public_answers_tell_no_limit() -> None:
    """The sixth question for coins in a second is 10006; the time has no limit headers."""
    wanted = replace(settings(), rate=DOCUMENTED)
    async with faulty(wanted, clock=lambda: END) as client:
        replies = [await client.get("/v5/asset/coin/query-info") for _ in range(6)]
        public = await client.get("/v5/market/time")

    assert [reply.code for reply in replies] == [0] * 5 + [10006]
    assert [reply.headers["X-Bapi-Limit"] for reply in replies] == ["5"] * 6
    assert not any("limit" in name.lower() for name in public.headers)


async def test_the_address_limit_is_off_unless_asked_for() -> None:
    """With it, the 601st request in 5 seconds is HTTP 403, whatever was asked."""
    for limited, last in ((False, 200), (True, 403)):
        wanted = replace(settings(), ip_limit=limited)
        async with faulty(wanted, clock=lambda: END) as client:
            statuses = [
                (await client.get("/v5/market/time")).status
                for _ in range(ADDRESS_REQUESTS_MAX + 1)
            ]
        assert statuses == [200] * ADDRESS_REQUESTS_MAX + [last]


async def test_a_get_with_a_body_is_shut_out() -> None:
    """An empty JSON object in a GET is answered with HTTP 403."""
    async with faulty(settings()) as client:
        url = URL(f"{client.venue.url}/v5/market/time")
        async with client.session.get(url, data=b"{}") as response:
            with_body = response.status
        async with client.session.get(url) as response:
            without = response.status

    assert (with_body, without) == (403, 200)


async def test_a_post_that_is_no_json_is_refused_and_a_post_to_a_list_has_no_route() -> None:
    """The signature covers the exact bytes; after it the body must be an object."""
    async with faulty(settings()) as client, aiohttp.ClientSession() as session:
        url = URL(f"{client.venue.url}/v5/execution/list")
        async with session.post(url, data=b"{}") as response:
            body = await response.json()
            status = response.status

    assert (status, body["retCode"]) == (404, 10017)


@pytest.mark.parametrize(
    "text",
    ["nonsense=1", "wording", "wording=third", "ack_ms=-1", "ack_ms=x", "ack_ms=9999999999999999",
     "closed_pnl_split=yes"],
)  # fmt: skip
def test_a_wrong_switch_is_refused(text: str) -> None:
    """A switch needs a known name and one of its values."""

    with pytest.raises(SwitchError):
        parse_switch(text)


def test_switches_are_read_by_their_kind() -> None:
    """Texts, whole numbers and truth values."""

    assert parse_switch("wording=other") == ("wording", "other")
    assert parse_switch("ack_ms=0") == ("ack_ms", 0)
    assert parse_switch("long_window_code=181010") == ("long_window_code", 181010)
    assert parse_switch("closed_pnl_split=true") == ("closed_pnl_split", True)

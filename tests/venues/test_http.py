"""The client sends exactly what it is given, to where keys may go, and never waits for ever."""

import gzip
from urllib.parse import urlsplit

import pytest

from fillbook.errors import SettingError, VenueUnavailable
from fillbook.venues._http import HttpClient, HttpLimits, checked_base_url
from tests.venues.scripted_bybit import Reply, scripted_bybit

TARGET = "/v5/x?cursor=1%3a2%2C3%253A&q=a:b,c%20d&empty="


@pytest.mark.parametrize(
    "address",
    [
        "https://api.example.com",
        "https://api.example.com:8443",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://[::1]:8080",
    ],
)
def test_tls_or_loopback(address: str) -> None:
    """Encrypted to anywhere, in the clear to this machine only."""

    assert checked_base_url(address + "/") == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example.com",
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "https://user:hunter2@api.example.com",
        "https://api.example.com?x=1",
        "https://api.example.com:port",
        "ftp://127.0.0.1",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    """The sentence does not repeat what could be a password."""

    with pytest.raises(SettingError) as refused:
        checked_base_url(address)
    assert "hunter2" not in str(refused.value)


async def test_the_query_goes_out_byte_for_byte() -> None:
    """Nothing is decoded, encoded again or put in order; there is no body."""
    async with scripted_bybit() as server:
        server.play("/v5/x", Reply(body=b"{}", headers={"X-Note": "1"}))
        client = HttpClient(server.url)
        answer = await client.get(TARGET, headers={})
        await client.close()

    assert server.asked == [TARGET]
    assert server.bodies == [b""]
    assert (answer.status, answer.body, answer.headers["x-note"]) == (200, b"{}", "1")


async def test_a_packed_answer_is_unpacked_within_its_limit() -> None:
    """A small answer that swells beyond the limit is an error."""
    packed = {"Content-Encoding": "gzip"}
    async with scripted_bybit() as server:
        client = HttpClient(server.url, limits=HttpLimits(body_bytes=200_000))
        server.play("/good", Reply(body=gzip.compress(b"x" * 200_000), headers=packed))
        server.play("/bomb", Reply(body=gzip.compress(b"x" * 50_000_000), headers=packed))
        good = await client.get("/good", headers={})
        with pytest.raises(VenueUnavailable):
            await client.get("/bomb", headers={})
        await client.close()

    assert len(good.body) == 200_000


async def test_nobody_listening_is_one_sentence() -> None:
    """A refused connection says so, without the path."""
    async with scripted_bybit() as server:
        address = server.url
    client = HttpClient(address)
    try:
        with pytest.raises(VenueUnavailable, match="no connection, check the network") as caught:
            await client.get("/path?query=1", headers={})
    finally:
        await client.close()

    assert "query" not in str(caught.value)
    assert urlsplit(address).netloc in str(caught.value)

"""Who may ask: signatures, clocks, keys, limits, unknown paths."""

import pytest

from papervenues.bybit import ApiKey
from papervenues.bybit.auth import authenticate, sign
from papervenues.bybit.envelope import RefusalError
from papervenues.bybit.limiter import Limiter
from tests.papervenues.paper_client import client_of, settings

NOW_MS = 1_700_000_000_000
KEY = ApiKey(account=0, key="labkey", secret="labsecret", read_only=True)
VECTORS = {
    "category=linear&limit=1": "f4e8f0a565f3e1ada5572a4fb719cc80ed728c5a1bf4e5431d05b59c54c234dd",
    "category=linear&cursor=132766%3A2%2C132766%3A2&limit=100": (
        "367c722944e54c527fec849dcf7988f2ec375adfebf6b1bbe56537c6d3b7d0fe"
    ),
    "": "14463d7d3351b2b170c2d8965df4f1b0c5d6667f92b9e0f2ca05ed66ae578acd",
}
POSITIONS = "category=linear&settleCoin=USDT"


def headers(
    payload: str, *, key: str = KEY.key, stamp: int = NOW_MS, secret: str = KEY.secret
) -> dict[str, str]:
    text = f"{stamp}{key}5000{payload}"
    return {
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": str(stamp),
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": sign(secret=secret, text=text),
    }


def refusal_of(sent: dict[str, str], *, payload: str = "", trading: bool = False) -> int:
    try:
        authenticate({KEY.key: KEY}, sent, payload=payload, now_ms=NOW_MS, trading=trading)
    except RefusalError as error:
        return error.code
    return 0


@pytest.mark.parametrize("payload", VECTORS)
def test_known_signatures_are_made_and_accepted(payload: str) -> None:
    """The venue's signature of a known request is known."""
    sent = headers(payload)

    assert sent["X-BAPI-SIGN"] == VECTORS[payload]
    assert refusal_of(sent, payload=payload) == 0


def test_the_signature_of_the_stream_is_known() -> None:
    """The same rule signs the private stream's login."""

    assert sign(secret=KEY.secret, text="GET/realtime1700000001000") == (
        "bdd479215f0dfbeb03f9f599db04f85077f9fd36155d9bb01fdd28401506f66b"
    )


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({}, 10001),
        ({name: text for name, text in headers("").items() if name != "X-BAPI-SIGN"}, 10001),
        (headers("", key="stranger"), 10003),
        (headers("", stamp=NOW_MS - 5_001), 10002),
        (headers("", stamp=NOW_MS - 5_000), 0),
        (headers("", stamp=NOW_MS + 999), 0),
        (headers("", stamp=NOW_MS + 1_000), 10002),
        (headers("", secret="wrong"), 10004),
        (headers("category=linear"), 10004),
        (headers("") | {"X-BAPI-SIGN": "\u00fc"}, 10004),
        (headers("") | {"X-BAPI-TIMESTAMP": "now"}, 10001),
    ],
)
def test_a_wrong_request_is_refused_with_its_code(sent: dict[str, str], code: int) -> None:
    """Missing headers, strange keys, wrong clocks and wrong signatures have their own codes."""

    assert refusal_of(sent) == code


def test_a_read_only_key_may_not_trade() -> None:
    """The read-only key is refused where a permission is needed."""

    assert refusal_of(headers(""), trading=True) == 10005


def test_the_limit_is_over_a_rolling_second() -> None:
    """Two a second means: the third waits until the first is a second old."""
    limiter = Limiter(rate=2)
    asked = [limiter.ask("key", "/path", now_ms=at) for at in (0, 400, 999, 1_000, 1_001)]

    assert [one.granted for one in asked] == [True, True, False, True, False]
    assert asked[2].headers() == {
        "X-Bapi-Limit": "2",
        "X-Bapi-Limit-Status": "0",
        "X-Bapi-Limit-Reset-Timestamp": "1000",
    }
    assert limiter.ask("key", "/other", now_ms=1_001).granted


async def test_the_signature_covers_the_query_as_it_came() -> None:
    """Order and encoding of a query are the client's affair; doubled encoding is not forgiven."""
    async with client_of(settings(executions=200)) as client:
        odd = await client.get("/v5/position/list", "settleCoin=USDT&category=%6Cinear")
        forged = await client.get("/v5/position/list", POSITIONS, **{"X-BAPI-SIGN": "00"})

    assert odd.code == 0
    assert len(odd.rows) > 0
    assert forged.code == 10004


async def test_every_private_answer_tells_its_limit_and_a_rate_is_enforced() -> None:
    """With `rate` 3 the fourth quick request is refused with 10006 and a reset time."""
    wanted = settings(executions=200, rate=3)
    async with client_of(wanted, clock=lambda: wanted.end_ms) as client:
        replies = [await client.get("/v5/account/info") for _ in range(4)]

    assert [reply.code for reply in replies] == [0, 0, 0, 10006]
    assert [reply.headers["X-Bapi-Limit-Status"] for reply in replies] == ["2", "1", "0", "0"]
    assert replies[3].headers["X-Bapi-Limit-Reset-Timestamp"] == str(wanted.end_ms + 1_000)


async def test_an_unknown_path_has_the_shape_of_the_venue() -> None:
    """HTTP 404 and 10017, for the stream's address too."""
    async with client_of(settings(executions=50)) as client:
        replies = [await client.get(path) for path in ("/v5/nothing", "/", "/v5/private")]

    assert [(reply.status, reply.code) for reply in replies] == [(404, 10017)] * 3

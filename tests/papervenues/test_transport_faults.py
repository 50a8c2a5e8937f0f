"""What goes wrong on the wire, and with the codes of an answer."""

import asyncio
from collections import Counter
from dataclasses import replace

import aiohttp
import msgspec
import pytest

from papervenues.bybit.envelope import Answer
from papervenues.bybit.misbehaviour import cut_off
from papervenues.bybit.switches import Switches
from tests.papervenues.faulty import faulty
from tests.papervenues.paper_client import (
    DAY_MS,
    RECENT_MS,
    Client,
    Reply,
    settings,
)

END = RECENT_MS
WEEK = f"category=linear&startTime={END - 7 * DAY_MS}&endTime={END}&limit=20"
LOG = "/v5/account/transaction-log"
INFO = "/v5/account/info"


async def outcome(client: Client, query: str = WEEK) -> str:
    """What a plain client sees: the class of its error, or what kind of answer came."""
    try:
        reply = await asyncio.wait_for(client.executions(query), 1.0)
        body: object = reply.json()
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        return type(error).__name__
    if not isinstance(body, dict) or body.get("retCode") != 0:
        return "no success"
    result = body.get("result")
    rows = result.get("list") if isinstance(result, dict) else None
    good = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return "good" if good else "no list"


async def outcomes(fault: str, *, times: int = 1) -> Counter[str]:
    async with faulty(settings(fault)) as client:
        seen = [await outcome(client, f"category=linear&limit={n + 20}") for n in range(times)]
        truth = await client.truth()
    assert len(truth["executions"]) == 800
    return Counter(seen)


@pytest.mark.parametrize(
    ("fault", "status"),
    [("http_403", 403), ("http_429", 429), ("http_500", 500), ("http_502", 502),
     ("http_503", 503), ("http_504", 504), ("html_403", 403), ("html_429", 429),
     ("html_502", 502), ("html_body", 200), ("empty_body", 200)],
)  # fmt: skip
async def test_a_status_comes_without_json(fault: str, status: int) -> None:
    """The body is no JSON, whatever the status says; other endpoints are well."""
    async with faulty(settings(f"{fault}=1")) as client:
        reply = await client.executions(WEEK)
        info = await client.get(INFO)

    assert reply.status == status
    with pytest.raises(msgspec.DecodeError):
        reply.json()
    assert ("html" in reply.headers["Content-Type"]) == ("html" in fault)
    assert info.code == 0


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("truncated_json", {"DecodeError"}),
        ("broken_gzip", {"ClientPayloadError", "DecodeError"}),
        ("result_null", {"no list"}),
        ("result_empty", {"no list"}),
        ("list_missing", {"no list"}),
        ("stalled_body", {"TimeoutError"}),
        ("dropped_before", {"ServerDisconnectedError"}),
        ("dropped_during", {"ClientPayloadError"}),
        ("dropped_after", {"good"}),
    ],
)
async def test_a_broken_answer_is_never_a_good_one(fault: str, seen: set[str]) -> None:
    """Each fault of the body is seen by a plain client as what it is."""
    found = await outcomes(f"{fault}=1", times=1 if fault == "stalled_body" else 4)

    assert found.keys() <= seen


async def test_wrong_types_take_many_forms_and_none_is_a_list_of_objects() -> None:
    """Texts, numbers and lists stand where objects belong."""
    found = await outcomes("wrong_types=1", times=30)

    assert found["good"] == 0
    assert len(found) >= 2


async def test_a_wrong_length_is_too_long_or_too_short() -> None:
    """Either the client waits in vain for the rest, or it gets less than a whole answer."""
    found = await outcomes("wrong_length=1", times=12)

    assert found["good"] == 0
    assert len(found) >= 2


def test_truncation_strikes_at_every_byte() -> None:
    """There is no place in a body where it is never cut."""
    answer = Answer(b"0123456789")

    assert {len(cut_off(answer, salt=salt).body) for salt in range(9)} == set(range(1, 10))


async def test_an_answer_of_another_endpoint_or_request_comes_in_place() -> None:
    """The envelope is good; the rows are not those that were asked for."""
    async with faulty(settings("wrong_endpoint=1")) as client:
        strange = [await client.executions(f"category=linear&limit={n}") for n in range(1, 9)]
    async with faulty(settings("previous_answer=1")) as client:
        first = await client.executions(f"{WEEK}&symbol=BTCUSDT")
        second = await client.executions(f"{WEEK}&symbol=ETHUSDT")

    assert all(reply.code in (0, 10001) for reply in strange)
    assert all(b'"execId"' not in reply.body for reply in strange)
    assert second.body == first.body


@pytest.mark.parametrize(
    ("fault", "code"),
    [("overloaded_10000", 10000), ("overloaded_10016", 10016), ("overloaded_170007", 170007),
     ("request_timeout", 10016), ("time_refused", 10002), ("window_refused", 10001)],
)  # fmt: skip
async def test_a_code_is_answered_for_nothing_wrong(fault: str, code: int) -> None:
    """The request was good, and the next one may be answered."""
    async with faulty(settings(f"{fault}=0.5")) as client:
        replies = [await client.executions(WEEK) for _ in range(12)]

    codes = Counter(reply.code for reply in replies)
    assert codes.keys() == {0, code}


async def test_10006_comes_with_a_reset_in_the_future_in_the_past_or_without() -> None:
    """The three forms of the same refusal."""

    async def headers(fault: str) -> dict[str, str]:
        async with faulty(settings(f"{fault}=1")) as client:
            reply = await client.executions(WEEK)
        assert reply.code == 10006
        return {name.lower(): text for name, text in reply.headers.items()}

    reset = "x-bapi-limit-reset-timestamp"
    bare, past, right = [
        await headers(name) for name in ("rate_limited_bare", "rate_limited_past", "rate_limited")
    ]
    assert reset not in bare
    assert int(past[reset]) < int(right[reset])


@pytest.mark.parametrize(
    ("fault", "code"),
    [("key_unknown", 10003), ("signature_refused", 10004), ("permission_lost", 10005),
     ("address_unbound", 10010), ("key_expired", 33004)],
)  # fmt: skip
async def test_a_key_that_is_lost_in_mid_session_stays_lost(fault: str, code: int) -> None:
    """Before the hit all is well; after it, everything that the key asks is refused."""
    async with faulty(settings(f"{fault}=0.2")) as client:
        codes = [(await client.executions(WEEK)).code for _ in range(30)]
        info = await client.get(INFO)
        truth = await client.truth()

    first = codes.index(code)
    assert codes == [0] * first + [code] * (30 - first)
    assert info.code == code
    assert len(truth["executions"]) == 800


async def test_a_changed_mode_takes_one_product_away() -> None:
    """That endpoint and category are refused with 10028, others are not."""
    async with faulty(settings("mode_changed=1@execution/list")) as client:
        codes = [
            (await client.executions("category=linear")).code,
            (await client.executions("category=linear&limit=3")).code,
            (await client.get(LOG, "accountType=UNIFIED&category=linear")).code,
        ]

    assert codes == [10028, 10028, 0]


async def test_a_ban_holds_for_ten_minutes_and_then_for_twenty() -> None:
    """The address is shut out from everything; a second ban is longer than the first."""
    now = [END]
    wanted = settings("address_banned=1@execution/list")
    minute = 60_000

    async with faulty(wanted, clock=lambda: now[0]) as client:

        async def asked(minutes: int) -> int:
            now[0] += minutes * minute
            return (await client.get(INFO)).status

        first = (await client.executions(WEEK)).status
        statuses = [await asked(9), await asked(1)]
        again = (await client.executions(WEEK)).status
        statuses += [await asked(19), await asked(1)]
        truth = await client.truth()

    assert (first, again) == (403, 403)
    assert statuses == [403, 200, 403, 200]
    assert len(truth["executions"]) == 800


@pytest.mark.parametrize("fault", ["clock_skew", "clock_step", "clock_drift"])
async def test_a_wrong_clock_is_seen_in_the_venues_time_and_can_be_followed(fault: str) -> None:
    """10002 until the client takes the venue's time, which is off by up to ten minutes."""
    now = [END]

    async with faulty(settings(f"{fault}=0.5"), clock=lambda: now[0]) as client:
        codes: list[int] = []
        offsets: set[int] = set()
        for number in range(40):
            now[0] += 60_000
            codes.append((await client.executions(f"category=linear&limit={number + 1}")).code)
            told = (await client.get("/v5/market/time")).json()["result"]["timeNano"]
            offsets.add(int(told) // 1_000_000 - now[0])
            if codes[-1] == 10002:
                client.clock = lambda off=int(told) // 1_000_000 - now[0]: now[0] + off  # type: ignore[misc]

    assert {0, 10002} == {*codes}
    assert all(abs(offset) <= 660_000 for offset in offsets)
    assert (len(offsets) > 2) == (fault != "clock_skew")


async def test_other_wording_keeps_the_code() -> None:
    """By a fault for some refusals, by a switch for all."""
    bad = "category=linear&limit=0"
    texts = []
    for wanted in (
        settings(),
        settings("other_wording=1"),
        replace(settings(), switches=Switches.of(["wording=other"])),
    ):
        async with faulty(wanted) as client:
            reply: Reply = await client.executions(bad)
            assert reply.code == 10001
            texts.append(reply.json()["retMsg"])

    assert texts[0] != texts[1] == texts[2]

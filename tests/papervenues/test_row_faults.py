"""What goes wrong with single rows, while the truth stays as it is."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from papervenues.bybit.row_edits import EDITS, amounts_of
from papervenues.bybit.settings import HOUR_MS
from papervenues.faults import FAULTS
from tests.papervenues.faulty import faulty
from tests.papervenues.paper_client import DAY_MS, RECENT_MS, Client, Row, settings

END = RECENT_MS
START = END - 7 * DAY_MS
LOG = "/v5/account/transaction-log"
LOG_WEEK = f"accountType=UNIFIED&startTime={START}&endTime={END}&limit=50"
INSTRUMENTS = "/v5/market/instruments-info"
OF_EXECUTIONS = [name for name in EDITS if not name.startswith("symbol_")]
# What each of these leaves in the field that it strikes.
STRUCK: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "exec_id_empty": ("execId", lambda row: row["execId"] == ""),
    "exec_id_absent": ("execId", lambda row: "execId" not in row),
    "exec_type_corporate": ("execType", lambda row: row["execType"] == "CorporateAction"),
    "exec_type_unknown": ("execType", lambda row: row["execType"] == "UNKNOWN"),
    "exec_type_empty": ("execType", lambda row: row["execType"] == ""),
    "exec_type_new": ("execType", lambda row: row["execType"] == "RebalanceTrade"),
    "exec_type_other": (
        "execType",
        lambda row: row["execType"] in ("BlockTrade", "MovePosition", "FutureSpread"),
    ),
    "fee_coin_empty": ("feeCurrency", lambda row: row["feeCurrency"] == ""),
    "fee_coin_absent": ("feeCurrency", lambda row: "feeCurrency" not in row),
    "extra_fees": ("extraFees", lambda row: isinstance(row["extraFees"], list)),
    "closed_size_empty": ("closedSize", lambda row: row["closedSize"] == ""),
    "link_id_empty": ("orderLinkId", lambda row: row["orderLinkId"] == ""),
    "link_id_foreign": ("orderLinkId", lambda row: row["orderLinkId"].startswith("web-")),
    "link_id_colon": ("orderLinkId", lambda row: row["orderLinkId"].count(":") in (0, 2)),
    "shared_seq": ("seq", lambda row: row["seq"] % 64 == 0),
}


async def listed(client: Client) -> list[Row]:
    return [row for page in await client.walk(start=START, end=END) for row in page.rows]


async def truth(client: Client) -> list[Row]:
    rows = (await client.truth())["executions"]
    # Newest first, as the venue lists them; what the truth adds is left out.
    added = ("category", "account", "positionIdx", "bot")
    inside = [row for row in rows if START <= int(row["execTime"]) <= END]
    return [{key: row[key] for key in row if key not in added} for row in reversed(inside)]


async def both(*faults: str) -> tuple[list[Row], list[Row]]:
    """The rows as they are listed under faults and under none, in the same order."""
    async with faulty(settings()) as client:
        sound = await listed(client)
    async with faulty(settings(*faults)) as client:
        return await listed(client), sound


@pytest.mark.parametrize("fault", OF_EXECUTIONS)
async def test_an_edit_strikes_some_rows_alike_and_never_the_truth(fault: str) -> None:
    """A share of the rows is changed, always the same ones, and the truth is as without it."""
    runs = []
    for _ in range(2):
        async with faulty(settings(f"{fault}=0.5")) as client:
            runs.append((await listed(client), await truth(client)))
    async with faulty(settings()) as client:
        sound = (await listed(client), await truth(client))
    rows, true = runs[0]
    changed = sum(row != right for row, right in zip(rows, sound[0], strict=True))

    assert runs[0] == runs[1]
    assert true == sound[1]
    assert 0 < changed < len(rows)


@pytest.mark.parametrize("fault", STRUCK)
async def test_an_edit_strikes_its_own_field_only(fault: str) -> None:
    """With a share of 1 the field is spoilt wherever it can be, and nothing else."""
    field, is_struck = STRUCK[fault]
    rows, sound = await both(f"{fault}=1")

    for row, right in zip(rows, sound, strict=True):
        assert {k: v for k, v in row.items() if k != field} == {
            k: v for k, v in right.items() if k != field
        }
        if fault in ("exec_type_other", "exec_type_corporate") and right["execType"] != "Trade":
            assert row == right
        else:
            assert is_struck(row)


@pytest.mark.parametrize(
    ("fault", "form"),
    [("number_empty", ""), ("number_null", None), ("number_nan", "NaN"), ("number_dash", "-")],
)
async def test_no_number_stands_in_every_numeric_field(fault: str, form: str | None) -> None:
    """One field of a row is struck, and over many rows each amount has its turn."""
    rows, sound = await both(f"{fault}=1")
    fields = set()
    for row, right in zip(rows, sound, strict=True):
        struck = [name for name in right if row.get(name) != right[name]]
        assert [row[name] for name in struck] == [form] * len(struck)
        assert len(struck) == 1
        fields |= {*struck}

    assert fields == {name for row in sound for name in amounts_of(row)}


@pytest.mark.parametrize("fault", ["digits_38", "decimals_18", "number_exponent"])
async def test_another_notation_has_the_same_value(fault: str) -> None:
    """Digits, decimals and exponents change how a number is written, not what it is."""
    rows, sound = await both(f"{fault}=1")
    different = 0
    for row, right in zip(rows, sound, strict=True):
        for name in amounts_of(right):
            assert Decimal(row[name]) == Decimal(right[name])
            different += row[name] != right[name]

    assert different >= len(rows)
    if fault == "digits_38":
        assert max(len(row["execQty"].replace(".", "")) for row in rows) == 38


async def test_fields_are_added_renamed_dropped_and_retyped() -> None:
    """Exactly one field of each row differs."""
    for fault, change in (("field_added", 1), ("field_renamed", 0), ("field_dropped", -1)):
        rows, sound = await both(f"{fault}=1")
        assert {len(row) - len(right) for row, right in zip(rows, sound, strict=True)} == {change}
    rows, sound = await both("field_retyped=1")
    for row, right in zip(rows, sound, strict=True):
        assert [type(row[k]) is type(right[k]) for k in right].count(False) == 1


async def test_a_fee_is_corrected_when_it_is_served_again() -> None:
    """The first reading shows another fee and coin; the second one is true."""
    async with faulty(settings("fee_corrected=0.3")) as client:
        first, second = await listed(client), await listed(client)
    async with faulty(settings()) as client:
        sound = await listed(client)

    assert second == sound
    assert {row["feeCurrency"] for row in first} == {"USDT", "MNT"}


async def test_funding_rates_have_the_other_sign_and_fees_do_not() -> None:
    """Only the printed rate of funding rows changes."""
    rows, sound = await both("funding_rate_sign=1")
    for row, right in zip(rows, sound, strict=True):
        assert row["execFee"] == right["execFee"]
        expected = Decimal(right["feeRate"]) * (-1 if right["execType"] == "Funding" else 1)
        assert Decimal(row["feeRate"]) == expected


async def test_all_fills_of_an_order_lose_their_client_id_together() -> None:
    """Luck belongs to the order, not to the fill."""
    rows, sound = await both("link_id_foreign=0.5")
    fates: dict[str, set[bool]] = {}
    for row, right in zip(rows, sound, strict=True):
        fates.setdefault(right["orderId"], set()).add(row["orderLinkId"] != right["orderLinkId"])

    assert all(len(fate) == 1 for fate in fates.values())
    assert {True, False} == {True for fate in fates.values() if True in fate} | {
        False for fate in fates.values() if False in fate
    }


async def test_rows_come_late_with_a_heavy_tail() -> None:
    """At their own time few rows are there, seconds later half of them, two days later all."""
    now = [END]
    async with faulty(settings("late_by_time=1"), clock=lambda: now[0]) as client:
        rows = (await truth(client))[-40:]

        async def shown(passed: int) -> int:
            found = 0
            for row in rows:
                at = int(row["execTime"])
                now[0] = at + passed
                query = f"category=linear&startTime={at}&endTime={at}"
                ids = [one["execId"] for one in (await client.executions(query)).rows]
                found += row["execId"] in ids
            return found

        counts = [await shown(passed) for passed in (0, 10_000, 2 * HOUR_MS, 2 * DAY_MS)]

    assert counts == sorted(counts)
    assert counts[0] < 10 < counts[1] < 35 < counts[2] < counts[3] == 40


async def test_a_row_is_hidden_from_the_log_and_not_from_the_executions() -> None:
    """Each list can hide what the other one shows."""

    async def seen(*faults: str) -> tuple[int, set[str]]:
        async with faulty(settings(*faults)) as client:
            log: list[Row] = []
            cursor = ""
            while True:
                reply = await client.get(LOG, LOG_WEEK + (f"&cursor={cursor}" if cursor else ""))
                assert reply.code == 0
                log += reply.rows
                cursor = reply.cursor
                if not (reply.rows and cursor):
                    return len(await listed(client)), {row["tradeId"] for row in log}

    count, trades = await seen()
    assert await seen("hidden_from_log=1") == (count, set())
    fewer, some = await seen("hidden_from_log=0.2")
    assert fewer == count
    assert set() < some < trades
    fewer, some = await seen("hidden_row=0.2")
    assert fewer < count
    assert some == trades


async def test_an_upgraded_account_has_its_past_elsewhere() -> None:
    """Old rows are under the endpoints from before the upgrade, new ones under the normal ones."""
    query = f"category=linear&startTime={START}&endTime={END}&limit=100"
    instant = END - 2 * DAY_MS
    async with faulty(settings(f"account_upgraded=1@0..{instant}")) as client:
        new = await listed(client)
        old: list[Row] = []
        cursor = ""
        while True:
            path = "/v5/pre-upgrade/execution/list"
            reply = await client.get(path, query + (f"&cursor={cursor}" if cursor else ""))
            old += reply.rows
            cursor = reply.cursor
            if not (reply.rows and cursor):
                break
        true = {row["execId"] for row in await truth(client)}

    assert {row["execId"] for row in old} | {row["execId"] for row in new} == true
    assert max(int(row["execTime"]) for row in old) <= instant
    assert min(int(row["execTime"]) for row in new) > instant


async def test_symbols_are_unlisted_renamed_and_reused() -> None:
    """The list of instruments changes; fills of the symbol keep coming."""

    async def instruments(*faults: str) -> list[Row]:
        async with faulty(settings(*faults)) as client:
            assert {row["symbol"] for row in await listed(client)} >= {"BTCUSDT"}
            return (await client.get(INSTRUMENTS, "category=linear&limit=1000")).rows

    sound = {row["symbol"] for row in await instruments()}
    unlisted = {row["symbol"] for row in await instruments("symbol_unlisted=1@BTCUSDT")}
    renamed = {row["symbol"] for row in await instruments("symbol_renamed=1@BTCUSDT")}
    reused = [row for row in await instruments("symbol_reused=1@BTCUSDT")
              if row["symbol"] == "BTCUSDT"]  # fmt: skip

    assert sound - unlisted == {"BTCUSDT"}
    assert renamed - sound == {"BTCUSDTOLD"}
    assert reused[0]["baseCoin"] != "BTC"


def test_every_edit_is_a_fault_of_rows() -> None:
    """No edit is left without a switch."""

    assert {FAULTS[name].acts for name in EDITS} == {"row"}

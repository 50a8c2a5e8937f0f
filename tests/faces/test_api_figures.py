"""The API's figures are those of what truly happened on the paper exchange."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.faces.conftest import Api, Seeded

PAGE = 37


def replay(seeded: Seeded, at: datetime | None = None) -> dict[str, Decimal]:
    """What is held of each symbol, added up fill by fill."""
    held: Counter[str] = Counter()
    for row in seeded.fills:
        if at is None or int(row["execTime"]) <= at.timestamp() * 1000:
            sign = 1 if row["side"] == "Buy" else -1
            held[row["symbol"]] += sign * Decimal(row["execQty"])  # type: ignore[assignment]
    return {symbol: Decimal(qty) for symbol, qty in held.items() if qty}


def signed(row: dict[str, Any]) -> Decimal:
    quantity = Decimal(row["quantity"])
    return -quantity if row["side"] == "Sell" else quantity


async def test_every_execution_is_counted(api: Api, seeded: Seeded) -> None:
    """As many per symbol as there truly were, and no more."""

    truth = Counter(row["symbol"] for row in seeded.fills)
    counted = {
        symbol: (await api.get("reports/summary", symbol=symbol))["executions_total"]
        for symbol in truth
    }

    assert counted == truth
    assert (await api.get("reports/summary"))["executions_total"] == truth.total()


async def test_net_positions_are_the_exchanges(api: Api, seeded: Seeded) -> None:
    """Bots and unassigned lots add up to what the exchange says is held."""

    rows = (await api.get("positions/net"))["rows"]
    held = {row["symbol"]: signed(row) for row in rows if row["side"]}
    truth = {row["symbol"]: Decimal(row["signedSize"]) for row in seeded.truth["positions"]}

    assert truth
    assert held == truth == replay(seeded)


@pytest.mark.parametrize("share", [0.07, 0.31, 0.5, 0.77, 0.999])
async def test_positions_at_any_instant_equal_a_replay(
    api: Api, seeded: Seeded, share: float
) -> None:
    """At instants between fills, and at the very instant of one, which counts."""

    between = seeded.starts_at + share * (seeded.ends_at - seeded.starts_at)
    fill = seeded.fills[int(share * len(seeded.fills))]
    exactly = datetime.fromtimestamp(int(fill["execTime"]) / 1000, tz=seeded.starts_at.tzinfo)
    for at in (between.replace(microsecond=0), exactly, exactly - timedelta(milliseconds=1)):
        net = (await api.get("positions/net", as_of=at.isoformat()))["rows"]
        books = (await api.get("positions", as_of=at.isoformat()))["rows"]
        by_symbol: dict[str, Decimal] = {}
        for row in books:
            by_symbol[row["symbol"]] = by_symbol.get(row["symbol"], Decimal(0)) + signed(row)

        assert {row["symbol"]: signed(row) for row in net if row["side"]} == replay(seeded, at)
        assert {symbol: qty for symbol, qty in by_symbol.items() if qty} == replay(seeded, at)


async def test_fees_and_funding_of_what_is_closed_are_the_exchanges(
    api: Api, seeded: Seeded
) -> None:
    """Where no lot is open, every fee and every payment is in a trade, to the last digit."""

    opened = {row["symbol"] for row in (await api.get("positions"))["rows"]}
    flat = {row["symbol"] for row in seeded.fills} - opened
    assert flat != set()
    for symbol in flat:
        said = await api.get("reports/summary", symbol=symbol)
        rows = [row for row in seeded.truth["executions"] if row["symbol"] == symbol]
        fees = sum(Decimal(r["execFee"]) for r in rows if r["execType"] != "Funding")
        funding = sum(Decimal(r["execFee"]) for r in rows if r["execType"] == "Funding")

        assert Decimal(said["commission"]) == fees
        assert Decimal(said["funding"]) + Decimal(said["unattached_funding"]) == funding


async def test_pages_add_up_to_the_whole(api: Api) -> None:
    """Cursors lead through every trade once, newest first."""

    rows: list[dict[str, Any]] = []
    query = {"limit": str(PAGE)}
    while True:
        page = await api.get("trades", **query)
        rows += page["rows"]
        if page["next_cursor"] is None:
            break
        assert len(page["rows"]) == PAGE
        query["cursor"] = page["next_cursor"]
    whole = (await api.get("trades", limit="1000"))["rows"]

    assert rows == whole
    assert len({row["trade_id"] for row in rows}) == len(rows) == page["total"] > PAGE
    assert rows == sorted(rows, key=lambda r: (r["exit_time"], r["trade_id"]), reverse=True)


async def test_trades_summary_and_curve_say_the_same(api: Api) -> None:
    """Three reports, one matching: net = gross - commission - funding in each sum."""

    rows = (await api.get("trades", limit="1000"))["rows"]
    said = await api.get("reports/summary")
    curve = (await api.get("reports/equity"))["rows"]
    net = sum(Decimal(row["net_pnl"]) for row in rows)
    paid = Decimal(said["commission"]) + Decimal(said["funding"])

    assert Decimal(said["net_pnl"]) == net == Decimal(curve[-1]["cumulative"])
    assert Decimal(said["gross_pnl"]) - paid == net
    assert said["trades"] == len(rows) == sum(bot["trades"] for bot in said["bots"])
    assert said["trades"] == sum(reason["trades"] for reason in said["exit_reasons"])
    assert Decimal(said["max_drawdown"]) == min(Decimal(day["drawdown"]) for day in curve)


async def test_filters_part_the_trades(api: Api) -> None:
    """Each bot's and each reason's trades are found by their filter, and only they."""

    said = await api.get("reports/summary")
    for name, key in (("bot", "bot_id"), ("exit_reason", "exit_reason")):
        parts = said["bots" if name == "bot" else "exit_reasons"]
        for part in parts:
            page = await api.get("trades", limit="1000", **{name: part[key]})

            assert page["total"] == part["trades"] == len(page["rows"])
            assert {row[key] for row in page["rows"]} == {part[key]}


async def test_days_part_the_trades(api: Api) -> None:
    """Half-open intervals that touch hold every trade once."""

    days = [day["at"] for day in (await api.get("reports/equity"))["rows"]]
    bounds = ["2020-01-01", *days[::3], "2100-01-01T00:00:00Z"]
    totals = [
        (await api.get("trades", limit="1", **{"from": since, "to": until}))["total"]
        for since, until in pairwise(bounds)
    ]

    assert sum(totals) == (await api.get("trades"))["total"]


async def test_coverage_is_whole_and_said_everywhere(api: Api, seeded: Seeded) -> None:
    """What was asked for is read; every report says so beside its figures."""

    said = await api.get("coverage")
    asked = [(row["from"], row["to"]) for row in said["requested"]]

    assert said["percent"] == "100.00"
    assert (said["gaps"], said["alarms"]) == ([], [])
    assert {tuple(map(datetime.fromisoformat, bounds)) for bounds in asked} == {
        (seeded.starts_at, seeded.ends_at)
    }
    for path in ("trades", "positions", "positions/net", "reports/equity", "reports/summary"):
        assert (await api.get(path))["coverage"]["percent"] == "100.00"


async def test_status_names_the_account_and_its_freshness(api: Api, seeded: Seeded) -> None:
    """When it was last synced, and how far each stream reaches."""

    said = await api.get("status")
    account, stream = said["accounts"][0], said["streams"][0]

    assert (account["account"], account["exchange"], account["last_error"]) == (
        "bybit",
        "bybit",
        None,
    )
    assert account["last_sync_at"] is not None
    assert datetime.fromisoformat(stream["read_until"]) == seeded.ends_at
    assert said["version"] == "0.0.0"

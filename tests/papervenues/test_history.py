"""The seeded history: the same everywhere, and true to its own rules."""

import re
from collections import Counter, defaultdict
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from papervenues.bybit import Settings, history_of
from papervenues.bybit.replay import bot_holdings, net_positions
from papervenues.bybit.rows import RowEncoder
from papervenues.bybit.truth import truth_chunks
from papervenues.faults import FaultPlan, parse_fault
from tests.papervenues.paper_client import DAY_MS, END_MS, Row

# A change of this number means that every history of every seed has changed.
KNOWN_DIGEST = "ddf8f0668ea83f9e15739f3dbd20701210ff0f9832276794c5f97aa0d841d8a7"
KNOWN_BURSTS_DIGEST = "e38d45cbbb653a0aeacfca79271abd6936aa2e89f2d54d199f8d89e930ce0b5e"
WIDE = Settings(end_ms=END_MS, executions=12_000, days=30)
LINK_ID = re.compile(
    r"f1-(?P<bot>[A-Za-z0-9_]{1,18})-(?P<reason>[a-z]{2})-(?P<ms>[0-9a-z]{8})[0-9a-z]{2}"
)
NOTHING_ORDERED = ("orderQty", "orderPrice", "leavesQty", "closedSize")
DASHED = re.compile(r"(?P<bot>[a-z]+_\d{3})-[a-z_]+-\d{10,13}")


@pytest.fixture(scope="module")
def truth() -> Row:
    return truth_of(WIDE)


def truth_of(settings: Settings) -> Row:
    encoders = tuple(RowEncoder(account) for account in history_of(settings).accounts)
    decoded: Row = msgspec.json.decode(b"".join(truth_chunks(encoders, now_ms=END_MS)))
    return decoded


def digest_of_history(settings: Settings) -> str:
    chosen = sha256()
    for account in history_of(settings).accounts:
        encoder = RowEncoder(account)
        for row in range(len(account)):
            chosen.update(encoder.row(row))
    return chosen.hexdigest()


def signed(row: Row) -> Decimal:
    if row["execType"] == "Funding":
        return Decimal(0)
    return Decimal(row["execQty"]) * (1 if row["side"] == "Buy" else -1)


def test_history_is_the_same_on_every_machine() -> None:
    """A seed, an end and the other inputs fix every byte of history, for ever."""

    settings = Settings(end_ms=END_MS, executions=2_000, days=20, accounts=2, bots=4)

    assert digest_of_history(settings) == KNOWN_DIGEST


def test_a_history_with_bursts_is_the_same_on_every_machine() -> None:
    """So it is over months, with another seed and with a fault of the history itself."""
    plan = FaultPlan((parse_fault("same_ms_burst=0.01"),))
    settings = Settings(end_ms=END_MS, executions=6_000, days=100, bots=6, seed=11, faults=plan)

    assert digest_of_history(settings) == KNOWN_BURSTS_DIGEST


@pytest.mark.parametrize("change", [{"seed": 8}, {"days": 21}, {"bots": 5}, {"executions": 2_100}])
def test_another_input_gives_another_history(change: dict[str, Any]) -> None:
    """Each input matters."""
    first = Settings(end_ms=END_MS, seed=7, executions=2_000, days=20, bots=4)

    assert digest_of_history(first) != digest_of_history(replace(first, **change))


@pytest.mark.parametrize(
    ("executions", "days", "accounts"),
    [(300, 90, 1), (1_000, 30, 1), (5_000, 1, 1), (20_000, 90, 3), (0, 5, 1)],
)
def test_activity_comes_out_as_wanted(executions: int, days: int, accounts: int) -> None:
    """The number of executions is within a tenth of what was asked for."""
    settings = Settings(end_ms=END_MS, executions=executions, days=days, accounts=accounts)

    made = sum(len(account) for account in history_of(settings).accounts)

    assert abs(made - executions) <= executions // 10


def test_true_order_is_time_order_and_seq_order(truth: Row) -> None:
    """Time never runs back, seq grows within a symbol, and no row leaves the history's time."""
    rows = truth["executions"]
    seqs: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        seqs[row["symbol"]].append(row["seq"])
    times = [int(row["execTime"]) for row in rows]

    assert times == sorted(times)
    assert WIDE.start_ms <= times[0]
    assert times[-1] < END_MS
    assert all(found == sorted(set(found)) for found in seqs.values())


def test_closed_size_follows_the_net_position(truth: Row) -> None:
    """Each closed size is what the fill took off the net position; the chain ends at the truth."""
    net: dict[str, Decimal] = defaultdict(Decimal)
    for row in truth["executions"]:
        before, change = net[row["symbol"]], signed(row)
        closes = before * change < 0

        assert Decimal(row["closedSize"]) == (min(abs(before), abs(change)) if closes else 0)

        net[row["symbol"]] += change
    ends = {row["symbol"]: Decimal(row["signedSize"]) for row in truth["positions"]}

    assert {symbol: size for symbol, size in net.items() if size} == ends
    assert ends


def test_bots_hold_what_the_account_holds(truth: Row) -> None:
    """The holdings of all bots add up to the net position, symbol by symbol."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for row in truth["bots"]:
        held[row["symbol"]] += Decimal(row["size"])
    net = {row["symbol"]: Decimal(row["signedSize"]) for row in truth["positions"]}

    assert {symbol: size for symbol, size in held.items() if size} == net


def test_replay_agrees_with_what_the_exchange_kept() -> None:
    """Holdings derived from the rows are those that the exchange booked while it traded."""
    (account,) = history_of(WIDE).accounts
    kept = sorted(account.holdings_at_end, key=lambda one: (one.bot, one.symbol))

    assert bot_holdings(account, rows=len(account)) == kept
    assert kept


def test_bots_close_no_more_than_they_hold() -> None:
    """Only entries, adds and reversals open anything; bots learn at once what the venue took.

    The book here is the plain rule: a bot closes its own lots, oldest first; the venue takes the
    oldest lots of the side it reduces, whoever's they are. Six bots at a quick pace meet often.
    """
    settings = Settings(end_ms=END_MS, executions=25_000, days=1, bots=6)
    lots: dict[str, list[list[Any]]] = defaultdict(list)
    taken_by_venue = 0
    for row in truth_of(settings)["executions"]:
        change, book = signed(row), lots[row["symbol"]]
        for lot in book:
            if lot[1] * change < 0 and row["bot"] in (None, lot[0]):
                part = min(abs(lot[1]), abs(change))
                lot[1] += part if lot[1] < 0 else -part
                change += part if change < 0 else -part
        book[:] = [lot for lot in book if lot[1]]
        taken_by_venue += row["bot"] is None and row["execType"] != "Funding"
        if change:
            assert re.search("-(en|ad|rv|entry|add|reversal)-", row["orderLinkId"])
            book.append([row["bot"], change])

    assert taken_by_venue > 50


def test_orders_without_a_bot_only_reduce(truth: Row) -> None:
    """What the venue or a person sends is sized against the net position: it all closes."""
    rows = [row for row in truth["executions"] if row["bot"] is None]
    fills = [row for row in rows if row["execType"] != "Funding"]

    assert len(fills) > 20
    assert all(row["closedSize"] == row["execQty"] for row in fills)


def test_every_kind_of_ending_occurs(truth: Row) -> None:
    """Months on an account bring all kinds of orders, with and without a bot."""
    rows = truth["executions"]
    kinds = Counter(row["createType"] for row in rows)
    wanted = {
        "CreateByUser", "", "CreateByClosing", "CreateByLiq", "CreateByTakeOver_PassThrough",
        "CreateByAdl_PassThrough", "CreateByStopLoss", "CreateByTakeProfit",
        "CreateByTrailingStop", "CreateByPartialStopLoss", "CreateByPartialTakeProfit",
    }  # fmt: skip
    flips = [row for row in rows if 0 < Decimal(row["closedSize"]) < Decimal(row["execQty"])]

    assert set(kinds) == wanted
    assert {row["execType"] for row in rows} == {"Trade", "Funding", "BustTrade", "AdlTrade"}
    assert len(flips) > 20
    assert any(Decimal(row["execFee"]) < 0 and row["isMaker"] for row in rows)
    assert any(row["orderType"] == "Limit" and not row["isMaker"] for row in rows)


def test_client_ids_are_legal_unique_and_true(truth: Row) -> None:
    """A bot's orders carry its own tag in one of the dialects; the venue's carry none."""
    tags: dict[str, str] = {}
    for row in truth["executions"]:
        tag = row["orderLinkId"]
        if row["bot"] is None:
            assert tag == ""
            continue
        match = LINK_ID.fullmatch(tag) or DASHED.fullmatch(tag)

        assert match is not None
        assert match["bot"] == row["bot"]
        assert len(tag) <= 36
        assert tags.setdefault(tag, row["orderId"]) == row["orderId"]
    assert sum(DASHED.fullmatch(tag) is not None for tag in tags) > 20


def test_money_is_exact(truth: Row) -> None:
    """Value is quantity times price to the last digit; a fee is value times rate, rounded to 8."""
    for row in truth["executions"]:
        value = Decimal(row["execValue"])

        assert value == Decimal(row["execQty"]) * Decimal(row["execPrice"])
        if row["execType"] != "Funding":
            fee = value * Decimal(row["feeRate"])
            assert abs(Decimal(row["execFee"]) - fee) <= Decimal("0.000000005")


def test_funding_is_paid_on_the_position_before_the_instant(truth: Row) -> None:
    """Every eight hours each open position has one funding row of its side and size."""
    net: dict[str, Decimal] = defaultdict(Decimal)
    funded: Counter[int] = Counter()
    for row in truth["executions"]:
        if row["execType"] == "Funding":
            size = net[row["symbol"]]
            funded[int(row["execTime"])] += 1

            assert int(row["execTime"]) % (DAY_MS // 3) == 0
            assert Decimal(row["execQty"]) == abs(size)
            assert row["side"] == ("Buy" if size > 0 else "Sell")
            assert row["orderType"] == "UNKNOWN"
            assert row["orderLinkId"] == ""
            assert {row[name] for name in NOTHING_ORDERED} == {"0"}
        net[row["symbol"]] += signed(row)

    assert len(funded) > 80
    assert any(Decimal(row["execFee"]) < 0 for row in truth["executions"])


def test_a_burst_is_larger_than_a_page_and_only_closed_size_tells_its_order() -> None:
    """`same_ms_burst` makes more than 100 rows of one symbol and millisecond, seq useless."""
    plan = FaultPlan((parse_fault("same_ms_burst=0.01@BTCUSDT"),))
    (account,) = history_of(
        Settings(end_ms=END_MS, executions=6_000, days=10, faults=plan)
    ).accounts
    bursts: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in range(len(account)):
        bursts[account.symbol_of(row), account.executions.time_ms[row]].append(
            account.executions.seq[row]
        )
    large = [(key, seqs) for key, seqs in bursts.items() if len(seqs) > 100]

    assert large
    assert {key[0] for key, _ in large} == {0}
    assert all(seqs != sorted(set(seqs)) for _, seqs in large)


def test_an_open_position_has_the_average_price_of_its_entries() -> None:
    """A position's average price lies between the lowest and the highest price of history."""
    (account,) = history_of(WIDE).accounts
    prices: dict[int, list[int]] = defaultdict(list)
    for row in range(len(account)):
        prices[account.symbol_of(row)].append(account.executions.price[row])

    for position in net_positions(account, rows=len(account)):
        if position.qty:
            average = position.average_e12 // 10**12
            assert min(prices[position.symbol]) - 1 <= average <= max(prices[position.symbol])

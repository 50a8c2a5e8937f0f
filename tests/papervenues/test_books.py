"""What follows from the store adds up: cash, positions, closed profits, the wallet."""

from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest

from papervenues.bybit import Settings
from papervenues.bybit.history import AccountHistory
from papervenues.bybit.replay import net_positions
from papervenues.bybit.vocabulary import COINS, SESSION
from tests.papervenues.asking import ALL, ask, everything, settings_of, venue_of
from tests.papervenues.paper_client import Row, client_of

HISTORIES = [settings_of(), settings_of(hedge=True, seed=11), settings_of(categories=("linear",))]
FILLS = {"TRADE", "LIQUIDATION", "ADL", "DELIVERY"}
E8 = Decimal("0.00000001")


@pytest.fixture(params=HISTORIES, ids=["all", "hedged", "linear"])
def settings(request: pytest.FixtureRequest) -> Settings:
    wanted: Settings = request.param
    return wanted


def log_of(settings: Settings) -> list[Row]:
    return everything(
        venue_of(settings), "account/transaction-log", {"accountType": "UNIFIED", "limit": 50}
    )


def number(text: str) -> Decimal:
    return Decimal(text or "0")


def test_the_cash_chain_holds_over_every_log(settings: Settings) -> None:
    """Each balance is the one before it and the change, which has three parts."""
    chains: dict[str, list[Row]] = defaultdict(list)
    for row in log_of(settings):
        chains[row["currency"]].append(row)

    assert chains
    for rows in chains.values():
        for row in rows:
            parts = number(row["cashFlow"]) + number(row["funding"]) - number(row["fee"])
            assert number(row["change"]) == parts
        assert number(rows[0]["cashBalance"]) == number(rows[0]["change"])
        for before, after in pairwise(rows):
            expected = number(before["cashBalance"]) + number(after["change"])
            assert number(after["cashBalance"]) == expected


def test_the_position_chain_holds_over_every_log(settings: Settings) -> None:
    """The size after a fill is the size before it and the signed quantity, leg by leg."""
    sizes: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    seen: set[tuple[str, str]] = set()
    for row in log_of(settings):
        if row["type"] not in FILLS or row["category"] == "spot":
            continue
        if (row["tradeId"], row["type"]) in seen:
            continue  # a fee in a third coin is a second line of the same fill
        seen.add((row["tradeId"], row["type"]))
        signed = number(row["qty"]) * (1 if row["side"] == "Buy" else -1)
        after = number(row["size"])
        legs = [
            leg
            for leg in (("net",), ("long",), ("short",))
            if sizes[row["category"], row["symbol"], leg[0]] + signed == after
        ]
        assert legs, row
        if settings.hedge and row["category"] == "linear":
            leg = "long" if after > 0 or (after == 0 and signed < 0) else "short"
        else:
            leg = "net"
        sizes[row["category"], row["symbol"], leg] += signed
        assert sizes[row["category"], row["symbol"], leg] == after


def test_the_log_tells_every_execution_once(settings: Settings) -> None:
    """Each fill and funding is in the log, by its id; sessions go with their funding."""
    venue = venue_of(settings)
    told = {row["tradeId"] for row in log_of(settings) if row["tradeId"]}
    encoder, history = venue.pages[0].encoder, venue.pages[0].history
    happened = {encoder.exec_id(row) for row in range(len(history))}
    sessions = {encoder.exec_id(row) for row in range(len(history)) if is_session(history, row)}

    assert told <= happened
    assert happened - told <= sessions


def is_session(history: AccountHistory, row: int) -> bool:
    return history.executions.exec_type[row] == SESSION


def test_closed_profits_sum_to_what_trades_earned(settings: Settings) -> None:
    """All closed profits and the entry fees of what is open are the trades' cash and fees."""
    venue = venue_of(settings)
    for category, coin in (("linear", "USDT"), ("inverse", "BTC"), ("inverse", "ETH")):
        closed = everything(venue, "position/closed-pnl", {"category": category, "limit": 100})
        symbols = {
            one.symbol
            for one in venue.pages[0].history.instruments
            if (one.category, one.settle) == (category, coin)
        }
        total = sum(number(r["closedPnl"]) for r in closed if r["symbol"] in symbols)
        lines = [
            row
            for row in log_of(settings)
            if row["symbol"] in symbols and row["category"] == category
            and row["type"] in FILLS and row["currency"] == coin
        ]  # fmt: skip
        earned = sum(number(r["cashFlow"]) - number(r["fee"]) for r in lines)
        book = venue.book(0, now_ms=venue.clock())
        open_fees = sum(
            leg.open_fee_e8 for leg in book.legs.values() if leg.instrument.symbol in symbols
            and leg.instrument.category == category
        )  # fmt: skip

        assert total - open_fees * E8 == earned


def test_each_close_is_its_values_less_its_fees(settings: Settings) -> None:
    """Within the last digit, a row's profit follows from its own values and fees."""
    for category in ("linear", "inverse"):
        rows = everything(venue_of(settings), "position/closed-pnl", {"category": category})
        for row in rows:
            gain = number(row["cumExitValue"]) - number(row["cumEntryValue"])
            gain *= 1 if row["side"] == "Sell" else -1
            gain *= 1 if category == "linear" else -1
            fees = number(row["openFee"]) + number(row["closeFee"])
            assert number(row["closedPnl"]) == gain - fees


def test_positions_are_what_a_second_replay_says(settings: Settings) -> None:
    """Sizes, averages and sequence numbers agree with a replay by another hand."""
    venue = venue_of(settings)
    history = venue.pages[0].history
    listed = {
        (category, row["symbol"], row["positionIdx"]): (row["side"], row["size"], row["seq"])
        for category in ("linear", "inverse", "option")
        for settle in ("USDT", "USDC", "BTC", "ETH")
        for row in ask(
            venue, "position/list", {"category": category, "settleCoin": settle, "limit": 200}
        )["list"]
    }
    expected = {
        (one.category, one.symbol, position.position_idx): (
            "Buy" if position.qty > 0 else "Sell",
            plain(abs(position.qty), one.qty_decimals),
            position.seq,
        )
        for position in net_positions(history, rows=len(history))
        for one in [history.instruments[position.symbol]]
        if position.qty
    }

    assert listed == expected


def plain(qty: int, decimals: int) -> str:
    text = f"{Decimal(qty).scaleb(-decimals):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def test_the_wallet_is_the_last_balance_of_the_log(settings: Settings) -> None:
    """Equity is the balance, the open gains and the options; borrowing stands apart."""
    last = {row["currency"]: row["cashBalance"] for row in log_of(settings)}
    venue = venue_of(settings)
    result = ask(
        venue, "account/wallet-balance", {"accountType": "UNIFIED", "coin": ",".join(COINS)}
    )
    coins = {row["coin"]: row for row in result["list"][0]["coin"]}
    owned = {
        coin: number(row["walletBalance"]) - number(row["spotBorrow"])
        for coin, row in coins.items()
    }

    assert {coin: amount for coin, amount in owned.items() if amount} == {
        coin: number(text) for coin, text in last.items() if number(text)
    }


def test_a_history_of_all_categories_has_all_of_them() -> None:
    """The histories of these tests are not empty where they claim to be full."""
    rows = log_of(HISTORIES[0])

    assert set(ALL) <= {row["category"] for row in rows}
    assert {"TRADE", "SETTLEMENT", "TRANSFER_IN"} <= {row["type"] for row in rows}


def test_a_log_of_the_past_ends_at_the_past() -> None:
    """Asked at an earlier time, the book stops there; asked later again, it goes on."""
    settings = HISTORIES[0]
    venue = venue_of(settings)
    middle = (settings.start_ms + settings.end_ms) // 2
    everything_now = len(venue.book(0, now_ms=settings.end_ms).log)
    until_then = len(venue.book(0, now_ms=middle).log)
    again = len(venue.book(0, now_ms=settings.end_ms).log)

    assert 0 < until_then < everything_now == again


async def test_the_truth_tells_balances_and_sums_of_the_log() -> None:
    """Over the wire, log and wallet are what the truth says, by type and by coin."""
    wanted = settings_of(executions=300, days=10)
    async with client_of(wanted, clock=lambda: wanted.end_ms) as client:
        truth = await client.truth()
        wallet = await client.get("/v5/account/wallet-balance", "accountType=UNIFIED")
        fund = await client.get(
            "/v5/asset/transfer/query-account-coins-balance", "accountType=FUND"
        )
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for row in log_of(wanted):
        sums[row["type"], row["currency"]].append(number(row["change"]))
    coins = wallet.rows[0]["coin"]

    assert {
        (row["type"], row["currency"]): (row["rows"], number(row["change"])) for row in truth["log"]
    } == {key: (len(changes), sum(changes)) for key, changes in sums.items()}
    assert {
        row["coin"]: row["balance"] for row in truth["balances"] if row["wallet"] == "UNIFIED"
    } == {row["coin"]: row["walletBalance"] for row in coins if row["walletBalance"] != "0"}
    assert {
        row["coin"]: row["balance"] for row in truth["balances"] if row["wallet"] == "FUND"
    } == {row["coin"]: row["walletBalance"] for row in fund.json()["result"]["balance"]}

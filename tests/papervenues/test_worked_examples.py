"""The venue's own worked examples, digit for digit, as answers of the paper exchange."""

from array import array
from dataclasses import dataclass, replace
from decimal import Decimal

from papervenues.bybit import PaperHistory, Settings
from papervenues.bybit.exchange import Exchange
from papervenues.bybit.history import AccountHistory, CashEvent
from papervenues.bybit.terms import Fill, OrderTerms
from papervenues.bybit.venue import Venue
from papervenues.bybit.vocabulary import MARKET
from papervenues.market import GRID_MS, INSTRUMENTS, Instrument, PricePath
from tests.papervenues.asking import ask
from tests.papervenues.paper_client import END_MS

SETTINGS = Settings(end_ms=END_MS, executions=0, days=2)
HOUR_MS = 3_600_000
BUY, SELL = 1, -1


@dataclass
class Account:
    """One account in a market with one instrument, whose price stands still."""

    instrument: Instrument
    price: int
    cash_e8: int
    now_ms: int = END_MS - 12 * HOUR_MS

    def __post_init__(self) -> None:
        self.history = AccountHistory(seed=7, user_id=1, bots=(), instruments=(self.instrument,))
        self.history.cash.append(
            CashEvent(SETTINGS.start_ms, "TRANSFER_IN", self.cash_e8, coin=self.instrument.settle)
        )
        steps = (SETTINGS.end_ms - SETTINGS.start_ms) // GRID_MS + 2
        self.paths = (PricePath(SETTINGS.start_ms, array("q", [self.price]) * steps),)
        self.exchange = Exchange.resume(self.history, self.paths)

    def trade(self, side: int, *, qty: int, price: int, rate_e8: int = 0) -> None:
        """Fill a market order at once."""
        self.now_ms += HOUR_MS
        order = self.exchange.order(
            OrderTerms(symbol=0, side=side, qty=qty, price=price, order_type=MARKET),
            time_ms=self.now_ms,
        )
        fill = Fill(order, qty, price, 0, rate_e8, is_maker=False)
        self.exchange.fill(fill, time_ms=self.now_ms)

    def venue(self) -> Venue:
        """A venue that serves what happened."""
        made = PaperHistory(SETTINGS, self.paths, (self.history,), self.history.instruments)
        return Venue(made, clock=lambda: END_MS)


def test_the_funding_example() -> None:
    """Position 100 at 0.3676 with rate 0.0001, bought: 0.003676 is paid from 5086.56192602."""
    xrp = INSTRUMENTS[3]
    account = Account(xrp, price=3_676, cash_e8=508_656_192_602)
    account.trade(BUY, qty=100, price=3_676)
    account.exchange.fund(0, time_ms=account.now_ms + HOUR_MS, rate_e8=10_000)
    row = ask(account.venue(), "account/transaction-log", {"type": "SETTLEMENT"})["list"][0]

    assert (xrp.symbol, row["qty"], row["tradePrice"]) == ("XRPUSDT", "100", "0.3676")
    assert (row["side"], row["feeRate"], row["size"]) == ("Buy", "0.0001", "100")
    assert (row["funding"], row["fee"], row["cashFlow"]) == ("-0.003676", "0", "0")
    assert (row["change"], row["cashBalance"]) == ("-0.003676", "5086.55825002")


def test_the_funding_of_a_short_has_the_opposite_signs() -> None:
    """A short receives at the same rate; the log's rate is then printed negative."""
    account = Account(INSTRUMENTS[3], price=3_676, cash_e8=508_656_192_602)
    account.trade(SELL, qty=100, price=3_676)
    account.exchange.fund(0, time_ms=account.now_ms + HOUR_MS, rate_e8=10_000)
    row = ask(account.venue(), "account/transaction-log", {"type": "SETTLEMENT"})["list"][0]

    assert (row["side"], row["feeRate"], row["size"]) == ("Sell", "-0.0001", "-100")
    assert (row["funding"], row["cashBalance"]) == ("0.003676", "5086.56560202")


def test_the_closed_profit_example() -> None:
    """Entry value 3584.9255, exit value 3541.795, rate 0.0006: the long lost 47.4065323."""
    btc = replace(INSTRUMENTS[0], price_decimals=2, qty_decimals=2)
    account = Account(btc, price=7_169_851, cash_e8=10**13)
    account.trade(BUY, qty=5, price=7_169_851, rate_e8=60_000)
    account.trade(SELL, qty=5, price=7_083_590, rate_e8=60_000)
    row = ask(account.venue(), "position/closed-pnl", {"category": "linear"})["list"][0]

    assert (row["side"], row["closedSize"], row["fillCount"]) == ("Sell", "0.05", "1")
    assert (row["cumEntryValue"], row["avgEntryPrice"]) == ("3584.9255", "71698.51")
    assert (row["cumExitValue"], row["avgExitPrice"]) == ("3541.795", "70835.9")
    assert (row["openFee"], row["closeFee"]) == ("2.1509553", "2.125077")
    assert row["closedPnl"] == "-47.4065323"


def inverse() -> Instrument:
    return replace(
        INSTRUMENTS[0], symbol="BTCUSD", category="inverse", contract="InversePerpetual",
        quote="USD", settle="BTC", price_decimals=3, qty_decimals=0,
    )  # fmt: skip


def test_the_inverse_example() -> None:
    """300 contracts at 27464.504 are worth 0.01092319 of the coin."""
    account = Account(inverse(), price=27_464_504, cash_e8=10**8)
    account.trade(BUY, qty=300, price=27_464_504)
    row = ask(account.venue(), "position/list", {"category": "inverse"})["list"][0]

    assert (row["size"], row["avgPrice"]) == ("300", "27464.504")
    assert row["positionValue"] == "0.01092319"


def test_the_profit_of_an_inverse_contract() -> None:
    """A long earns quantity times (1/entry - 1/exit); its average entry is harmonic."""
    account = Account(inverse(), price=20_000_000, cash_e8=10**8)
    account.trade(BUY, qty=100, price=20_000_000)
    account.trade(BUY, qty=300, price=30_000_000)
    account.trade(SELL, qty=400, price=40_000_000)
    row = ask(account.venue(), "position/closed-pnl", {"category": "inverse"})["list"][0]
    log = ask(account.venue(), "account/transaction-log", {"category": "inverse"})["list"]

    assert row["closedPnl"] == "0.005"  # 100/20000 + 300/30000 - 400/40000
    assert row["avgEntryPrice"] == "26666.6666666667"
    assert (log[0]["cashFlow"], log[0]["currency"], log[0]["size"]) == ("0.005", "BTC", "0")


def test_a_session_pays_out_and_leaves_the_entry_alone() -> None:
    """Bought at 100, settled at 110, sold at 105: 10 and -5 in cash, a profit of 5."""
    usdc = replace(INSTRUMENTS[3], symbol="XRPPERP", quote="USDC", settle="USDC")
    account = Account(usdc, price=1_100_000, cash_e8=10**12)
    account.trade(BUY, qty=1, price=1_000_000)
    account.now_ms += HOUR_MS
    account.exchange.fund(0, time_ms=account.now_ms, rate_e8=10_000)
    account.exchange.settle_session(0, time_ms=account.now_ms)
    venue = account.venue()
    [held] = ask(venue, "position/list", {"category": "linear", "symbol": "XRPPERP"})["list"]
    account.trade(SELL, qty=1, price=1_050_000)
    log = ask(venue, "account/transaction-log", {"category": "linear"})["list"]
    [record] = ask(venue, "asset/settlement-record", {"category": "linear"})["list"]
    [closed] = ask(venue, "position/closed-pnl", {"category": "linear"})["list"]

    assert (held["avgPrice"], held["sessionAvgPrice"], held["unrealisedPnl"]) == ("100", "110", "0")
    assert [(row["type"], row["cashFlow"], row["funding"]) for row in log] == [
        ("TRADE", "-5", ""),
        ("SETTLEMENT", "10", "-0.011"),
        ("TRADE", "0", ""),
    ]
    assert (record["sessionAvgPrice"], record["markPrice"]) == ("100", "110")
    assert (record["realisedPnl"], closed["closedPnl"]) == ("10", "5")


def test_entry_fees_are_shared_out_as_the_position_closes() -> None:
    """Two halves bear half of the entry's fee each, and a flip bears only its closing part."""
    account = Account(INSTRUMENTS[3], price=10_000, cash_e8=10**13)
    account.trade(BUY, qty=100, price=10_000, rate_e8=100_000)
    account.trade(SELL, qty=50, price=10_000, rate_e8=100_000)
    account.trade(SELL, qty=150, price=10_000, rate_e8=100_000)
    rows = ask(account.venue(), "position/closed-pnl", {"category": "linear"})["list"]
    position = ask(account.venue(), "position/list", {"category": "linear", "symbol": "XRPUSDT"})

    assert [(row["openFee"], row["closeFee"]) for row in rows] == [("0.05", "0.05")] * 2
    assert [Decimal(row["closedSize"]) for row in rows] == [50, 50]
    assert (position["list"][0]["side"], position["list"][0]["size"]) == ("Sell", "100")

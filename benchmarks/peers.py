"""The same fills through the kernel and through what people use today.

Run: `python -m benchmarks.peers`, with requirements/bench.txt for the peers; one that is not
installed is named as not measured. The history is long only and ends flat, so that its profit is
the same by every method of booking, and each one's profit is checked before a figure is printed.
What a peer needs to be given is made before its time begins.
"""

import contextlib
import importlib.util
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import numpy as np

from benchmarks.measured import report
from fillbook.accounting import fifo
from fillbook.accounting.as_fills import as_fill
from fillbook.accounting.known import Known
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import StretchState
from fillbook.domain.execution import Execution
from fillbook.domain.instrument import LegName
from fillbook.domain.statement import OpeningBalance, Terms

FILLS = 10_000
REPEATS_OF_KERNEL = 200  # it takes less than a millisecond
REPEATS_OF_LAY = 5
BOTS = ("grid_01", "trend_02", "scalp_03")
STARTED = datetime(2024, 1, 1, tzinfo=UTC)
FLOAT_DIFFERENCE_MAX = Decimal("1E-6")  # of the whole profit, for those who count in floats
SEED = 20_261_120
INCOME = "Income:Gains"


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill in whole units and whole ticks."""

    at: datetime
    side: int
    qty: int
    price: int
    bot: str


Run = Callable[[], Decimal]  # what is timed; it gives the profit


def main() -> None:
    """Measure and report."""
    trades = drawn()
    expected = Decimal(sum(-trade.side * trade.qty * trade.price for trade in trades))
    speeds = {
        "array_kernel": speed(kernel(trades), expected, repeats=REPEATS_OF_KERNEL),
        "whole_way": speed(laid(trades), expected, repeats=REPEATS_OF_LAY),
    }
    missing: dict[str, object] = {}
    for name, (package, prepare) in PEERS.items():
        if importlib.util.find_spec(package):
            speeds[name] = speed(prepare(trades), expected, repeats=1)
        else:
            missing[name] = "not measured: not installed"
    figures: dict[str, object] = {"fills": len(trades)}
    figures |= {f"{name}_fills_a_second": round(each) for name, each in speeds.items()} | missing
    best = max((speeds[name] for name in PEERS if name in speeds), default=None)
    if best is not None:
        for name in list(speeds)[:2]:
            figures[f"{name}_times_best"] = round(speeds[name] / best, 1)
    report("peers", figures)


def speed(run: Run, expected: Decimal, *, repeats: int) -> float:
    """Fills a second, the best of the repeats; the profit must be right."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        profit = run()
        seconds.append(time.process_time() - started)
        assert abs(profit - expected) <= abs(expected) * FLOAT_DIFFERENCE_MAX, (profit, expected)
    return FILLS / min(seconds)


def drawn() -> list[Trade]:
    """Three bots that keep a unit and trade around it, and sell it with the rest in the end.

    No bot sells more than it holds, and the account is flat at the very end only.
    """
    random, price = Random(SEED), 50_000
    held = dict.fromkeys(BOTS, 0)
    trades: list[Trade] = []
    for number in range(FILLS):
        price += random.randint(-50, 51)
        closing = number - (FILLS - len(BOTS))
        if closing >= 0:
            bot, sells = BOTS[closing], True
            qty = held[bot]
        else:
            bot = random.choice(BOTS)
            sells = held[bot] > 1 and random.random() < 0.5
            qty = random.randint(1, min(held[bot] - 1, 9) if sells else 9)
        held[bot] += -qty if sells else qty
        at = STARTED + timedelta(minutes=number)
        trades.append(Trade(at, -1 if sells else 1, qty, price, bot))
    assert not any(held.values())
    return trades


def kernel(trades: list[Trade]) -> Run:
    """The array kernel: matches of one book."""
    columns = [(trade.side, trade.qty, trade.price) for trade in trades]
    fills = fifo.Fills(*(np.array(column, dtype=np.int64) for column in zip(*columns, strict=True)))
    return lambda: Decimal(fifo.total(fifo.match(fills).profit))


def laid(trades: list[Trade]) -> Run:
    """The whole way: whose fill it is and why, its fee, its book, lines and matches."""
    name = LegName("spot", "BTCUSDT", "net")
    opening = OpeningBalance(name, STARTED - timedelta(1), Decimal(0))
    known = Known(Terms("spot", "BTCUSDT", "spot", "BTC"), openings=[opening])
    executions = [_execution(place, trade) for place, trade in enumerate(trades)]

    def run() -> Decimal:
        fills = [as_fill(execution, known) for execution in executions]
        found = lay(StretchState(name, STARTED - timedelta(1)), fills, (), known)
        assert {book.owner for book in found.books} == set(BOTS)
        gross = [match.gross for book in found.books for match in book.matches]
        return sum((each for each in gross if each is not None), Decimal(0))

    return run


def _execution(place: int, trade: Trade) -> Execution:
    return Execution(
        execution_key=UUID(int=place),
        executed_at=trade.at,
        venue_seq=place,
        category="spot",
        symbol="BTCUSDT",
        leg="net",
        execution_id=f"execution-{place}",
        order_id=f"order-{place}",
        client_order_id=f"f1-{trade.bot}-{'en' if trade.side > 0 else 'tp'}-{place:010d}",
        side="Buy" if trade.side > 0 else "Sell",
        price=Decimal(trade.price),
        qty=Decimal(trade.qty),
        value=Decimal(trade.qty * trade.price),
        closed_qty=None,
        fee=Decimal(trade.qty * trade.price) * Decimal("0.001"),
        fee_currency="USDT",
        fee_inferred=False,
        currency="USDT",
        is_maker=False,
        exec_type="Trade",
        order_type="Market",
        create_type="CreateByUser",
        stop_type="",
        mark_price=None,
    )


def pyfolio_round_trips(trades: list[Trade]) -> Run:
    """pyfolio: round trips share by share, in floats."""
    pandas = importlib.import_module("pandas")
    round_trips = importlib.import_module("pyfolio.round_trips")
    columns = {
        "amount": [trade.side * trade.qty for trade in trades],
        "price": [Decimal(trade.price).__float__() for trade in trades],
        "symbol": "BTC",
    }
    frame = pandas.DataFrame(columns, index=pandas.DatetimeIndex([trade.at for trade in trades]))
    return lambda: Decimal(round_trips.extract_round_trips(frame)["pnl"].sum())


def beancount_booking(trades: list[Trade]) -> Run:
    """beancount: booking under FIFO, exact."""
    data, amount, number, position, options, booking = (
        importlib.import_module(f"beancount.{name}")
        for name in ("core.data", "core.amount", "core.number", "core.position",
                     "parser.options", "parser.booking")
    )  # fmt: skip
    missing = number.MISSING

    def posting(account: str, units: Any, cost: Any = None, price: Any = None) -> Any:  # noqa: ANN401
        return data.Posting(account, units, cost, price, None, None)

    entries = [data.Open({}, STARTED.date(), "Assets:Coins", None, data.Booking.FIFO)]
    for place, trade in enumerate(trades):
        price = Decimal(trade.price)
        buys = trade.side > 0
        cost = position.CostSpec(
            price if buys else missing, None, "USD" if buys else missing, None, None, merge=False
        )
        units = amount.Amount(Decimal(trade.side * trade.qty), "BTC")
        cash = amount.Amount(Decimal(-trade.side * trade.qty * trade.price), "USD")
        postings = [posting("Assets:Coins", units, cost), posting("Assets:Cash", cash)]
        if not buys:
            postings.append(posting(INCOME, missing))
        meta = {"filename": "", "lineno": place}
        entries.append(
            data.Transaction(
                meta, trade.at.date(), "*", None, "", frozenset(), frozenset(), postings
            )
        )

    def run() -> Decimal:
        booked, errors = booking.book(entries, dict(options.OPTIONS_DEFAULTS))
        assert not errors, errors[:3]
        parts = [part for entry in booked[1:] for part in entry.postings]
        gains = [part.units.number for part in parts if part.account == INCOME]
        return -sum(gains, Decimal(0))

    return run


def rp2_gains(trades: list[Trade]) -> Run:
    """rp2: gains per lot under FIFO, in decimals; it writes a log where it is imported."""
    folder = Path(tempfile.mkdtemp(prefix="fillbook-bench-"))
    with contextlib.chdir(folder), localcontext():
        rp2 = importlib.import_module("tests.agreement.rp2_gains")
    configuration = rp2.settings(folder)
    given = [
        rp2.Trade(trade.at.isoformat(), trade.side, str(trade.qty), str(trade.price), "0")
        for trade in trades
    ]
    data = rp2.given(given, configuration, arrived=True)
    shutil.rmtree(folder)
    return lambda: sum(
        (Decimal(gain.gain) for gain in rp2.gains_of(data, configuration)), Decimal(0)
    )


def nautilus_position(trades: list[Trade]) -> Run:
    """nautilus_trader: one position, fill by fill, at average cost."""
    model = importlib.import_module("nautilus_trader.model")
    enums = importlib.import_module("nautilus_trader.model.enums")
    events = importlib.import_module("nautilus_trader.model.events")
    providers = importlib.import_module("nautilus_trader.test_kit.providers")
    positions = importlib.import_module("nautilus_trader.model.position")
    unique = importlib.import_module("nautilus_trader.core.uuid").UUID4
    instrument = providers.TestInstrumentProvider.btcusdt_binance()
    fills = [
        events.OrderFilled(
            trader_id=model.TraderId("TRADER-001"),
            strategy_id=model.StrategyId("S-001"),
            instrument_id=instrument.id,
            client_order_id=model.ClientOrderId(f"O-{place}"),
            venue_order_id=model.VenueOrderId(str(place)),
            account_id=model.AccountId("BINANCE-001"),
            trade_id=model.TradeId(str(place)),
            position_id=model.PositionId("P-1"),
            order_side=enums.OrderSide.BUY if trade.side > 0 else enums.OrderSide.SELL,
            order_type=enums.OrderType.MARKET,
            last_qty=model.Quantity.from_int(trade.qty),
            last_px=model.Price.from_int(trade.price),
            currency=instrument.quote_currency,
            commission=model.Money(0, instrument.quote_currency),
            liquidity_side=enums.LiquiditySide.TAKER,
            event_id=unique(),
            ts_event=place,
            ts_init=place,
        )
        for place, trade in enumerate(trades)
    ]

    def run() -> Decimal:
        position = positions.Position(instrument, fills[0])
        for fill in fills[1:]:
            position.apply(fill)
        profit: Decimal = position.realized_pnl.as_decimal()
        return profit

    return run


PEERS: dict[str, tuple[str, Callable[[list[Trade]], Run]]] = {
    "pyfolio": ("pyfolio", pyfolio_round_trips),
    "beancount": ("beancount", beancount_booking),
    "rp2": ("rp2", rp2_gains),
    "nautilus": ("nautilus_trader", nautilus_position),
}

if __name__ == "__main__":
    main()

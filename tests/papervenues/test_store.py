"""The store goes on after its history: books rebuilt, rows appended, all of it served."""

from array import array
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from papervenues.bybit import Settings, history_of
from papervenues.bybit.exchange import Exchange
from papervenues.bybit.history import NO_BOT, AccountHistory
from papervenues.bybit.pages import AccountPages
from papervenues.bybit.replay import bot_holdings, position_sizes
from papervenues.bybit.settings import CATEGORIES
from papervenues.bybit.terms import LONG, SHORT, Fill, OrderTerms
from papervenues.bybit.values import decimals_of_value, plain, scaled_value
from papervenues.bybit.vocabulary import FILLED, LIMIT, MARKET, PARTIALLY_FILLED
from papervenues.faults import FaultPlan
from papervenues.market import PricePath, instrument_number
from tests.papervenues.paper_client import DAY_MS, END_MS, Row, client_of, settings

SMALL = Settings(end_ms=END_MS, executions=900, days=12, categories=CATEGORIES)


def going_on(wanted: Settings) -> tuple[AccountHistory, Exchange]:
    history = history_of(wanted)
    (account,) = history.accounts
    return account, Exchange.resume(account, history.paths)


def number_of(account: AccountHistory, category: str, symbol: str) -> int:
    number = instrument_number(account.instruments, category, symbol)
    assert number is not None
    return number


def trade(exchange: Exchange, terms: OrderTerms, *, fee_coin: str = "") -> int:
    order = exchange.order(terms, time_ms=END_MS)
    fill = Fill(order, terms.qty, terms.price, 0, 55_000, is_maker=False, fee_coin=fee_coin)
    return exchange.fill(fill, time_ms=END_MS)


def held_by(account: AccountHistory, symbol: int, *, leg: int = 0) -> dict[int, int]:
    return {
        one.bot: one.qty
        for one in bot_holdings(account, rows=len(account))
        if (one.symbol, one.position_idx) == (symbol, leg)
    }


@pytest.mark.parametrize("hedge", [False, True])
def test_the_books_are_rebuilt_from_the_rows(*, hedge: bool) -> None:
    """Positions, legs and holdings stand after a resume as they did at the end of history."""
    account, exchange = going_on(replace(SMALL, hedge=hedge))
    sizes = position_sizes(account, rows=len(account))
    at_end = len(account.holdings_at_end)
    exchange.note_holdings()
    again = account.holdings_at_end[at_end:]

    assert sizes
    assert {leg: exchange.held(*leg) for leg in exchange.open_legs()} == sizes
    assert sorted(again, key=repr) == sorted(account.holdings_at_end[:at_end], key=repr)


def test_an_order_without_a_bot_takes_from_the_bots_then_opens_for_nobody() -> None:
    """What exceeds the bots' holdings on that side is nobody's, in the books and in a replay."""
    account, exchange = going_on(SMALL)
    symbol, held = next(
        (symbol, exchange.held(symbol))
        for symbol, leg in exchange.open_legs()
        if account.instruments[symbol].category == "linear" and leg == 0
    )
    side = -1 if held > 0 else 1
    on_that_side = sum(abs(qty) for qty in held_by(account, symbol).values() if qty * side < 0)
    price = exchange.paths[symbol].at(END_MS)
    row = trade(exchange, OrderTerms(symbol, side, on_that_side + 50, price, MARKET))

    assert account.executions.closed[row] == abs(held)
    assert exchange.held(symbol) == held + side * (on_that_side + 50)
    assert held_by(account, symbol)[NO_BOT] == exchange.held_by_nobody(symbol) == side * 50


def test_legs_of_hedge_mode_are_booked_apart() -> None:
    """Opening one leg leaves the other alone, whoever holds it."""
    account, exchange = going_on(replace(SMALL, categories=("linear",), hedge=True))
    symbol = number_of(account, "linear", "LINKUSDT")
    before = exchange.held(symbol, LONG), exchange.held(symbol, SHORT)
    price = exchange.paths[symbol].at(END_MS)
    for leg, side in ((LONG, 1), (SHORT, -1)):
        trade(exchange, OrderTerms(symbol, side, 30, price, LIMIT, position_idx=leg))
    trade(exchange, OrderTerms(symbol, -1, 10, price, LIMIT, position_idx=LONG))
    trade(exchange, OrderTerms(symbol, 1, 10, price, LIMIT, position_idx=SHORT))
    after = exchange.held(symbol, LONG), exchange.held(symbol, SHORT)

    assert after == (before[0] + 20, before[1] - 20)
    assert list(account.executions.closed[-4:]) == [0, 0, 10, 10]
    with pytest.raises(AssertionError):
        trade(exchange, OrderTerms(symbol, -1, 10**6, price, LIMIT, position_idx=LONG))


def test_the_mode_of_a_flat_symbol_is_switched() -> None:
    """After the switch a symbol has two legs; with a position there is no switch."""
    account, exchange = going_on(replace(SMALL, categories=("linear",)))
    symbol = number_of(account, "linear", "SHIB1000USDT")
    exchange.switch_mode(symbol, hedged=True)
    for leg, side in ((LONG, 1), (SHORT, -1)):
        trade(exchange, OrderTerms(symbol, side, 20, 9_000, LIMIT, position_idx=leg))

    assert exchange.open_legs().count((symbol, LONG)) == 1
    assert (exchange.held(symbol, LONG), exchange.held(symbol, SHORT)) == (20, -20)
    assert exchange.fund(symbol, time_ms=END_MS, rate_e8=10_000) == 2
    with pytest.raises(AssertionError):
        exchange.switch_mode(symbol, hedged=False)


def test_spot_takes_its_fee_in_the_base_coin() -> None:
    """A buy of 0.001 ETH with a fee of 0.000001 ETH nets 0.000999 ETH; its status follows."""
    account, exchange = going_on(replace(SMALL, categories=("linear",)))
    symbol = number_of(account, "spot", "ETHUSDT")
    terms = OrderTerms(symbol, 1, 100, 300_000, LIMIT)
    order = exchange.order(terms, time_ms=END_MS)
    states = []
    for left in (40, 0):
        qty = 60 if left else 40
        exchange.fill(Fill(order, qty, 300_000, left, 100_000, is_maker=True), time_ms=END_MS)
        states.append(account.orders.status[order])

    assert states == [PARTIALLY_FILLED, FILLED]
    assert exchange.spot_held(symbol) == 99_900
    assert exchange.coins["ETH"] == 99_900
    assert exchange.held(symbol) == 0


def test_an_inverse_position_is_worth_what_the_manual_says() -> None:
    """300 contracts at 27464.504 are worth 0.01092319 BTC."""
    inverse = next(one for one in history_of(SMALL).instruments if one.symbol == "BTCUSD")
    fine = replace(inverse, price_decimals=3)
    value = scaled_value(fine, qty=300, price=27_464_504)

    assert plain(value, decimals_of_value(fine)) == "0.01092319"


def test_funding_is_what_the_manual_says() -> None:
    """A position of 100 at 0.3676 and 0.01 % pays 0.003676."""
    account, _ = going_on(replace(SMALL, categories=("linear",)))
    symbol = number_of(account, "linear", "ADAUSDT")
    still = PricePath(0, array("q", [3_676]))
    exchange = Exchange.resume(account, [still] * len(account.instruments))
    held = exchange.held(symbol)
    trade(exchange, OrderTerms(symbol, 1 if held < 100 else -1, abs(100 - held) or 1, 3_676, LIMIT))
    exchange.fund(symbol, time_ms=END_MS, rate_e8=10_000)

    assert exchange.held(symbol) == 100
    assert plain(account.executions.fee_e8[-1], 8) == "0.003676"


def test_rows_that_come_later_are_served_and_shift_no_page() -> None:
    """A live fill appears on the first page of a new walk; an old cursor goes on as it was."""
    account, exchange = going_on(replace(SMALL, categories=("linear",)))
    pages = AccountPages(account, faults=FaultPlan())
    query = {"category": "linear", "limit": "20"}
    first = pages.page(pages.understand(query, now_ms=END_MS))
    assert first.cursor
    cursor = first.cursor.replace("%3A", ":").replace("%2C", ",")
    behind = pages.understand(query | {"cursor": cursor}, now_ms=END_MS)
    second = pages.page(behind)
    symbol = number_of(account, "linear", "BTCUSDT")
    row = trade(exchange, OrderTerms(symbol, 1, 5, 943_120, LIMIT, link_id="live-1"))
    after = pages.page(pages.understand(query, now_ms=END_MS))
    named = pages.page(
        pages.understand({"category": "linear", "orderLinkId": "live-1"}, now_ms=END_MS)
    )

    assert after.rows[0] == pages.encoder.row(row)
    assert after.rows[1:] == first.rows[:19]
    assert pages.page(behind).rows == second.rows
    assert named.rows == [pages.encoder.row(row)]


WANTED = settings(executions=3_000, days=12)


@pytest.mark.parametrize(
    ("query", "category", "wanted"),
    [
        ("category=linear", "linear", lambda _row: True),
        ("category=linear&symbol=BTCUSDT", "linear", lambda row: row["symbol"] == "BTCUSDT"),
        ("category=linear&baseCoin=BTC", "linear", lambda row: row["symbol"].startswith("BTC")),
        ("category=linear&settleCoin=USDC", "linear", lambda row: row["symbol"] == "BTCPERP"),
        ("category=inverse", "inverse", lambda _row: True),
        ("category=inverse&settleCoin=ETH", "inverse", lambda row: row["symbol"] == "ETHUSD"),
        ("category=spot", "spot", lambda _row: True),
        ("category=spot&symbol=BTCUSDT", "spot", lambda row: row["symbol"] == "BTCUSDT"),
        ("category=option", "option", lambda row: row["symbol"].startswith("BTC-")),
        ("category=option&baseCoin=ETH", "option", lambda row: row["symbol"].startswith("ETH-")),
        ("category=option&execType=Delivery&baseCoin=BTC", "option",
         lambda row: row["execType"] == "Delivery" and row["symbol"].startswith("BTC-")),
        ("category=inverse&execType=Funding", "inverse",
         lambda row: row["execType"] == "Funding"),
    ],
)  # fmt: skip
async def test_each_filter_brings_exactly_its_rows(
    query: str, category: str, wanted: Callable[[Row], bool]
) -> None:
    """A walk over all windows gives what truly happened in the category, each row once."""
    everything = replace(WANTED, categories=CATEGORIES)
    found: list[Row] = []
    async with client_of(everything) as client:
        for number in range(2):
            start = everything.end_ms - (2 - number) * 6 * DAY_MS
            cursor = ""
            while True:
                reply = await client.executions(
                    f"{query}&limit=100&startTime={start}&endTime={start + 6 * DAY_MS - 1}"
                    + (f"&cursor={cursor}" if cursor else "")
                )
                assert reply.code == 0, reply.body
                found += reply.rows
                cursor = reply.cursor
                if not cursor:
                    break
        truth = await client.truth()
    true_ids = [
        row["execId"] for row in truth["executions"] if row["category"] == category and wanted(row)
    ]

    assert sorted(row["execId"] for row in found) == sorted(true_ids)
    assert true_ids
    assert {type(row["seq"]) for row in found} == {int}
    assert all(Decimal(row["execQty"]) > 0 for row in found)

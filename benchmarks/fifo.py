"""The array kernel on ten million fills, beside compiled float trades, and on many small books.

Run: `python -m benchmarks.fifo [FILLS]`, with requirements/bench.txt for the yardstick. Matches are
checked before a figure is printed. The yardstick is the compiled loop of vectorbt that turns order
records into exit trades: in floats, at average cost; it is compiled and warm before it is timed.
Seconds are those of the processor, the best of several rounds taken in turns, because both run in
one thread and the machine may have other work.
"""

import importlib.util
import sys
import time
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks.measured import report
from fillbook.accounting.fifo import Fills, Matches, match, total

FILLS = 10_000_000
SMALLER = 10  # the growth of the cost is measured from a history so many times smaller
BOOK_FILLS = 1_000
CHECKED_FILLS = 20_000
ROUNDS = 7
UNITS_MAX = 1_000_000
TICKS_AT_FIRST = 6_000_000
SEED = 20_261_120


def main(length: int) -> None:
    """Measure and report."""
    fills = drawn(length)
    check(fills, match(fills))
    calls: dict[str, Callable[[], object]] = {
        "one_book": lambda: match(fills),
        "a_tenth": lambda: match(first(fills, length // SMALLER)),
        "many_books": lambda: [match(book) for book in books_of(fills)],
    }
    if importlib.util.find_spec("vectorbt"):
        calls["vectorbt"] = exit_trades(fills)
    rounds = in_turns(calls, rounds=ROUNDS)
    seconds = {name: min(times) for name, times in rounds.items()}
    one_book = seconds["one_book"]
    figures: dict[str, object] = {
        "fills": length,
        "fills_a_second": round(length / one_book),
        "seconds": round(one_book, 3),
        "vectorbt_seconds": "not measured: not installed",
        "times_vectorbt": "not measured: not installed",
        "growth_of_time_for_ten_times": round(one_book / seconds["a_tenth"], 2),
        "books": length // BOOK_FILLS,
        "many_books_seconds": round(seconds["many_books"], 3),
        "many_books_to_one": round(seconds["many_books"] / one_book, 2),
    }
    if "vectorbt" in seconds:
        figures["vectorbt_seconds"] = round(seconds["vectorbt"], 3)
        figures["times_vectorbt"] = round(seconds["vectorbt"] / one_book, 2)
        medians = {name: median(times) for name, times in rounds.items()}
        figures["times_vectorbt_by_median"] = round(medians["vectorbt"] / medians["one_book"], 2)
    report("fifo", figures)


def drawn(length: int) -> Fills:
    """Fills of either side at the price of a random walk; the position crosses zero often."""
    random = np.random.default_rng(SEED)
    walk = TICKS_AT_FIRST + np.cumsum(random.integers(-5, 6, length))
    return Fills(
        random.choice(np.array([1, -1], dtype=np.int8), length),
        random.integers(1, UNITS_MAX, length),
        np.abs(walk) + 1,
    )


def first(fills: Fills, length: int) -> Fills:
    """The first fills, as a history of their own."""
    return Fills(fills.side[:length], fills.qty[:length], fills.price[:length])


def books_of(fills: Fills) -> list[Fills]:
    """The same fills, cut into books."""
    starts = range(0, len(fills.qty), BOOK_FILLS)
    return [
        Fills(*(column[at : at + BOOK_FILLS] for column in (fills.side, fills.qty, fills.price)))
        for at in starts
    ]


def check(fills: Fills, found: Matches) -> None:
    """The beginning agrees with a queue of lots; all units and all profit with the cash."""
    queued = by_queue(first(fills, CHECKED_FILLS))
    parts = (found.buys, found.sells, found.qty, found.profit)
    assert queued == list(zip(*(part[: len(queued)].tolist() for part in parts), strict=True))
    bought, sold = (fills.qty[fills.side == side] for side in (1, -1))
    matched = min(total(bought), total(sold))
    assert matched == total(found.qty)
    income, cost = (
        cash(fills.qty[fills.side == side], fills.price[fills.side == side], upto=matched)
        for side in (-1, 1)
    )
    assert income - cost == total(found.profit)


def by_queue(fills: Fills) -> list[tuple[int, int, int, int]]:
    """The usual way, in Python's integers: each exit takes the first of the open lots."""
    found = []
    lots: deque[tuple[int, int]] = deque()
    sides, prices = fills.side.tolist(), fills.price.tolist()
    for position, units in enumerate(fills.qty.tolist()):
        side, left = sides[position], units
        while left and lots and sides[lots[0][0]] != side:
            entry, open_units = lots.popleft()
            closed = min(left, open_units)
            buy, sell = (position, entry) if side > 0 else (entry, position)
            found.append((buy, sell, closed, (prices[sell] - prices[buy]) * closed))
            left -= closed
            if open_units > closed:
                lots.appendleft((entry, open_units - closed))
        if left:
            lots.append((position, left))
    return found


def cash(qty: np.ndarray[Any, Any], price: np.ndarray[Any, Any], *, upto: int) -> int:
    """What the first units of one side were worth, in Python's integers."""
    worth, left = 0, upto
    for units, ticks in zip(qty.tolist(), price.tolist(), strict=True):
        worth += min(units, left) * ticks
        left -= min(units, left)
    return worth


def exit_trades(fills: Fills) -> Callable[[], object]:
    """The yardstick, ready to run: the same fills as vectorbt's order records."""
    library = importlib.import_module("vectorbt.portfolio.nb")
    enums = importlib.import_module("vectorbt.portfolio.enums")
    columns = importlib.import_module("vectorbt.records.nb")
    records = np.zeros(len(fills.qty), dtype=enums.order_dt)
    records["id"] = records["idx"] = np.arange(len(fills.qty))
    records["size"], records["price"] = fills.qty, fills.price
    records["side"] = np.where(fills.side > 0, enums.OrderSide.Buy, enums.OrderSide.Sell)
    close = fills.price.astype("f8").reshape(-1, 1)
    of_column = columns.col_map_nb(records["col"], 1)
    return lambda: library.get_exit_trades_nb(records, close, of_column)


def in_turns(calls: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each call, round by round; the first round only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            started = time.process_time()
            call()
            seconds[name].append(time.process_time() - started)
    return {name: times[1:] for name, times in seconds.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FILLS)

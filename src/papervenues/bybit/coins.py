"""What each coin of the unified wallet got, counted from the rows alone.

Movements of money, spot trades, premiums of options, fees and funding. Profits of contracts are
left out: they follow from positions.
"""

from papervenues.bybit.history import AccountHistory
from papervenues.bybit.values import MONEY_DECIMALS, value_e8
from papervenues.bybit.vocabulary import COINS, PAYMENTS


def coin_changes(
    history: AccountHistory, coins: dict[str, int], *, read: tuple[int, int]
) -> tuple[int, int]:
    """Add to the coins what came after so many cash events and rows; the answer is how many."""
    events, rows = read
    for event in history.cash[events:]:
        if not event.is_fund_only:
            coins[event.coin] = coins.get(event.coin, 0) + event.change_e8
    for row in range(rows, len(history)):
        for coin, change in changes_of_row(history, row):
            coins[coin] = coins.get(coin, 0) + change
    return len(history.cash), len(history)


def changes_of_row(history: AccountHistory, row: int) -> list[tuple[str, int]]:
    """The coins that one execution brought or took, in 10^-8."""
    book = history.executions
    instrument = history.instrument_of(row)
    changes = [(COINS[book.fee_coin[row]], -book.fee_e8[row])]
    if book.exec_type[row] in PAYMENTS or instrument.category not in ("spot", "option"):
        return changes
    side = history.side_of(row)
    money = instrument.quote if instrument.category == "spot" else instrument.settle
    changes.append((money, -side * value_e8(history, row)))
    if instrument.category == "spot":
        scale = int(10 ** (MONEY_DECIMALS - instrument.qty_decimals))
        changes.append((instrument.base, side * book.qty[row] * scale))
    return changes

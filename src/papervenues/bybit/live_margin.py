"""What an account is worth and what its positions demand, in 10^-8 of a dollar.

USDT and USDC count as a dollar; a coin with a linear perpetual is worth that contract's price,
any other coin nothing. The initial margin of a position is its value by the leverage, the
maintenance margin a fixed part of its value.
"""

from dataclasses import dataclass

from papervenues.bybit.legs import to_e8, wide_value
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.vocabulary import COINS
from papervenues.market import INSTRUMENTS, SYMBOLS, Instrument

DOLLARS = ("USDT", "USDC")
MAINTENANCE_PER_MILLE = 5
PER_MILLE = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Equity and margins of one account."""

    equity_e8: int
    initial_e8: int
    maintenance_e8: int

    @property
    def free_e8(self) -> int:
        """What new positions may use."""
        return self.equity_e8 - self.initial_e8


def standing(account: LiveAccount) -> Standing:
    """The account's standing now."""
    book = account.book()
    equity = sum(
        dollars(account, coin, amount)
        for coin, amount in zip(COINS, book.balances_e8, strict=False)
        if amount
    )
    initial = maintenance = 0
    for symbol, leg_index in account.exchange.open_legs():
        leg, instrument = book.legs[symbol, leg_index], account.instruments[symbol]
        price = account.price(symbol)
        value = value_in_dollars(account, instrument, abs(leg.qty), price=price)
        if instrument.category == "option":
            # A premium was paid or received: what it is worth now counts in full.
            equity += value if leg.qty > 0 else -value
        else:
            equity += dollars(account, instrument.settle, leg.gain_at(price))
        initial += value // account.leverage_of(symbol)
        maintenance += value * MAINTENANCE_PER_MILLE // PER_MILLE
    return Standing(equity, initial, maintenance)


def dollars(account: LiveAccount, coin: str, amount_e8: int) -> int:
    """What an amount of a coin is worth."""
    if coin in DOLLARS:
        return amount_e8
    symbol = f"{coin}USDT"
    if symbol not in SYMBOLS:
        return 0
    number = SYMBOLS.index(symbol)
    return int(amount_e8 * account.price(number) // 10 ** INSTRUMENTS[number].price_decimals)


def value_in_dollars(account: LiveAccount, instrument: Instrument, qty: int, *, price: int) -> int:
    """What a quantity is worth at a price."""
    worth = to_e8(wide_value(instrument, qty, price=price), instrument)
    if instrument.is_inverse:
        return dollars(account, instrument.settle, worth)
    return worth


def balance_e8(account: LiveAccount, coin: str) -> int:
    """The wallet's balance of a coin."""
    balances = account.book().balances_e8
    number = COINS.index(coin) if coin in COINS else len(balances)
    return balances[number] if number < len(balances) else 0

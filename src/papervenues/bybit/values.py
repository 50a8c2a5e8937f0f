"""What a quantity at a price is worth, and what fee it costs, in each category.

- linear, spot, option: quantity times price, exact in `value_decimals`;
- inverse: quantity over price, in the coin, rounded half to even at 8 decimals.

Fees are in units of 10^-8 of their coin, rounded half away from zero as the venue prints them.
"""

from papervenues.bybit.history import AccountHistory
from papervenues.bybit.vocabulary import COINS
from papervenues.market import Instrument

MONEY_DECIMALS = 8
E8 = 10**MONEY_DECIMALS
# An option's fee is a rate of the underlying, but never more than this part of its premium.
OPTION_FEE_PERCENT_MAX = 7


def plain(number: int, decimals: int) -> str:
    """A scaled integer as a decimal text, without trailing zeros."""
    if number == 0 or decimals == 0:
        return str(number)
    sign = "-" if number < 0 else ""
    whole, rest = divmod(abs(number), 10**decimals)
    if rest == 0:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:0{decimals}d}".rstrip("0")


def scaled_value(instrument: Instrument, *, qty: int, price: int) -> int:
    """The value as an integer of `decimals_of_value` decimals."""
    if instrument.is_inverse:
        numerator, denominator = inverse_value(instrument, qty=qty, price=price)
        return half_even(numerator, denominator)
    return qty * price


def decimals_of_value(instrument: Instrument) -> int:
    """The decimals of `scaled_value`."""
    return MONEY_DECIMALS if instrument.is_inverse else instrument.value_decimals


def inverse_value(instrument: Instrument, *, qty: int, price: int) -> tuple[int, int]:
    """The exact value of an inverse contract in 10^-8 of the coin, as a fraction."""
    return qty * 10**instrument.price_decimals * E8, price * int(10**instrument.qty_decimals)


def value_e8(history: AccountHistory, row: int) -> int:
    """The value of an execution in 10^-8 of its currency, rounded half to even."""
    instrument = history.instrument_of(row)
    book = history.executions
    value = scaled_value(instrument, qty=book.qty[row], price=book.price[row])
    decimals = decimals_of_value(instrument)
    if decimals <= MONEY_DECIMALS:
        return int(value * 10 ** (MONEY_DECIMALS - decimals))
    return half_even(value, int(10 ** (decimals - MONEY_DECIMALS)))


def value_text(history: AccountHistory, row: int) -> str:
    """The value of an execution as the venue prints it."""
    instrument = history.instrument_of(row)
    book = history.executions
    value = scaled_value(instrument, qty=book.qty[row], price=book.price[row])
    return plain(value, decimals_of_value(instrument))


def fee_coin_of(instrument: Instrument, *, side: int, is_maker: bool) -> str:
    """The coin that a fee is paid in, unless the account pays in another one."""
    if instrument.category != "spot":
        return instrument.settle
    swapped = instrument.maker_e8 < 0 and is_maker
    return instrument.base if (side > 0) != swapped else instrument.quote


def fee_e8_of(instrument: Instrument, *, qty: int, price: int, rate_e8: int, coin: str) -> int:
    """The fee of a fill; negative for a rebate. A signed quantity gives a signed fee."""
    if instrument.is_inverse:
        numerator, denominator = inverse_value(instrument, qty=qty * rate_e8, price=price)
        return rounded(numerator, denominator * E8)
    if instrument.category == "spot" and coin == instrument.base:
        return rounded(qty * rate_e8, int(10**instrument.qty_decimals))
    return rounded(qty * price * rate_e8, instrument.value_scale)


def option_fee_e8(
    option: Instrument, *, qty: int, price: int, rate_e8: int, under: int, under_decimals: int
) -> int:
    """The fee of an option's fill: by the underlying's price, capped by the premium."""
    by_price = rounded(qty * under * rate_e8, int(10 ** (option.qty_decimals + under_decimals)))
    cap = rounded(qty * price * OPTION_FEE_PERCENT_MAX * E8, 100 * option.value_scale)
    return min(by_price, cap)


def coin_number(coin: str) -> int:
    """The coin's place in the store's tuple."""
    return COINS.index(coin)


def fee_coin_text(history: AccountHistory, row: int) -> str:
    """The coin of a row's fee as the venue prints it; early derivatives' rows name none."""
    book = history.executions
    early = book.time_ms[row] < history.fee_coins_from_ms
    if early and history.instrument_of(row).category != "spot":
        return ""
    return COINS[book.fee_coin[row]]


def rounded(value: int, scale: int) -> int:
    """Divide, and round half away from zero."""
    sign = -1 if value < 0 else 1
    return sign * ((abs(value) * 2 + scale) // (2 * scale))


def half_even(numerator: int, denominator: int) -> int:
    """Divide, and round half to even."""
    sign = -1 if numerator < 0 else 1
    whole, rest = divmod(abs(numerator), denominator)
    if 2 * rest > denominator or (2 * rest == denominator and whole % 2):
        whole += 1
    return sign * whole

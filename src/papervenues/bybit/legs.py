"""The position arithmetic of one leg: what a fill closes, what that earned, what is left.

Money is kept *wide*, in integers with twelve decimals more than the product of price and
quantity (twenty for inverse contracts, whose value is a quotient), so that averages lose
nothing that could show in eight decimals. A leg has two costs: at its entry, and at the last
session settlement of a USDC contract. Both are the same for every other contract.
"""

from dataclasses import dataclass

from papervenues.bybit.values import MONEY_DECIMALS, plain, rounded
from papervenues.market import Instrument

EXTRA_DECIMALS = 12
INVERSE_DECIMALS = 20
PRICE_DECIMALS_SHOWN = 10


def wide_decimals(instrument: Instrument) -> int:
    """Decimals of the wide money of an instrument."""
    if instrument.is_inverse:
        return INVERSE_DECIMALS
    return instrument.value_decimals + EXTRA_DECIMALS


def wide_value(instrument: Instrument, qty: int, *, price: int) -> int:
    """What a quantity is worth at a price in ticks, wide; in the coin for inverse contracts."""
    if not instrument.is_inverse:
        return int(qty * price * 10**EXTRA_DECIMALS)
    above = qty * 10 ** (INVERSE_DECIMALS + instrument.price_decimals)
    return rounded(above, price * 10**instrument.qty_decimals)


def wide_unit(instrument: Instrument) -> int:
    """How much wide money one unit of ten to the minus eight is."""
    return int(10 ** (wide_decimals(instrument) - MONEY_DECIMALS))


def to_e8(wide: int, instrument: Instrument) -> int:
    """Wide money in units of ten to the minus eight."""
    return rounded(wide, 10 ** (wide_decimals(instrument) - MONEY_DECIMALS))


def price_of(instrument: Instrument, qty: int, worth: int) -> str:
    """The average price at which a quantity is worth so much (wide), rounded."""
    decimals = PRICE_DECIMALS_SHOWN
    if qty == 0 or worth == 0:
        return ""
    if instrument.is_inverse:
        above = qty * 10 ** (INVERSE_DECIMALS - instrument.qty_decimals + decimals)
        return plain(rounded(above, worth), decimals)
    # The average in ticks is cut to twelve decimals before it is rounded to what is shown.
    cut = 10 ** (instrument.price_decimals + EXTRA_DECIMALS - decimals)
    return plain((worth // qty + cut // 2) // cut, decimals)


@dataclass(frozen=True, slots=True)
class Close:
    """What a fill closed. Gains are before fees; `session` is what was not yet settled of it."""

    qty: int
    gain_e8: int
    session_e8: int
    open_fee_e8: int
    close_fee_e8: int


NOTHING = Close(0, 0, 0, 0, 0)


@dataclass(slots=True)
class Leg:
    """One position; the quantity is signed."""

    instrument: Instrument
    qty: int = 0
    cost: int = 0
    session_cost: int = 0
    open_fee_e8: int = 0
    realised_e8: int = 0
    realised_all_e8: int = 0
    seq: int = -1
    first_ms: int = 0
    opened_ms: int = 0
    updated_ms: int = 0

    def fill(self, signed: int, *, price: int, fee_e8: int, time_ms: int) -> Close:
        """Book one fill; the part beyond zero opens the other direction."""
        qty = abs(signed)
        closed = min(abs(self.qty), qty) if self.qty * signed < 0 else 0
        close_fee = rounded(fee_e8 * closed, qty) if closed else 0
        close = self._close(closed, price=price, fee_e8=close_fee) if closed else NOTHING
        self.realise(close.gain_e8 - close_fee)
        opened = qty - closed
        if opened:
            self._open(opened if signed > 0 else -opened, price=price, time_ms=time_ms)
            self.open_fee_e8 += fee_e8 - close_fee
            self.realise(close_fee - fee_e8)
        self.updated_ms = time_ms
        return close

    def realise(self, amount_e8: int) -> None:
        """Count money that this position earned or cost."""
        self.realised_e8 += amount_e8
        self.realised_all_e8 += amount_e8

    def settle(self, *, price: int) -> None:
        """A session ends: what was gained up to this price is paid out, the entry stays."""
        self.session_cost = wide_value(self.instrument, abs(self.qty), price=price)

    def gain_at(self, price: int) -> int:
        """What closing everything at a price would still pay, in units of ten to the minus 8."""
        worth = wide_value(self.instrument, abs(self.qty), price=price)
        return to_e8(self._gain(worth, self.session_cost), self.instrument)

    def _open(self, signed: int, *, price: int, time_ms: int) -> None:
        if self.qty == 0:
            self.opened_ms = time_ms
            self.first_ms = self.first_ms or time_ms
            self.realised_e8 = 0
        worth = wide_value(self.instrument, abs(signed), price=price)
        self.qty += signed
        self.cost += worth
        self.session_cost += worth

    def _close(self, closed: int, *, price: int, fee_e8: int) -> Close:
        held = abs(self.qty)
        entry = self.cost * closed // held
        session = self.session_cost * closed // held
        open_fee = rounded(self.open_fee_e8 * closed, held)
        worth = wide_value(self.instrument, closed, price=price)
        close = Close(
            qty=closed,
            gain_e8=to_e8(self._gain(worth, entry), self.instrument),
            session_e8=to_e8(self._gain(worth, session), self.instrument),
            open_fee_e8=open_fee,
            close_fee_e8=fee_e8,
        )
        self.cost -= entry
        self.session_cost -= session
        self.open_fee_e8 -= open_fee
        self.qty += closed if self.qty < 0 else -closed
        return close

    def _gain(self, worth: int, cost: int) -> int:
        """Worth above cost for a long; an inverse contract gains when its value falls."""
        gain = cost - worth if self.instrument.is_inverse else worth - cost
        return gain if self.qty > 0 else -gain

"""In which coin does a contract settle, and in which coin was a fee paid that names none?

Everything here is read from the form of a symbol, because a fill must be booked whether or not its
contract is still listed. Where the form does not tell, there is no coin, and the row is set aside.

=========  ==============================  ================================================
category   form                            its money
=========  ==============================  ================================================
linear     BTCUSDT, BTCUSDT-21FEB25        USDT
linear     BTCPERP, BTC-21FEB25            USDC
inverse    BTCUSD, BTCUSDH26               the base coin, BTC
spot       BTCUSDT, ETHBTC, BTCEUR         the quote coin: the longest known one at the end
option     BTC-27MAR26-70000-P-USDT        the coin at the end; USDC when there is none
=========  ==============================  ================================================
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from fillbook.domain.execution import Side

SYMBOLS_KEPT = 4_096
QUOTE_COINS = tuple(
    sorted(
        (
            "USDT", "USDC", "USDE", "USDQ", "USDR", "USD1", "RLUSD", "XUSD", "DAI", "BRZ",
            "EUR", "GBP", "BRL", "TRY", "PLN", "AED", "KZT", "BTC", "ETH", "MNT",
        ),
        key=lambda coin: (-len(coin), coin),
    )
)  # fmt: skip

_DATE = "[0-9]{1,2}[A-Z]{3}[0-9]{2}"
_DATED = re.compile(f"[A-Z0-9]+-{_DATE}")
_DATED_USDT = re.compile(f"[A-Z0-9]+USDT-{_DATE}")
_INVERSE = re.compile("([A-Z0-9]+?)USD(?:[FGHJKMNQUVXZ][0-9]{2})?")
_OPTION = re.compile(f"([A-Z0-9]+)-{_DATE}-[0-9]+(?:\\.[0-9]+)?-[CP](?:-([A-Z0-9]+))?")


@dataclass(frozen=True, slots=True)
class Coins:
    """The coins of a contract: the one that is traded, and the one that is paid."""

    base: str  # empty where the form does not tell and nothing rests on it
    money: str


@lru_cache(maxsize=SYMBOLS_KEPT)
def coins_of(category: str, symbol: str) -> Coins | None:
    """The coins of a contract by the form of its symbol; None where the form does not tell."""
    match category:
        case "linear":
            coin = settle_coin(symbol)
            return None if coin is None else Coins("", coin)
        case "inverse":
            found = _INVERSE.fullmatch(symbol)
            return None if found is None else Coins(found[1], found[1])
        case "spot":
            return _pair(symbol)
        case "option":
            found = _OPTION.fullmatch(symbol)
            return None if found is None else Coins(found[1], found[2] or "USDC")
        case _:
            return None


def settle_coin(symbol: str) -> str | None:
    """The coin in which a linear contract settles."""
    if symbol.endswith("USDT") or _DATED_USDT.fullmatch(symbol):
        return "USDT"
    if symbol.endswith("PERP") or _DATED.fullmatch(symbol):
        return "USDC"
    return None


def _pair(symbol: str) -> Coins | None:
    for quote in QUOTE_COINS:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return Coins(symbol.removesuffix(quote), quote)
    return None


def inferred_fee_coin(
    category: str, coins: Coins, *, side: Side, is_maker: bool | None, is_rebate: bool
) -> str:
    """The coin of a fee that names none.

    Derivatives pay in the coin in which they settle. On the spot market the buyer pays in what he
    receives and so does the seller, but a maker who is paid a rebate receives it the other way
    round. A rebate without a word about its maker is a maker's: takers get none.
    """
    if category != "spot":
        return coins.money
    pays_in_base = side == "Buy"
    if is_rebate and is_maker is not False:
        pays_in_base = not pays_in_base
    return coins.base if pays_in_base else coins.money

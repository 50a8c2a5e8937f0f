"""What the account owns: the unified wallet, and the FUND wallet beside it.

`equity = walletBalance - spotBorrow + unrealisedPnl + option value`. A negative balance of a
coin is borrowed.
"""

from collections.abc import Sequence

import msgspec

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.asked import Asked
from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.legs import to_e8, wide_value
from papervenues.bybit.settings import ApiKey
from papervenues.bybit.values import MONEY_DECIMALS, plain, rounded
from papervenues.bybit.vocabulary import COINS
from papervenues.market import PricePath

DOLLARS = frozenset({"USDT", "USDC"})
FUND = "FUND"
UNIFIED = "UNIFIED"
Row = dict[str, object]


def wallet_balance(asked: Asked) -> Listing:
    """`/v5/account/wallet-balance`: one row, with one entry for each coin."""
    if asked.query.get("accountType", "") != UNIFIED:
        raise RefusalError(PARAMETERS, "accountType only support UNIFIED.")
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    row = wallet_row(
        book,
        paths=asked.venue.paths,
        now_ms=asked.now_ms,
        coins=tuple(coin for coin in asked.query.get("coin", "").split(",") if coin),
    )
    return Listing([msgspec.json.encode(row)], cursor=None)


def coins_balance(asked: Asked) -> bytes:
    """`/v5/asset/transfer/query-account-coins-balance`: one wallet, coin by coin."""
    kind = asked.query.get("accountType", "")
    if kind not in (FUND, UNIFIED):
        raise RefusalError(PARAMETERS, "params error: accountType invalid")
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    owned = book.funds_e8 if kind == FUND else book.balances_e8
    asked_for = [coin for coin in asked.query.get("coin", "").split(",") if coin]
    rows = [
        {
            "coin": coin,
            "transferBalance": plain(max(0, amount), MONEY_DECIMALS),
            "walletBalance": plain(amount, MONEY_DECIMALS),
            "bonus": "",
        }
        for coin, amount in zip(COINS, owned, strict=True)
        if (coin in asked_for if asked_for else amount)
    ]
    return msgspec.json.encode(
        {"memberId": member_id(asked.venue.settings.user_id(asked.signer.account), asked.signer),
         "accountType": kind, "balance": rows}
    )  # fmt: skip


def member_id(user_id: int, key: ApiKey) -> str:
    """The account's number, which a sub-account's key shares with nobody."""
    return str(user_id if key.is_master else user_id + 1)


def wallet_row(
    book: AccountBook,
    *,
    paths: Sequence[PricePath],
    now_ms: int,
    coins: tuple[str, ...] = (),
) -> Row:
    """The unified wallet at an instant; without coins all that are not zero."""
    valuer = _Valuer(book, paths, now_ms=now_ms)
    everything = [valuer.coin(number) for number in range(len(COINS))]
    shown = [
        row
        for row in everything
        if (row["coin"] in coins if coins else valuer.is_held(str(row["coin"])))
    ]
    total = sum(valuer.usd_e8(coin, valuer.equity_e8(coin)) for coin in range(len(COINS)))
    wallet = sum(valuer.usd_e8(coin, amount) for coin, amount in enumerate(book.balances_e8))
    gains = sum(valuer.usd_e8(coin, valuer.gains_e8[coin]) for coin in range(len(COINS)))

    def text(amount_e8: int) -> str:
        return plain(amount_e8, MONEY_DECIMALS)

    return {
        "accountType": UNIFIED,
        "accountLTV": "",
        "accountIMRate": "0",
        "accountIMRateByMp": "0",
        "accountMMRate": "0",
        "accountMMRateByMp": "0",
        "totalEquity": text(total),
        "totalWalletBalance": text(wallet),
        "totalMarginBalance": text(wallet + gains),
        "totalAvailableBalance": text(max(0, wallet + gains)),
        "totalPerpUPL": text(gains),
        "totalInitialMargin": "0",
        "totalInitialMarginByMp": "0",
        "totalMaintenanceMargin": "0",
        "totalMaintenanceMarginByMp": "0",
        "coin": shown,
    }


class _Valuer:
    """Marks positions and coins at an instant."""

    def __init__(self, book: AccountBook, paths: Sequence[PricePath], *, now_ms: int) -> None:
        self._book = book
        self._usd_price = _usd_prices(book, paths, now_ms=now_ms)
        self.gains_e8 = [0] * len(COINS)
        self.options_e8 = [0] * len(COINS)
        self._realised_e8 = [0] * len(COINS)
        for (number, _), leg in book.legs.items():
            coin, mark = COINS.index(leg.instrument.settle), paths[number].at(now_ms)
            self._realised_e8[coin] += leg.realised_all_e8
            if leg.instrument.category == "option":
                worth = wide_value(leg.instrument, leg.qty, price=mark)
                self.options_e8[coin] += to_e8(worth, leg.instrument)
            elif leg.qty:
                self.gains_e8[coin] += leg.gain_at(mark)

    def equity_e8(self, coin: int) -> int:
        """Everything that belongs to a coin."""
        return self._book.balances_e8[coin] + self.gains_e8[coin] + self.options_e8[coin]

    def usd_e8(self, coin: int, amount_e8: int) -> int:
        """An amount of a coin in dollars."""
        above, below = self._usd_price.get(COINS[coin], (0, 1))
        return rounded(amount_e8 * above, below)

    def is_held(self, coin: str) -> bool:
        """Whether there is anything of a coin."""
        number = COINS.index(coin)
        return bool(self._book.balances_e8[number] or self.equity_e8(number))

    def coin(self, number: int) -> Row:
        """One coin as the venue lists it."""
        balance, equity = self._book.balances_e8[number], self.equity_e8(number)
        # A short of a spot coin is borrowed: the wallet shows none, the borrowing the rest.
        borrowed = max(0, -balance)
        return {
            "coin": COINS[number],
            "equity": plain(equity, MONEY_DECIMALS),
            "usdValue": plain(self.usd_e8(number, equity), MONEY_DECIMALS),
            "walletBalance": plain(balance + borrowed, MONEY_DECIMALS),
            "free": "",
            "locked": "0",
            "spotHedgingQty": "0",
            "borrowAmount": plain(borrowed, MONEY_DECIMALS),
            "spotBorrow": plain(borrowed, MONEY_DECIMALS),
            "availableToBorrow": "",
            "availableToWithdraw": "",
            "accruedInterest": "0",
            "totalOrderIM": "0",
            "totalPositionIM": "0",
            "totalPositionMM": "0",
            "unrealisedPnl": plain(self.gains_e8[number], MONEY_DECIMALS),
            "cumRealisedPnl": plain(self._realised_e8[number], MONEY_DECIMALS),
            "bonus": "0",
            "marginCollateral": True,
            "collateralSwitch": True,
            "colRes": "",
        }


def _usd_prices(
    book: AccountBook, paths: Sequence[PricePath], *, now_ms: int
) -> dict[str, tuple[int, int]]:
    """What a coin costs in dollars, as a fraction; from its spot pair, else its perpetual."""
    prices = dict.fromkeys(DOLLARS, (1, 1))
    for wanted in ("spot", "linear"):
        for number, instrument in enumerate(book.history.instruments):
            if instrument.category == wanted and instrument.quote in DOLLARS:
                price = paths[number].at(now_ms), 10**instrument.price_decimals
                prices.setdefault(instrument.base, price)
    return prices

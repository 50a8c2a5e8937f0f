"""A trading history of any length, made row by row in constant memory, as the venue would tell it.

Bots hold virtual positions on a few symbols of one account: they enter, add, leave in parts and
turn around, and a person trades a little beside them. Orders fill in parts, some of them within one
millisecond; closed sizes follow the account's position; funding is paid every eight hours on what
the account holds. The density is fixed, so that ten times the fills are ten times the days.

Nobody closes what he does not hold, so what the traders hold at the end is what the books must say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from fillbook.domain.window import milliseconds

STARTS_AT = datetime(2020, 1, 1, tzinfo=UTC)
EXECUTIONS_A_DAY = 5_000
FILLS_PER_ORDER = (1, 1, 1, 2, 2, 3, 4)
BOTS = ("grid_01", "trend_02", "scalp_03")
NOBODY = ""  # who trades by hand leaves no tag
BY_HAND = 0.04
IN_ONE_MILLISECOND = 0.3
ADDS_MAX = 4
LOTS_MAX = 40
FEE_RATE_E8 = 55_000
FUNDING_RATE_E8 = 10_000
MONEY_DECIMALS = 8

_DAY_MS = 86_400_000
_FUNDING_MS = 8 * 3_600_000
_ORDER_GAP_MS = _DAY_MS * sum(FILLS_PER_ORDER) // (len(FILLS_PER_ORDER) * EXECUTIONS_A_DAY)
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_EXITS = ("tp", "sl", "tm", "ts", "ex")


@dataclass(slots=True)
class Market:
    """One symbol: its price, and who holds what, in whole units of the last decimal."""

    symbol: str
    price: int
    price_decimals: int
    qty_decimals: int
    lot: int
    net: int = 0
    held: dict[str, int] = field(default_factory=dict)
    adds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the execution list: a fill, or a funding payment when `is_funding`."""

    ms: int
    seq: int
    symbol: str
    execution_id: str
    order_id: str
    link_id: str
    side: int
    price: str
    qty: str
    value: str
    closed: str
    fee: str
    is_funding: bool = False

    @property
    def side_word(self) -> str:
        """As the venue prints it."""
        return "Buy" if self.side > 0 else "Sell"

    @property
    def body(self) -> bytes:
        """The row as JSON."""
        order_type, create_type, kind, rate = (
            ("UNKNOWN", "", "Funding", "0.0001")
            if self.is_funding
            else ("Market", "CreateByUser", "Trade", "0.00055")
        )
        return (
            f'{{"symbol":"{self.symbol}","orderType":"{order_type}","underlyingPrice":"",'
            f'"orderLinkId":"{self.link_id}","side":"{self.side_word}","indexPrice":"",'
            f'"orderId":"{self.order_id}","stopOrderType":"UNKNOWN","createType":"{create_type}",'
            f'"orderQty":"{self.qty}","orderPrice":"{self.price}","leavesQty":"0",'
            f'"execTime":"{self.ms}","feeCurrency":"USDT","isMaker":false,"execFee":"{self.fee}",'
            f'"feeRate":"{rate}","execId":"{self.execution_id}","tradeIv":"",'
            f'"blockTradeId":"","markPrice":"{self.price}","execPrice":"{self.price}","markIv":"",'
            f'"execValue":"{self.value}","execType":"{kind}","execQty":"{self.qty}",'
            f'"closedSize":"{self.closed}","seq":{self.seq},"extraFees":"","execFeeV2":"",'
            '"marketUnit":""}'
        ).encode()


@dataclass(slots=True)
class History:
    """The account as it trades: `orders` goes on for ever, and what is held is there to be read."""

    chance: Random
    ms: int = milliseconds(STARTS_AT)
    seq: int = 0
    counter: int = 0
    markets: tuple[Market, ...] = field(
        default_factory=lambda: (
            Market("BTCUSDT", 6_000_000, 2, 3, 5),
            Market("ETHUSDT", 300_000, 2, 2, 10),
            Market("SOLUSDT", 150_000, 3, 1, 20),
            Market("XRPUSDT", 50_000, 4, 0, 100),
        )
    )

    def rows(self, executions: int) -> Iterator[Row]:
        """The next rows: at least so many fills, up to the end of the last order."""
        done = 0
        while done < executions:
            before = self.ms
            self.ms += self.chance.randrange(2 * _ORDER_GAP_MS)
            for at in range(before - before % _FUNDING_MS + _FUNDING_MS, self.ms + 1, _FUNDING_MS):
                yield from self._funding(at)
            for row in self._order():
                done += 1
                yield row

    def held(self) -> dict[tuple[str, str], int]:
        """What every trader holds who holds anything, in whole units."""
        return {
            (market.symbol, owner): units
            for market in self.markets
            for owner, units in market.held.items()
            if units
        }

    def _funding(self, at: int) -> Iterator[Row]:
        for market in self.markets:
            if not market.net:
                continue
            value = market.price * abs(market.net)
            decimals = market.price_decimals + market.qty_decimals
            fee = value * FUNDING_RATE_E8 // 10**decimals
            self.seq += 1
            yield Row(
                ms=at,
                seq=self.seq,
                symbol=market.symbol,
                execution_id=self._uuid("4"),
                order_id=self._uuid("4"),
                link_id="",
                side=1 if market.net > 0 else -1,
                price=plain(market.price, market.price_decimals),
                qty=plain(abs(market.net), market.qty_decimals),
                value=plain(value, decimals),
                closed="0",
                fee=plain(fee if market.net > 0 else -fee, MONEY_DECIMALS),
                is_funding=True,
            )

    def _order(self) -> Iterator[Row]:
        market = self.chance.choice(self.markets)
        owner, order = NOBODY, None
        if self.chance.random() < BY_HAND:
            order = self._by_hand(market)
        if order is None:
            owner = self.chance.choice(BOTS)
            order = self._by_bot(market, owner)
        side, units, reason = order
        market.held[owner] = market.held.get(owner, 0) + side * units
        link_id = self._tag(owner, reason) if owner else ""
        order_id = self._uuid("4")
        for part in self._parts(units):
            yield self._fill(market, side * part, order_id, link_id)
            if self.chance.random() >= IN_ONE_MILLISECOND:
                self.ms += self.chance.randrange(1, 40)

    def _by_hand(self, market: Market) -> tuple[int, int, str] | None:
        """A person closes his own, or opens on a side where no bot's lots are in the way."""
        units = market.held.get(NOBODY, 0)
        if units:
            return (-1 if units > 0 else 1), abs(units), ""
        side = self.chance.choice((1, -1))
        if any(held * side < 0 for held in market.held.values()):
            return None
        return side, self._lots(market), ""

    def _by_bot(self, market: Market, bot: str) -> tuple[int, int, str]:
        units = market.held.get(bot, 0)
        if not units:
            market.adds[bot] = 0
            return self.chance.choice((1, -1)), self._lots(market), "en"
        side, drawn = (1 if units > 0 else -1), self.chance.random()
        if drawn < 0.3 and market.adds[bot] < ADDS_MAX:
            market.adds[bot] += 1
            return side, self._lots(market), "ad"
        if drawn > 0.95:
            market.adds[bot] = 0
            return -side, abs(units) + self._lots(market), "rv"
        part = abs(units) // 2 if drawn > 0.75 else 0
        return -side, part or abs(units), self.chance.choice(_EXITS)

    def _lots(self, market: Market) -> int:
        return market.lot * self.chance.randint(1, LOTS_MAX)

    def _parts(self, units: int) -> list[int]:
        count = min(units, self.chance.choice(FILLS_PER_ORDER))
        part = units // count
        return [part] * (count - 1) + [units - part * (count - 1)]

    def _fill(self, market: Market, signed: int, order_id: str, link_id: str) -> Row:
        step = max(1, market.price // 2_000)
        market.price = max(step, market.price + self.chance.randint(-step, step))
        side, units = (1 if signed > 0 else -1), abs(signed)
        closed = min(units, max(0, -side * market.net))
        market.net += signed
        value = market.price * units
        decimals = market.price_decimals + market.qty_decimals
        self.seq += 1
        return Row(
            ms=self.ms,
            seq=self.seq,
            symbol=market.symbol,
            execution_id=self._uuid("5"),
            order_id=order_id,
            link_id=link_id,
            side=side,
            price=plain(market.price, market.price_decimals),
            qty=plain(units, market.qty_decimals),
            value=plain(value, decimals),
            closed=plain(closed, market.qty_decimals),
            fee=plain(value * FEE_RATE_E8 // 10**decimals, MONEY_DECIMALS),
        )

    def _tag(self, bot: str, reason: str) -> str:
        self.counter = (self.counter + 1) % 1_296
        return f"f1-{bot}-{reason}-{_base36(self.ms, 8)}{_base36(self.counter, 2)}"

    def _uuid(self, version: str) -> str:
        text = f"{self.chance.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-{version}{text[13:16]}-a{text[17:20]}-{text[20:]}"


def plain(number: int, decimals: int) -> str:
    """Whole units as a decimal text, without trailing zeros."""
    if not decimals or not number:
        return str(number)
    whole, rest = divmod(abs(number), 10**decimals)
    sign = "-" if number < 0 else ""
    return f"{sign}{whole}.{rest:0{decimals}d}".rstrip("0").rstrip(".")


def _base36(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 36)
        digits.append(_BASE36[rest])
    return "".join(reversed(digits))

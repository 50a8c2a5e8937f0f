"""Everything that follows from one account's store: balances, log lines, positions, closes.

The book reads the store's rows once, in true order, as their time comes, and goes on where it
stopped when rows were appended. What it keeps are columns beside those of the store: about
sixty bytes for a log line and twenty-four for an execution. Texts are made when a page is asked.

A log line's `source` is the number of an execution, or -1 minus the number of a cash event.
Each line changes one coin; a spot trade makes one line for each coin that it moves.
"""

from array import array
from dataclasses import dataclass, field

from papervenues.bybit.history import AccountHistory, CashEvent
from papervenues.bybit.legs import NOTHING, Close, Leg
from papervenues.bybit.values import MONEY_DECIMALS, value_e8
from papervenues.bybit.vocabulary import COINS, DELIVERY, FUNDING, SESSION, SETTLE
from papervenues.market import Instrument

NONE = -1
# These come from the FUND wallet or go there.
TRANSFERS = frozenset({"TRANSFER_IN", "TRANSFER_OUT"})
ENDINGS = frozenset({DELIVERY, SETTLE})


def _longs() -> "array[int]":
    return array("q")


def _ints() -> "array[int]":
    return array("i")


def _bytes() -> "array[int]":
    return array("b")


@dataclass(frozen=True, slots=True)
class LogLines:
    """One row for each change of a coin's balance."""

    time_ms: "array[int]" = field(default_factory=_longs)
    source: "array[int]" = field(default_factory=_ints)
    coin: "array[int]" = field(default_factory=_bytes)
    cash_flow_e8: "array[int]" = field(default_factory=_longs)
    funding_e8: "array[int]" = field(default_factory=_longs)
    fee_e8: "array[int]" = field(default_factory=_longs)
    balance_e8: "array[int]" = field(default_factory=_longs)
    size: "array[int]" = field(default_factory=_longs)

    def __len__(self) -> int:
        return len(self.time_ms)


@dataclass(frozen=True, slots=True)
class Closes:
    """One row for each order that closed something, in the order of its first closing fill.

    Created is when the order came, updated when it last closed something.
    """

    order: "array[int]" = field(default_factory=_ints)
    created_ms: "array[int]" = field(default_factory=_longs)
    updated_ms: "array[int]" = field(default_factory=_longs)


def funds_change(event: CashEvent) -> int:
    """What an event brings to the FUND wallet."""
    if event.is_fund_only:
        return event.change_e8
    return -event.change_e8 if event.kind in TRANSFERS else 0


@dataclass(slots=True)
class AccountBook:
    """The derived state of one account."""

    history: AccountHistory
    log: LogLines = field(default_factory=LogLines)
    closes: Closes = field(default_factory=Closes)
    balances_e8: list[int] = field(default_factory=list)
    funds_e8: list[int] = field(default_factory=list)
    # The FUND wallet's balance of the coin after each cash event.
    funds_after_e8: list[int] = field(default_factory=list)
    legs: dict[tuple[int, int], Leg] = field(default_factory=dict)
    # One entry for each execution that was read.
    gain_e8: "array[int]" = field(default_factory=_longs)
    open_fee_e8: "array[int]" = field(default_factory=_longs)
    previous: "array[int]" = field(default_factory=_ints)
    # One entry for each order that has one.
    last_fill: "array[int]" = field(default_factory=_ints)
    close_place: "array[int]" = field(default_factory=_ints)
    # The executions that are session settlements and deliveries.
    records: "array[int]" = field(default_factory=_ints)
    rows_read: int = 0
    cash_read: int = 0
    read_until_ms: int = 0

    def catch_up(self, now_ms: int) -> None:
        """Read what happened up to now."""
        if now_ms < self.read_until_ms:
            self._forget()
        times = self.history.executions.time_ms
        cash = self.history.cash
        self._make_room()
        while True:
            row_ms = times[self.rows_read] if self.rows_read < len(times) else None
            event = cash[self.cash_read] if self.cash_read < len(cash) else None
            if (
                event is not None
                and event.time_ms <= now_ms
                and (row_ms is None or event.time_ms <= row_ms)
            ):
                self._read_cash(event)
            elif row_ms is not None and row_ms <= now_ms:
                self._read_row(self.rows_read, row_ms)
            else:
                return

    def fills_of(self, order: int) -> list[int]:
        """The order's executions so far, in true order."""
        rows: list[int] = []
        row = self.last_fill[order] if order < len(self.last_fill) else NONE
        while row != NONE:
            rows.append(row)
            row = self.previous[row]
        return rows[::-1]

    def leg(self, symbol: int, position_idx: int) -> Leg:
        """The leg of a symbol, a flat one when it never was."""
        known = self.legs.get((symbol, position_idx))
        if known is None:
            known = self.legs[symbol, position_idx] = Leg(self.history.instruments[symbol])
        return known

    def _open_funds(self) -> None:
        """Give the FUND wallet what it must have held before, so that it is never negative."""
        running, lowest = [0] * len(COINS), [0] * len(COINS)
        for event in self.history.cash:
            coin = COINS.index(event.coin)
            running[coin] += funds_change(event)
            lowest[coin] = min(lowest[coin], running[coin])
        self.funds_e8 = [-amount for amount in lowest]

    def _forget(self) -> None:
        fresh = AccountBook(self.history)
        for name in AccountBook.__slots__:
            setattr(self, name, getattr(fresh, name))

    def _make_room(self) -> None:
        if not self.balances_e8:
            self.balances_e8 = [0] * len(COINS)
            self._open_funds()
        missing = len(self.history.orders.qty) - len(self.last_fill)
        self.last_fill.extend([NONE] * missing)
        self.close_place.extend([NONE] * missing)

    def _read_cash(self, event: CashEvent) -> None:
        number = self.cash_read
        self.cash_read += 1
        self.read_until_ms = max(self.read_until_ms, event.time_ms)
        coin = COINS.index(event.coin)
        change = funds_change(event)
        self.funds_e8[coin] += change
        self.funds_after_e8.append(self.funds_e8[coin])
        if not event.is_fund_only:
            self._line(event.time_ms, NONE - number, coin, cash_flow_e8=event.change_e8)

    def _read_row(self, row: int, time_ms: int) -> None:
        rows, orders = self.history.executions, self.history.orders
        order = rows.order[row]
        number = orders.symbol[order]
        instrument = self.history.instruments[number]
        self.rows_read += 1
        self.read_until_ms = max(self.read_until_ms, time_ms)
        self.previous.append(self.last_fill[order])
        self.last_fill[order] = row
        if instrument.category == "spot":
            self._keep(row, NOTHING)
            self._spot(row, instrument)
            return
        leg = self.leg(number, orders.position_idx[order])
        leg.seq = max(leg.seq, rows.seq[row])
        kind = rows.exec_type[row]
        if kind == FUNDING:
            self._fund(row, leg)
        elif kind == SESSION:
            self._session(row, leg)
        else:
            self._fill(row, leg, signed=orders.side[order] * rows.qty[row])

    def _fill(self, row: int, leg: Leg, *, signed: int) -> None:
        rows = self.history.executions
        price, fee, time_ms = rows.price[row], rows.fee_e8[row], rows.time_ms[row]
        settle = COINS.index(leg.instrument.settle)
        own_fee = fee if rows.fee_coin[row] == settle else 0
        close = leg.fill(signed, price=price, fee_e8=own_fee, time_ms=time_ms)
        self._keep(row, close)
        if close.qty:
            self._note_close(rows.order[row], time_ms)
        if rows.exec_type[row] in ENDINGS:
            self.records.append(row)
        flow = close.session_e8
        if leg.instrument.category == "option":
            worth = value_e8(self.history, row)
            flow = -worth if signed > 0 else worth
        self._line(time_ms, row, settle, cash_flow_e8=flow, fee_e8=own_fee, size=leg.qty)
        if fee and own_fee == 0:
            self._line(time_ms, row, rows.fee_coin[row], fee_e8=fee, size=leg.qty)

    def _spot(self, row: int, instrument: Instrument) -> None:
        rows, time_ms = self.history.executions, self.history.executions.time_ms[row]
        side, fee, fee_coin = self.history.side_of(row), rows.fee_e8[row], rows.fee_coin[row]
        worth = value_e8(self.history, row)
        amount = rows.qty[row] * 10 ** (MONEY_DECIMALS - instrument.qty_decimals)
        base, quote = COINS.index(instrument.base), COINS.index(instrument.quote)
        for coin, flow in ((base, side * amount), (quote, -side * worth)):
            own_fee = fee if coin == fee_coin else 0
            self._line(time_ms, row, coin, cash_flow_e8=flow, fee_e8=own_fee)
        if fee and fee_coin not in (base, quote):
            self._line(time_ms, row, fee_coin, fee_e8=fee)

    def _fund(self, row: int, leg: Leg) -> None:
        rows = self.history.executions
        paid = rows.fee_e8[row]
        leg.realise(-paid)
        leg.updated_ms = rows.time_ms[row]
        self._keep(row, NOTHING)
        settle = COINS.index(leg.instrument.settle)
        self._line(rows.time_ms[row], row, settle, funding_e8=-paid, size=leg.qty)

    def _session(self, row: int, leg: Leg) -> None:
        """Book a session's profit; with the funding of the same instant it is one line."""
        rows, log = self.history.executions, self.log
        time_ms, price = rows.time_ms[row], rows.price[row]
        settle = COINS.index(leg.instrument.settle)
        earned = leg.gain_at(price)
        leg.settle(price=price)
        leg.updated_ms = time_ms
        self._keep(row, Close(0, earned, earned, 0, 0))
        self.records.append(row)
        line = self._funding_line(row)
        if line is None:
            self._line(time_ms, row, settle, cash_flow_e8=earned, size=leg.qty)
            return
        log.cash_flow_e8[line] += earned
        self.balances_e8[settle] += earned
        for later in range(line, len(log)):
            if log.coin[later] == settle:
                log.balance_e8[later] += earned

    def _funding_line(self, row: int) -> int | None:
        """The log line of the funding of this row's leg at the same instant."""
        rows, log = self.history.executions, self.log
        orders = self.history.orders
        line = len(log) - 1
        while line >= 0 and log.time_ms[line] == rows.time_ms[row]:
            source = log.source[line]
            if source >= 0 and rows.exec_type[source] == FUNDING:
                one, other = rows.order[source], rows.order[row]
                if (orders.symbol[one], orders.position_idx[one]) == (
                    orders.symbol[other],
                    orders.position_idx[other],
                ):
                    return line
            line -= 1
        return None

    def _keep(self, row: int, close: Close) -> None:
        assert row == len(self.gain_e8), "executions are read in order"
        self.gain_e8.append(close.gain_e8)
        self.open_fee_e8.append(close.open_fee_e8)

    def _note_close(self, order: int, time_ms: int) -> None:
        place = self.close_place[order]
        if place == NONE:
            self.close_place[order] = len(self.closes.order)
            self.closes.order.append(order)
            self.closes.created_ms.append(self.history.orders.time_ms[order])
            self.closes.updated_ms.append(time_ms)
        else:
            self.closes.updated_ms[place] = time_ms

    def _line(
        self,
        time_ms: int,
        source: int,
        coin: int,
        *,
        cash_flow_e8: int = 0,
        funding_e8: int = 0,
        fee_e8: int = 0,
        size: int = 0,
    ) -> None:
        log = self.log
        self.balances_e8[coin] += cash_flow_e8 + funding_e8 - fee_e8
        log.time_ms.append(time_ms)
        log.source.append(source)
        log.coin.append(coin)
        log.cash_flow_e8.append(cash_flow_e8)
        log.funding_e8.append(funding_e8)
        log.fee_e8.append(fee_e8)
        log.balance_e8.append(self.balances_e8[coin])
        log.size.append(size)

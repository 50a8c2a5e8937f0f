"""Tells the sockets of a venue what happened: once for each look, whatever the time passed.

A row of the store whose time has come makes an execution message, with the other fills of its
order in that millisecond; then come the order, the position and the wallet. The order of the
topics is shuffled, since the venue promises none. Nothing is repeated to who comes later.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from papervenues.bybit import stream_rows
from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.stream_session import Session
from papervenues.bybit.truth import happened
from papervenues.bybit.venue import Venue
from papervenues.bybit.vocabulary import COINS
from papervenues.draws import Draws, digest_of
from papervenues.faults import EventLuck

SCAN_MS = 30_000
HELD_LOOKS_MAX = 20
LATE_SECONDS_MAX = 3
ROWS_A_MESSAGE_MAX = 100
Row = dict[str, object]
TOLD_TWICE = {"cancelType": "CancelByUser", "rejectReason": "EC_OrigClOrdIDDoesNotExist"}


@dataclass(frozen=True, slots=True)
class Event:
    """One message before it is addressed; each row has its category."""

    topic: str
    rows: tuple[Row, ...]
    symbol: str
    name: str


class StreamHub:
    """All sockets of one venue."""

    def __init__(self, venue: Venue) -> None:
        self.sessions: set[Session] = set()
        self.luck = EventLuck(venue.settings.faults, seed=venue.settings.seed)
        # Accounts that were connected before: only they can lose a subscription.
        self.accounts_seen: set[int] = set()
        self._venue = venue
        now_ms = venue.clock()
        self._seen = [happened(pages.history, now_ms=now_ms) for pages in venue.pages]
        self._scanned_ms = now_ms
        self._connected = 0

    def name_of_next(self) -> str:
        """The name of a new connection."""
        self._connected += 1
        number = digest_of("connection", self._venue.settings.seed, self._connected) % 10**12
        return f"paper-{number:012d}-{self._connected}"

    async def look(self, accounts: Mapping[int, LiveAccount], *, now_ms: int) -> None:
        """Tell what happened since the last look."""
        for number in range(len(self._seen)):
            events = self._events(number, accounts.get(number), now_ms=now_ms)
            for event in events:
                await self._tell(number, event, now_ms=now_ms)
        for session in tuple(self.sessions):
            await session.flush_old(looks_max=HELD_LOOKS_MAX)
        await self._drop_silent(now_ms)

    async def close(self) -> None:
        """End all connections."""
        for session in tuple(self.sessions):
            session.end()
            await session.socket.close()

    def break_off(self, account: int | None = None) -> int:
        """Break connections without a farewell; the answer is how many."""
        struck = [
            session
            for session in self.sessions
            if account is None or (session.key is not None and session.key.account == account)
        ]
        for session in struck:
            session.break_off()
        return len(struck)

    def _events(self, number: int, account: LiveAccount | None, *, now_ms: int) -> Iterable[Event]:
        pages = self._venue.pages[number]
        first, last = self._seen[number], happened(pages.history, now_ms=now_ms)
        changed = [] if account is None else account.changed[:]
        if account is not None:
            account.changed.clear()
        self._seen[number] = max(first, last)
        if not (changed or last > first) or not self._has_listener(number):
            return []
        return _Telling(self._venue, number, now_ms=now_ms).events(
            range(first, last), changed, luck=self.luck
        )

    def _has_listener(self, number: int) -> bool:
        return any(
            session.key is not None and session.key.account == number and session.topics
            for session in self.sessions
        )

    async def _tell(self, number: int, event: Event, *, now_ms: int) -> None:
        for session in tuple(self.sessions):
            if session.key is None or session.key.account != number or session.is_silent:
                continue
            for topic, rows in _addressed(session, event):
                await self._send(session, event, topic=topic, rows=rows, now_ms=now_ms)

    async def _send(
        self, session: Session, event: Event, *, topic: str, rows: list[Row], now_ms: int
    ) -> None:
        def strikes(fault: str) -> bool:
            return self.luck.strikes(fault, event.name, symbol=event.symbol, time_ms=now_ms)

        text = _message(topic, rows, event, now_ms=now_ms)
        if strikes("ws_auth_expired"):
            await session.expire()
        elif strikes("ws_disconnect"):
            half = rows[: len(rows) // 2]
            if half:
                await session.send_text(_message(topic, half, event, now_ms=now_ms))
            session.break_off()
        elif strikes("ws_dropped_event"):
            return
        elif strikes("ws_late_event"):
            seconds = 1 + digest_of("late", event.name) % LATE_SECONDS_MAX
            session.later(seconds, text)
        elif strikes("ws_reordered"):
            session.hold(text)
        else:
            await session.send_text(text)
            if strikes("ws_duplicate_event"):
                await session.send_text(text)
            await session.flush()

    async def _drop_silent(self, now_ms: int) -> None:
        """Close what was silent for too long, at every half minute of the clock."""
        if now_ms // SCAN_MS == self._scanned_ms // SCAN_MS:
            return
        self._scanned_ms = now_ms
        for session in tuple(self.sessions):
            if now_ms - session.heard_ms >= session.silence_ms:
                await session.socket.close()


class _Telling:
    """Makes the events of one account and one look."""

    def __init__(self, venue: Venue, number: int, *, now_ms: int) -> None:
        self._venue = venue
        self._encoder = venue.pages[number].encoder
        self._book = venue.book(number, now_ms=now_ms)
        self._number = number
        self._user = venue.settings.user_id(number)
        self._now_ms = now_ms

    def events(self, rows: range, changed: list[int], *, luck: EventLuck) -> list[Event]:
        groups = self._groups(rows, merged=luck.strikes("ws_merged_events", f"{self._user}{rows}"))
        orders = self._book.history.executions.order
        told: list[Event] = []
        last: dict[int, None] = dict.fromkeys(changed)
        for group in groups:
            mine = {orders[row]: None for row in group}
            told += self._shuffled(self._fills(group) + self._orders(mine, luck=luck), group[0])
            for order in mine:
                last.pop(order, None)
        rest = (
            self._orders(last, luck=luck)
            + self._positions(rows, changed, luck=luck)
            + self._wallet(rows)
        )
        return told + self._shuffled(rest, rows.stop)

    def _groups(self, rows: range, *, merged: bool) -> list[list[int]]:
        """Rows of one order and millisecond in a row are one message."""
        book = self._book.history.executions
        groups: list[list[int]] = []
        for row in rows:
            last = groups[-1] if groups else []
            same = last and (
                merged
                or (book.order[last[-1]], book.time_ms[last[-1]])
                == (book.order[row], book.time_ms[row])
            )
            if same and len(last) < ROWS_A_MESSAGE_MAX:
                last.append(row)
            else:
                groups.append([row])
        return groups

    def _fills(self, group: list[int]) -> list[Event]:
        full = [stream_rows.execution(self._book, self._encoder, row) for row in group]
        fast = [stream_rows.fast_execution(self._book, self._encoder, row) for row in group]
        quick = [row for row in fast if row is not None]
        symbol = str(full[0]["symbol"])
        events = [self._event("execution", full, symbol, f"row {group[0]}")]
        if quick:
            events.append(self._event("execution.fast", quick, symbol, f"row {group[0]}"))
        return events

    def _orders(self, numbers: Iterable[int], *, luck: EventLuck) -> list[Event]:
        events = []
        history = self._book.history
        for number in numbers:
            if history.orders.is_stand_in(number):
                continue
            row = stream_rows.order(self._book, self._encoder, number, now_ms=self._now_ms)
            name = f"order {number} {row['orderStatus']} {row['cumExecQty']}"
            event = self._event("order", [row], str(row["symbol"]), name)
            events.append(event)
            if row["orderStatus"] == "Filled" and luck.strikes("ws_two_filled", event.name):
                again = self._event("order", [row | TOLD_TWICE], event.symbol, f"{name} again")
                events.append(again)
        return events

    def _positions(self, rows: range, changed: list[int], *, luck: EventLuck) -> list[Event]:
        """Every order action tells the position, changed or not."""
        history = self._book.history
        symbols = {history.symbol_of(row) for row in rows}
        symbols |= {history.orders.symbol[order] for order in changed}
        events = []
        for symbol in sorted(symbols):
            told = stream_rows.positions(
                self._venue, self._number, symbol, book=self._book, now_ms=self._now_ms
            )
            if told:
                name = f"position {symbol} {rows.stop} {self._now_ms}"
                event = self._event("position", told, str(told[0]["symbol"]), name)
                idle = luck.strikes("ws_idle_position", event.name, symbol=event.symbol)
                events += [event, event] if idle else [event]
        return events

    def _wallet(self, rows: range) -> list[Event]:
        if not rows:
            return []
        coins: set[str] = set()
        for row in rows:
            instrument = self._book.history.instrument_of(row)
            moved = (
                {instrument.base, instrument.quote}
                if not instrument.settle
                else {instrument.settle}
            )
            coins |= moved | {COINS[self._book.history.executions.fee_coin[row]]}
        wallet = stream_rows.wallet(
            self._venue, self._book, tuple(sorted(coins)), now_ms=self._now_ms
        )
        return [self._event("wallet", [wallet], "", f"wallet {rows.stop}")]

    def _event(self, topic: str, rows: list[Row], symbol: str, name: str) -> Event:
        return Event(topic, tuple(rows), symbol, f"{self._user} {topic} {name}")

    def _shuffled(self, events: list[Event], turn: int) -> list[Event]:
        draws = Draws("topics", self._venue.settings.seed, self._user, turn)
        for high in range(len(events) - 1, 0, -1):
            low = draws.below(high + 1)
            events[high], events[low] = events[low], events[high]
        return events


def _addressed(session: Session, event: Event) -> list[tuple[str, list[Row]]]:
    """Under which names a session gets an event, and with which rows."""
    if event.topic in session.topics:
        return [(event.topic, list(event.rows))]
    categories = dict.fromkeys(str(row.get("category", "")) for row in event.rows)
    return [
        (f"{event.topic}.{category}", [row for row in event.rows if row["category"] == category])
        for category in categories
        if f"{event.topic}.{category}" in session.topics
    ]


def _message(topic: str, rows: list[Row], event: Event, *, now_ms: int) -> str:
    number = digest_of("message", event.name) % 10**18
    return json.dumps(
        {"id": f"paper_{number:018d}", "topic": topic, "creationTime": now_ms, "data": rows},
        separators=(",", ":"),
    )

"""Page faults: what goes wrong with lists, their order and their cursors.

A route answers one page. A fault may ask it another question (another limit, other filters), ask
it again for a neighbouring page, and change the page that comes back. The true cursor is
percent-encoded; `Asked.query` holds it decoded.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from urllib.parse import quote, unquote

import msgspec

from papervenues.bybit.asked import Asked, Route
from papervenues.bybit.cursor_book import CursorBook
from papervenues.bybit.envelope import Answered, Listing, RefusalError
from papervenues.bybit.question_rules import LIMITS_MAX, bounded, check_question, unfiltered
from papervenues.bybit.row_faults import TIMES, RowFaults
from papervenues.bybit.switches import Switches
from papervenues.draws import digest_of

LIMIT_USUAL = 20
NEIGHBOURS_MAX = 2
OUTSIDE_MS = 3_600_000
DELIVERED_KEPT = 200
REDELIVERED_MAX = 3
WALKS_KEPT = 1_000
REFILLS_MAX = 500
MADE_UP_CURSOR = "132766%3A2%2C132766%3A2"
_LISTS = ("list", "rows")


class EndIsErrorError(Exception):
    """The end of a list is told as an HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass(frozen=True, slots=True)
class Question:
    """One request for a page, and the faults that strike it."""

    route: Route
    asked: Asked
    path: str
    account: int | None
    strikes: frozenset[str]
    salt: int
    upgraded: bool = False

    @property
    def cursor(self) -> str:
        """The cursor that came with it, decoded."""
        return self.asked.query.get("cursor", "")

    @property
    def walk(self) -> str:
        """What all pages of one walk have in common."""
        words = sorted((k, v) for k, v in self.asked.query.items() if k not in ("cursor", "limit"))
        return f"{self.account}{self.path}{words}"

    def with_query(self, query: Mapping[str, str]) -> "Question":
        """The same question with another query."""
        return replace(self, asked=replace(self.asked, query=query))

    def at(self, cursor: str) -> "Question":
        """The same question for the page that a cursor (percent-encoded) names."""
        return self.with_query({**self.asked.query, "cursor": unquote(cursor)})


@dataclass(slots=True)
class PageFaults:
    """Answers questions for lists; it remembers walks, cursors and what was delivered."""

    switches: Switches
    rows: RowFaults
    cursors: CursorBook
    remembers: bool
    _walks: "OrderedDict[str, list[str]]" = field(default_factory=OrderedDict)
    _delivered: dict[str, "deque[bytes]"] = field(default_factory=dict)
    _last_rows: dict[str, bytes] = field(default_factory=dict)

    def answer(self, question: Question) -> Answered:
        """The answer with everything that switches and faults do to it."""
        check_question(question.path, question.asked.query, self.switches)
        self.cursors.check(question.path, question.cursor, now_ms=question.asked.now_ms)
        question = self._redirected(question)
        if not question.strikes and not self.rows.act_on(question.path, question.account):
            answered = self._plain(question)
            if self.remembers:
                self._hand_out(question, as_listing(answered))
            return answered
        answered = self._asked_otherwise(question)
        listing = as_listing(answered)
        if listing is None:
            return answered
        listing = self._shown(question, listing)
        listing = self._rows_changed(question, listing)
        listing = self._cursor_changed(question, listing)
        if "end_is_error" in question.strikes and not listing.rows:
            raise EndIsErrorError(404 if question.salt % 2 else 500)
        self._hand_out(question, listing)
        return listing

    def _redirected(self, question: Question) -> Question:
        """The question with the cursor that an earlier loop put another one's place into."""
        meant = self.cursors.meant(question.path, question.cursor)
        if meant is None:
            return question
        query = {name: text for name, text in question.asked.query.items() if name != "cursor"}
        return question.with_query({**query, "cursor": meant} if meant else query)

    def _plain(self, question: Question) -> Answered:
        query = bounded(question.asked.query, self.switches)
        if query is None:
            answered = question.route.answer(question.asked)
            listing = as_listing(answered)
            return answered if listing is None else replace(listing, rows=[], cursor="")
        return question.route.answer(replace(question.asked, query=query))

    def _asked_otherwise(self, question: Question) -> Answered:
        """The route's answer to the question, or to the one that a fault makes of it."""
        query = dict(question.asked.query)
        limit = int(query["limit"]) if query.get("limit", "").isdigit() else LIMIT_USUAL
        limit = min(limit, LIMITS_MAX.get(question.path, limit))
        if "short_pages" in question.strikes:
            query["limit"] = str(max(1, limit // 2))
        if "duplicate_rows" in question.strikes and limit > 1:
            # Repeated rows take the room of others, so that a page never exceeds its limit.
            query["limit"] = str(limit - min(2, limit - 1))
        asked = question.with_query(query)
        if "filter_ignored" in question.strikes:
            try:
                return self._plain(asked.with_query(unfiltered(query)))
            except RefusalError:
                pass  # an endpoint that needs one of its filters
        return self._plain(asked)

    def _shown(self, question: Question, listing: Listing) -> Listing:
        """The page without hidden rows; a page that becomes empty so gives way to the next."""
        for _ in range(REFILLS_MAX):
            shown = self.rows.apply(
                listing.rows,
                path=question.path,
                account=question.account,
                now_ms=question.asked.now_ms,
                upgraded=question.upgraded,
            )
            if shown or not listing.rows or not listing.cursor:
                # An empty page ends a walk, and an end has no cursor.
                ended = "" if listing.cursor is not None and not shown else listing.cursor
                return replace(listing, rows=shown, cursor=ended)
            following = as_listing(self._plain(question.at(listing.cursor)))
            if following is None:
                break
            listing = following
        return replace(listing, rows=[], cursor="")

    def _rows_changed(self, question: Question, listing: Listing) -> Listing:
        strikes, rows = question.strikes, list(listing.rows)
        if "empty_list" in strikes:
            return replace(listing, rows=[], cursor="")
        if rows and strikes & {"shuffled_ms", "close_before_open"}:
            rows = _within_ms(rows, salt=question.salt, closes="close_before_open" in strikes)
        if rows and "duplicate_rows" in strikes:
            rows.insert(len(rows) // 2, rows[len(rows) // 2])
            if question.cursor and question.walk in self._last_rows:
                rows.insert(0, self._last_rows[question.walk])
        if rows and "long_pages" in strikes and listing.cursor:
            following = as_listing(self._plain(question.at(listing.cursor)))
            rows += following.rows[:1] if following is not None else []
        if "rows_outside" in strikes:
            rows = [*self._neighbours(question, after=True), *rows]
            rows += self._neighbours(question, after=False)
        if rows and "redelivered_rows" in strikes:
            rows += self._redelivered(question)
        return replace(listing, rows=rows)

    def _neighbours(self, question: Question, *, after: bool) -> list[bytes]:
        """A few rows from just outside the window, when it has both bounds."""
        bounds = [question.asked.query.get(name, "") for name in ("startTime", "endTime")]
        if not all(bound.isdigit() for bound in bounds):
            return []
        edge = int(bounds[1]) + 1 if after else int(bounds[0]) - OUTSIDE_MS
        query = {name: t for name, t in question.asked.query.items() if name != "cursor"}
        query |= {"startTime": str(edge), "endTime": str(edge + OUTSIDE_MS - 1)}
        query["limit"] = str(NEIGHBOURS_MAX)
        try:
            listing = as_listing(self._plain(question.with_query(query)))
        except RefusalError:
            return []
        return [] if listing is None else listing.rows

    def _redelivered(self, question: Question) -> list[bytes]:
        known = list(self._delivered.get(_shelf(question), ()))
        first = question.salt % max(1, len(known))
        return known[first : first + REDELIVERED_MAX]

    def _cursor_changed(self, question: Question, listing: Listing) -> Listing:
        if listing.cursor is None:
            return listing
        strikes = question.strikes
        cursor = listing.cursor
        walk = self._walked(question)
        if "ends_without_cursor" in strikes and cursor and not self._has_more(question, cursor):
            cursor = ""
        if "early_end" in strikes and cursor and self._has_more(question, cursor):
            cursor = ""
        if "cursor_after_end" in strikes and not listing.rows:
            cursor = quote(question.cursor, safe="") or MADE_UP_CURSOR
        if "cursor_cycle" in strikes and cursor and len(walk) > 1 and question.cursor != walk[0]:
            cursor = quote(walk[0], safe="")
        if "cursor_loop" in strikes and cursor:
            if question.cursor:
                cursor = quote(question.cursor, safe="")
            else:
                self.cursors.mean(question.path, unquote(cursor), "")
        return replace(listing, cursor=cursor)

    def _walked(self, question: Question) -> list[str]:
        """The cursors of this walk so far, this question's own one included."""
        if not question.cursor:
            self._walks.pop(question.walk, None)
        walk = self._walks.setdefault(question.walk, [])
        if question.cursor:
            walk.append(question.cursor)
        while len(self._walks) > WALKS_KEPT:
            self._walks.popitem(last=False)
        return walk

    def _has_more(self, question: Question, cursor: str) -> bool:
        following = as_listing(self._plain(question.at(cursor)))
        return following is not None and bool(following.rows)

    def _hand_out(self, question: Question, answered: Listing | None) -> None:
        if answered is None:
            return
        if answered.cursor:
            looping = "cursor_loop" in question.strikes
            self.cursors.hand_out(
                question.path,
                unquote(answered.cursor),
                now_ms=question.asked.now_ms,
                keep_meaning=looping,
            )
        if answered.rows:
            if len(self._last_rows) > WALKS_KEPT:
                self._last_rows.clear()
            self._last_rows[question.walk] = answered.rows[-1]
            shelf = self._delivered.setdefault(_shelf(question), deque(maxlen=DELIVERED_KEPT))
            shelf.extend(answered.rows)


def as_listing(answered: Answered) -> Listing | None:
    """An answer as a list of rows; None when it is none."""
    if isinstance(answered, Listing):
        return answered
    if not any(b'"%b":[' % name.encode() in answered for name in _LISTS):
        return None
    parts = msgspec.json.decode(answered, type=dict[str, msgspec.Raw])
    name = next((one for one in _LISTS if one in parts), None)
    if name is None:
        return None
    rows = [bytes(row) for row in msgspec.json.decode(parts.pop(name), type=list[msgspec.Raw])]
    head = {one: msgspec.json.decode(raw) for one, raw in parts.items()}
    cursor = head.pop("nextPageCursor", None)
    if any(not isinstance(value, str) for value in head.values()):
        return None
    return Listing(rows, cursor, list_name=name, head=head)


def _shelf(question: Question) -> str:
    return f"{question.account}{question.path}{question.asked.query.get('category', '')}"


def _within_ms(rows: list[bytes], *, salt: int, closes: bool) -> list[bytes]:
    """The rows with those of one millisecond in another order."""
    read = [msgspec.json.decode(row, type=dict[str, object]) for row in rows]
    times = [next((str(row[name]) for name in TIMES if row.get(name)), "") for row in read]

    def rank(place: int) -> int:
        # The list is newest first: what lies further down is read as older.
        is_close = read[place].get("closedSize") not in ("", "0", None)
        return int(is_close) if closes else digest_of("ms", salt, place)

    order: list[int] = []
    for _, places in groupby(range(len(rows)), key=lambda place: times[place]):
        order += sorted(places, key=rank)
    return [rows[place] for place in order]

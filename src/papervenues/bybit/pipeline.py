"""From a request to its answer: address, route, key, limit, faults, page, envelope.

The order is the venue's. A request from an address that is shut out is not looked at. An
unknown path is told before a key is asked for. A fault strikes only what a sound venue would
have answered: a request that is refused by the rules is refused, whatever its luck.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from papervenues.bybit.asked import LAST_MS, Asked, Route, Scope
from papervenues.bybit.auth import authenticate
from papervenues.bybit.cursor_book import CursorBook
from papervenues.bybit.envelope import (
    NO_ROUTE,
    PARAMETERS,
    TOO_MANY,
    Answer,
    RefusalError,
    refusal,
    rendered,
    success,
)
from papervenues.bybit.limiter import AddressGuard, Allowance
from papervenues.bybit.misbehaviour import (
    OTHER_WORDING,
    OTHER_WORDS,
    TOO_FREQUENT_TEXT,
    TOO_MANY_TEXT,
    instead,
    spoilt,
)
from papervenues.bybit.page_faults import EndIsErrorError, PageFaults, Question, as_listing
from papervenues.bybit.query import parse_query
from papervenues.bybit.question_rules import TOO_LONG_TEXT, clipped
from papervenues.bybit.routes import ROUTES
from papervenues.bybit.row_faults import UPGRADED, RowFaults
from papervenues.bybit.session_faults import MINUTE_MS, Edge, KeyStanding, ServerClock
from papervenues.bybit.settings import ApiKey
from papervenues.bybit.venue import Venue
from papervenues.draws import digest_of
from papervenues.fault_scopes import EXECUTIONS
from papervenues.fault_table import PAGE

PRE_UPGRADE = "/v5/pre-upgrade/"
TIME_PATH = "/v5/market/time"
ABSENT = "absent"
OTHER = "other"
# Whose answers `wrong_endpoint` gives; one of them is always another one than was asked for.
STRANGERS = (
    ("/v5/account/info", ""),
    ("/v5/user/query-api", ""),
    ("/v5/position/list", "category=linear&settleCoin=USDT"),
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came; the query is raw, since the signature covers it so."""

    method: str
    path: str
    raw_query: str
    body: bytes
    headers: Mapping[str, str]
    address: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An answer, the faults that strike it on the wire, and a number for their choices."""

    answer: Answer
    strikes: frozenset[str] = frozenset()
    salt: int = 0


class Pipeline:
    """Answers the requests of one venue."""

    def __init__(self, venue: Venue) -> None:
        settings = venue.settings
        plan, seed = settings.faults, settings.seed
        self._venue = venue
        self._switches = settings.switches
        self._clock = ServerClock(seed)
        self._standing = KeyStanding()
        self._edge = Edge(seed)
        self._guard = AddressGuard(settings.ip_limit, self._switches.ban_minutes * MINUTE_MS)
        self._pages = PageFaults(
            self._switches,
            RowFaults(plan, seed, settings.start_ms, settings.end_ms),
            CursorBook(self._switches.cursor_lifetime_ms),
            remembers=bool(plan.acting(PAGE)) or self._switches.cursor_lifetime_ms > 0,
        )
        self._turns = 0
        self._previous: dict[str, tuple[str, bytes]] = {}

    def answer(self, incoming: Incoming) -> Outgoing:
        """The answer to one request."""
        now_ms = self._venue.clock()
        if not self._guard.admits(incoming.address, now_ms=now_ms) or (
            incoming.method == "GET" and incoming.body
        ):
            return Outgoing(Answer(TOO_FREQUENT_TEXT, status=403, content_type="text/plain"))
        route = ROUTES.get((incoming.method, incoming.path))
        if route is None:
            body = refusal(NO_ROUTE, "Route not found.", now_ms=self._clock.shown(now_ms))
            return Outgoing(Answer(body, status=404))
        try:
            if route.public:
                # A wrong clock shows in the venue's time and envelopes; prices go their way.
                is_time = incoming.path == TIME_PATH
                asked_ms = self._clock.shown(now_ms) if is_time else now_ms
                asked = Asked(self._venue, None, parse_query(incoming.raw_query), asked_ms)
                return self._struck(incoming, route, asked, now_ms=now_ms)
            return self._private(incoming, route, now_ms=now_ms)
        except RefusalError as error:
            return Outgoing(self._refused(error, now_ms=now_ms))

    def _private(self, incoming: Incoming, route: Route, *, now_ms: int) -> Outgoing:
        key = self._signed(incoming, route, now_ms=now_ms)
        body = _body_of(incoming)
        query = parse_query(incoming.raw_query)
        category = str(body.get("category", "")) or query.get("category", "")
        user = str(self._venue.settings.user_id(key.account))
        allowance = self._venue.limiter.ask(user, incoming.path, now_ms=now_ms, category=category)
        if not allowance.granted:
            told = refusal(TOO_MANY, TOO_MANY_TEXT, now_ms=self._clock.shown(now_ms))
            return self._headed(Outgoing(Answer(told)), allowance)
        try:
            self._standing.check(key, path=incoming.path, category=category)
            asked = Asked(self._venue, key, query, now_ms, body=body)
            outgoing = self._struck(incoming, route, asked, now_ms=now_ms)
        except RefusalError as error:
            outgoing = Outgoing(self._refused(error, now_ms=now_ms))
        return self._headed(outgoing, allowance)

    def _signed(self, incoming: Incoming, route: Route, *, now_ms: int) -> ApiKey:
        payload = incoming.raw_query
        if incoming.method != "GET":
            payload = incoming.body.decode(errors="replace")
        return authenticate(
            self._venue.keys,
            incoming.headers,
            payload=payload,
            now_ms=self._clock.shown(now_ms),
            trading=route.trading,
            remote=incoming.address,
        )

    def _struck(self, incoming: Incoming, route: Route, asked: Asked, *, now_ms: int) -> Outgoing:
        """The answer with the request's luck."""
        try:
            scope, cut = self._scope_of(incoming, route, asked)
        except RefusalError as error:
            # Nobody knows what the request is about, so only its words may change.
            strikes = self._luck(incoming, asked, Scope("", 0, LAST_MS))
            return Outgoing(self._refused(error, now_ms=now_ms, strikes=strikes))
        strikes = self._luck(incoming, asked, scope)
        if cut is not None:
            if "windows_clipped" not in strikes:
                raise cut[1]
            asked = cut[0]
        self._edge.check(start_ms=scope.start_ms, now_ms=now_ms)
        salt = 0
        if strikes:
            self._turns += 1
            salt = digest_of("salt", self._venue.settings.seed, incoming.raw_query, self._turns)
            self._act(incoming, route, asked, strikes, start_ms=scope.start_ms, now_ms=now_ms)
        try:
            answer = self._rendered(incoming, route, asked, strikes, salt=salt, now_ms=now_ms)
        except RefusalError as error:
            answer = self._refused(error, now_ms=now_ms, strikes=strikes)
        return Outgoing(answer, strikes, salt)

    def _luck(self, incoming: Incoming, asked: Asked, scope: Scope) -> frozenset[str]:
        """The faults that strike a request, drawn by its own text."""
        account = None if asked.key is None else asked.key.account
        name = f"{account}{'' if incoming.path.endswith(EXECUTIONS) else incoming.path}"
        return self._venue.luck.strikes(
            f"{name}?{incoming.raw_query}{incoming.body.decode(errors='replace')}",
            symbol=scope.symbol,
            start_ms=scope.start_ms,
            end_ms=scope.end_ms,
            path=incoming.path,
            account=account,
        )

    def _scope_of(
        self, incoming: Incoming, route: Route, asked: Asked
    ) -> tuple[Scope, tuple[Asked, RefusalError] | None]:
        """What the request is about; when its window is too long, also how it might be cut."""
        plan = self._venue.settings.faults
        if not plan.faults:
            return Scope("", 0, LAST_MS), None
        if not plan.named("windows_clipped"):
            return route.scope_of(asked), None
        shorter = replace(asked, query=clipped(incoming.path, asked.query))
        if shorter.query is asked.query:
            return route.scope_of(asked), None
        try:
            route.answer(asked)
        except RefusalError as error:
            if error.text.startswith(TOO_LONG_TEXT):
                return route.scope_of(shorter), (shorter, error)
            raise
        return route.scope_of(asked), None

    def _act(
        self,
        incoming: Incoming,
        route: Route,
        asked: Asked,
        strikes: frozenset[str],
        *,
        start_ms: int,
        now_ms: int,
    ) -> None:
        """Let the faults act that change the venue for good; they may refuse this request."""
        if "address_banned" in strikes:
            self._guard.ban(incoming.address, now_ms=now_ms)
        if "cursors_forgotten" in strikes:
            self._pages.cursors.restart()
        if "edge_moves" in strikes:
            self._edge.strike(start_ms=start_ms, now_ms=now_ms)
        if asked.key is None:
            return
        if self._clock.strike(strikes, now_ms=now_ms):
            self._signed(incoming, route, now_ms=now_ms)
        category = asked.query.get("category", "")
        self._standing.strike(strikes, asked.key, path=incoming.path, category=category)
        self._standing.check(asked.key, path=incoming.path, category=category)

    def _rendered(
        self,
        incoming: Incoming,
        route: Route,
        asked: Asked,
        strikes: frozenset[str],
        *,
        salt: int,
        now_ms: int,
    ) -> Answer:
        shown_ms = self._clock.shown(now_ms)
        has_cursor = bool(asked.query.get("cursor"))
        wrong = instead(strikes, now_ms=shown_ms, has_cursor=has_cursor, salt=salt)
        if wrong is None and "previous_answer" in strikes:
            wrong = self._previous_of(incoming, asked)
        if wrong is not None:
            return wrong
        if "wrong_endpoint" in strikes:
            return Answer(success(_strange(incoming.path, asked, salt=salt), now_ms=shown_ms))
        try:
            question = self._question(incoming, route, asked, strikes, salt=salt)
            answered = self._pages.answer(question)
        except EndIsErrorError as error:
            return Answer(b"Not Found", status=error.status, content_type="text/plain")
        result = rendered(answered)
        answer = Answer(success(result, now_ms=shown_ms))
        self._remember(incoming, asked, answer, result)
        return spoilt(answer, result, strikes, salt=salt) if strikes else answer

    def _question(
        self,
        incoming: Incoming,
        route: Route,
        asked: Asked,
        strikes: frozenset[str],
        *,
        salt: int,
    ) -> Question:
        """The question for a page; one about the time before an upgrade goes to its twin."""
        account = None if asked.key is None else asked.key.account
        path, upgraded = incoming.path, False
        if path.startswith(PRE_UPGRADE) and self._venue.settings.faults.named(UPGRADED):
            path = f"/v5/{path.removeprefix(PRE_UPGRADE)}"
            route, upgraded = ROUTES[incoming.method, path], True
        return Question(route, asked, path, account, strikes, salt, upgraded)

    def _previous_of(self, incoming: Incoming, asked: Asked) -> Answer | None:
        known = self._previous.get("" if asked.key is None else asked.key.key)
        request = f"{incoming.path}?{incoming.raw_query}"
        return None if known is None or known[0] == request else Answer(known[1])

    def _remember(self, incoming: Incoming, asked: Asked, answer: Answer, result: bytes) -> None:
        if asked.key is None or not self._venue.settings.faults.named("previous_answer"):
            return
        listing = as_listing(result)
        if listing is not None and listing.rows:
            request = f"{incoming.path}?{incoming.raw_query}"
            self._previous[asked.key.key] = (request, answer.body)

    def _refused(
        self, error: RefusalError, *, now_ms: int, strikes: frozenset[str] = frozenset()
    ) -> Answer:
        code, text = error.code, error.text
        if code == PARAMETERS and text.startswith(TOO_LONG_TEXT):
            code = self._switches.long_window_code
        if self._switches.wording == OTHER or "other_wording" in strikes:
            text = OTHER_WORDING.get(error.code, OTHER_WORDS)
        return Answer(refusal(code, text, now_ms=self._clock.shown(now_ms)))

    def _headed(self, outgoing: Outgoing, allowance: Allowance) -> Outgoing:
        """The answer with its limit headers; a fault's own headers win over them."""
        bare = "rate_limited_bare" in outgoing.strikes or self._switches.limit_headers == ABSENT
        headers = ({} if bare else allowance.headers()) | outgoing.answer.headers
        return replace(outgoing, answer=replace(outgoing.answer, headers=headers))


def _body_of(incoming: Incoming) -> dict[str, object]:
    """The JSON object of a request; a GET has none."""
    if incoming.method == "GET" or not incoming.body:
        return {}
    try:
        return msgspec.json.decode(incoming.body, type=dict[str, object])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RefusalError(PARAMETERS, "params error: the body is no JSON object") from error


def _strange(path: str, asked: Asked, *, salt: int) -> bytes:
    """The result of another endpoint, but never an empty list, which would look like a true end."""
    if asked.key is None:
        return rendered(ROUTES["GET", TIME_PATH].answer(asked))
    known = [one for one in STRANGERS if one[0] != path]
    results = []
    for other, query in (known[salt % len(known)], known[0]):
        answered = ROUTES["GET", other].answer(replace(asked, query=parse_query(query)))
        listing = as_listing(answered)
        if listing is None or listing.rows:
            results.append(rendered(answered))
    return results[0]

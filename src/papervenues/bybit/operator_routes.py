"""`/paper/...`: what an operator may do to the venue. Unsigned; the server is on loopback only.

    GET  /paper/clock                                  {"now_ms", "virtual"}
    POST /paper/clock      {"advance_ms": n} or {"to_ms": t}
    POST /paper/disconnect {"account": n}              breaks the private streams (all without n)
    POST /paper/force      {"what": "adl" | "liquidate" | "take_over", "category", "symbol",
                            "positionIdx", "percent", "account"}

Accounts are numbered from 0.
"""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from papervenues.bybit import live_danger, live_trading
from papervenues.bybit.envelope import RefusalError
from papervenues.bybit.order_rules import symbol_of
from papervenues.bybit.venue import Venue
from papervenues.bybit.virtual_clock import ClockError, VirtualClock

WRONG = 400
ALL_PERCENT = 100
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OperatorError(ValueError):
    """The operator asked for what cannot be done."""


def operator_routes(venue: Venue) -> list[web.RouteDef]:
    """The routes of one venue."""
    operator = _Operator(venue)
    return [
        web.get("/paper/clock", _guarded(operator.clock)),
        web.post("/paper/clock", _guarded(operator.move)),
        web.post("/paper/disconnect", _guarded(operator.disconnect)),
        web.post("/paper/force", _guarded(operator.force)),
    ]


class _Operator:
    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def clock(self, _request: web.Request) -> web.Response:
        virtual = isinstance(self._venue.clock, VirtualClock)
        return web.json_response({"now_ms": self._venue.clock(), "virtual": virtual})

    async def move(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        clock = self._venue.clock
        if not isinstance(clock, VirtualClock):
            raise OperatorError("this venue follows the wall clock; start it with --clock virtual")
        before = clock()
        if ("advance_ms" in asked) == ("to_ms" in asked):
            raise OperatorError("give advance_ms or to_ms")
        target = (
            _whole(asked, "to_ms") if "to_ms" in asked else before + _whole(asked, "advance_ms")
        )
        trading = live_trading.of(self._venue)
        clock.move_to(target)
        if target >= self._venue.settings.end_ms:
            trading.wake(since_ms=before)
        trading.catch_up(now_ms=target)
        await trading.hub.look(trading.accounts, now_ms=target)
        return web.json_response({"now_ms": clock(), "virtual": True})

    async def disconnect(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        account = _whole(asked, "account") if "account" in asked else None
        return web.json_response({"broken": live_trading.of(self._venue).hub.break_off(account)})

    async def force(self, request: web.Request) -> web.Response:
        asked = await _body(request)
        kind = live_danger.FORCED.get(str(asked.get("what")))
        number = _whole(asked, "account") if "account" in asked else 0
        if kind is None or number >= len(self._venue.pages):
            raise OperatorError(f"what is one of {', '.join(live_danger.FORCED)}")
        trading = live_trading.of(self._venue)
        account = trading.account(number, now_ms=self._venue.clock())
        leg = _whole(asked, "positionIdx") if "positionIdx" in asked else 0
        percent = _whole(asked, "percent") if "percent" in asked else ALL_PERCENT
        symbol = symbol_of(asked, account.instruments)
        done = live_danger.force(account, symbol, leg, kind=kind, percent=min(percent, ALL_PERCENT))
        return web.json_response({"done": done})


def _guarded(handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (OperatorError, ClockError, RefusalError) as error:
            return web.json_response({"error": str(error)}, status=WRONG)

    return answer


async def _body(request: web.Request) -> dict[str, object]:
    text = await request.text()
    try:
        asked = json.loads(text) if text else {}
    except ValueError as error:
        raise OperatorError("the body is no JSON") from error
    if not isinstance(asked, dict):
        raise OperatorError("the body is no object")
    return asked


def _whole(asked: dict[str, object], name: str) -> int:
    found = asked[name]
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise OperatorError(f"{name} is not a whole number")
    return found

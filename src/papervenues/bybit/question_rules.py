"""Switches and faults that change how a question is read, before a route sees it."""

from collections.abc import Mapping

from papervenues.bybit.envelope import PARAMETERS, RefusalError
from papervenues.bybit.query import whole_number
from papervenues.bybit.settings import DAY_MS
from papervenues.bybit.switches import Switches

EXCLUSIVE = "exclusive"
REFUSED = "refused"
WEEK_MS = 7 * DAY_MS
MONTH_MS = 30 * DAY_MS
TOO_LONG_TEXT = "The time range between"
LIMITS_MAX = {
    "/v5/execution/list": 100,
    "/v5/order/history": 50,
    "/v5/order/realtime": 50,
    "/v5/position/list": 200,
    "/v5/position/closed-pnl": 100,
    "/v5/position/get-closed-positions": 100,
    "/v5/account/transaction-log": 50,
    "/v5/asset/deposit/query-record": 50,
    "/v5/asset/deposit/query-internal-record": 50,
    "/v5/asset/withdraw/query-record": 50,
    "/v5/asset/transfer/query-inter-transfer-list": 50,
    "/v5/asset/fundinghistory": 100,
    "/v5/asset/settlement-record": 50,
    "/v5/asset/delivery-record": 50,
}
ONE_BOUND_UNSTATED = frozenset(
    (
        "/v5/asset/deposit/query-record",
        "/v5/asset/deposit/query-internal-record",
        "/v5/asset/withdraw/query-record",
    )
)
MONTH_PATHS = ONE_BOUND_UNSTATED | {"/v5/asset/settlement-record", "/v5/asset/delivery-record"}
FILTERS = frozenset(
    ("symbol", "baseCoin", "execType", "orderId", "orderLinkId", "currency", "type", "coin",
     "orderStatus", "orderFilter", "transSubType")
)  # fmt: skip


def check_question(path: str, query: Mapping[str, str], switches: Switches) -> None:
    """Refuse what the switches say that the venue refuses."""
    maximum = LIMITS_MAX.get(path)
    if switches.limit_above == REFUSED and maximum is not None:
        limit = whole_number(query, "limit")
        if limit is not None and limit > maximum:
            raise RefusalError(PARAMETERS, f"params error: limit must not exceed {maximum}")
    if switches.empty_exec_type == REFUSED and query.get("execType") == "":
        raise RefusalError(PARAMETERS, "params error: execType invalid")
    is_half = bool(query.get("startTime")) != bool(query.get("endTime"))
    if switches.asset_one_bound == REFUSED and path in ONE_BOUND_UNSTATED and is_half:
        raise RefusalError(PARAMETERS, "params error: startTime and endTime belong together")


def bounded(query: Mapping[str, str], switches: Switches) -> Mapping[str, str] | None:
    """The query with bounds as the switches read them; None when nothing can lie between them."""
    moved = {}
    if switches.start_bound == EXCLUSIVE:
        moved["startTime"] = 1
    if switches.end_bound == EXCLUSIVE:
        moved["endTime"] = -1
    given = {name: whole_number(query, name) for name in moved}
    texts = {name: str(at + moved[name]) for name, at in given.items() if at is not None}
    if not texts:
        return query
    changed = {**query, **texts}
    start, end = whole_number(query, "startTime"), whole_number(query, "endTime")
    if start is None or end is None or start > end:
        return changed
    return changed if int(changed["startTime"]) <= int(changed["endTime"]) else None


def clipped(path: str, query: Mapping[str, str]) -> Mapping[str, str]:
    """The query with a window that is too long cut to its newest part."""
    longest = MONTH_MS if path in MONTH_PATHS else WEEK_MS
    start, end = whole_number(query, "startTime"), whole_number(query, "endTime")
    if start is None or end is None or end - start <= longest:
        return query
    return {**query, "startTime": str(end - longest)}


def unfiltered(query: Mapping[str, str]) -> Mapping[str, str]:
    """The query without its filters."""
    return {name: text for name, text in query.items() if name not in FILTERS}

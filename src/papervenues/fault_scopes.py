"""Where a fault strikes: which endpoint, account, symbol and time.

A scope is written `@PART`, and several parts may follow each other; all of them must fit. A part
is an endpoint (the end of its path, such as `transaction-log` or `execution/list`), `lists` (every
private list), `any` (every endpoint), `account:N` (the N-th account, counted from 0), a symbol,
an instant in Unix milliseconds, or a range `FROM..TO`; both bounds are included.
"""

import re
from dataclasses import dataclass

LISTS = "lists"
ANY = "any"
EXECUTIONS = "execution/list"
ACCOUNT = "account:"
ACCOUNT_DIGITS_MAX = 6

LIST_ENDPOINTS = (
    "/v5/execution/list",
    "/v5/order/history",
    "/v5/order/realtime",
    "/v5/position/list",
    "/v5/position/closed-pnl",
    "/v5/position/get-closed-positions",
    "/v5/account/transaction-log",
    "/v5/asset/deposit/query-record",
    "/v5/asset/deposit/query-internal-record",
    "/v5/asset/withdraw/query-record",
    "/v5/asset/transfer/query-inter-transfer-list",
    "/v5/asset/fundinghistory",
    "/v5/asset/settlement-record",
    "/v5/asset/delivery-record",
    "/v5/pre-upgrade/order/history",
    "/v5/pre-upgrade/execution/list",
    "/v5/pre-upgrade/position/closed-pnl",
    "/v5/pre-upgrade/account/transaction-log",
    "/v5/pre-upgrade/asset/settlement-record",
    "/v5/pre-upgrade/asset/delivery-record",
)
OTHER_ENDPOINTS = (
    "/v5/market/time",
    "/v5/market/tickers",
    "/v5/market/kline",
    "/v5/market/instruments-info",
    "/v5/user/query-api",
    "/v5/account/info",
    "/v5/account/wallet-balance",
    "/v5/asset/coin/query-info",
    "/v5/asset/transfer/query-account-coins-balance",
    "/v5/order/create",
    "/v5/order/amend",
    "/v5/order/cancel",
    "/v5/order/cancel-all",
    "/v5/position/trading-stop",
    "/v5/position/set-leverage",
    "/v5/position/switch-mode",
)
_ENDPOINTS = LIST_ENDPOINTS + OTHER_ENDPOINTS
_LISTS = frozenset(LIST_ENDPOINTS)
# A lower-case symbol is read too, but then it has no dashes, since paths have them.
_SYMBOL = re.compile(r"[A-Za-z0-9]+|[A-Z0-9]+(-[A-Z0-9]+)+", re.ASCII)


class FaultError(ValueError):
    """A fault was written wrongly."""


@dataclass(frozen=True, slots=True)
class FaultScope:
    """What a fault is narrowed to; None leaves that side open."""

    symbol: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    path: str | None = None
    account: int | None = None


def parse_scope(text: str) -> FaultScope:
    """Read the parts of a scope, which are joined by `@`."""
    found: dict[str, str | int] = {}
    for part in text.split("@") if text else ():
        more = _part(part)
        if found.keys() & more.keys():
            raise FaultError(f"the scope {text!r} says twice what {part!r} says")
        found |= more
    return FaultScope(**found)  # type: ignore[arg-type]  # the names of `_part` fit their kinds


def covers_path(scope: str | None, path: str) -> bool:
    """Whether a path is in a scope of endpoints; `path` may be an end of one."""
    if scope is None or scope == ANY:
        return True
    whole = path if path.startswith("/") else f"/v5/{path}"
    if scope == LISTS:
        return whole in _LISTS
    # The endpoints from before an upgrade end like the normal ones, but are others.
    if "/pre-upgrade/" in whole and "pre-upgrade/" not in scope:
        return False
    return whole.endswith(f"/{scope}")


def _part(text: str) -> dict[str, str | int]:
    """One part of a scope, as fields of `FaultScope`."""
    if text in (LISTS, ANY) or any(path.endswith(f"/{text}") for path in _ENDPOINTS if text):
        return {"path": text}
    if text.startswith(ACCOUNT):
        return {"account": _account(text)}
    first, dots, last = text.partition("..")
    # A symbol of digits alone does not exist, so digits are always a time.
    if first.isdigit() and (last.isdigit() or not dots):
        from_ms = int(first)
        to_ms = int(last) if dots else from_ms
        if to_ms < from_ms:
            raise FaultError(f"the range {text!r} ends before it begins")
        return {"from_ms": from_ms, "to_ms": to_ms}
    if dots or _SYMBOL.fullmatch(text) is None:
        raise FaultError(
            f"the scope {text!r} is no endpoint, symbol, account:N, time in ms or range FROM..TO"
        )
    return {"symbol": text.upper()}


def _account(text: str) -> int:
    number = text.removeprefix(ACCOUNT)
    if not (number.isascii() and number.isdigit() and len(number) <= ACCOUNT_DIGITS_MAX):
        raise FaultError(f"the scope {text!r} names no account; the first one is {ACCOUNT}0")
    return int(number)

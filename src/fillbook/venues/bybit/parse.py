"""What does a raw record tell? Each kind of history has a file of its own; here one is chosen.

A scope is a category, or a category with a leg (``linear.long``): a row that the ledger knows to
belong to one leg of a hedged position is read again under that name. A stream with a dot in its
name (``executions.live``) tells the same rows as the one before the dot.
"""

from collections.abc import Callable

from fillbook.domain.execution import Reading, Unreadable
from fillbook.domain.instrument import Leg
from fillbook.venues.bybit.account_log import parse_log_entry
from fillbook.venues.bybit.closed_pnl import parse_closed_pnl
from fillbook.venues.bybit.executions import parse_execution
from fillbook.venues.bybit.identity import CATEGORIES
from fillbook.venues.bybit.movements import (
    parse_deposit,
    parse_internal_deposit,
    parse_transfer,
    parse_withdrawal,
)
from fillbook.venues.bybit.orders import parse_order

__all__ = ["parse_execution", "parse_record"]

_LEGS: dict[str, Leg] = {"": "net", "net": "net", "long": "long", "short": "short"}
_OF_A_CATEGORY: dict[str, Callable[[str, bytes], Reading]] = {
    "orders": parse_order,
    "closed_pnl": parse_closed_pnl,
}
_OF_THE_ACCOUNT: dict[str, Callable[[bytes], Reading]] = {
    "account_log": parse_log_entry,
    "deposits": parse_deposit,
    "internal_deposits": parse_internal_deposit,
    "withdrawals": parse_withdrawal,
    "transfers": parse_transfer,
}


def parse_record(stream: str, scope: str, body: bytes) -> Reading:
    """Read one raw record of a stream. Pure and total."""
    kind = stream.partition(".")[0]
    if kind in _OF_THE_ACCOUNT:
        return _OF_THE_ACCOUNT[kind](body)
    category, _, leg = scope.partition(".")
    if category not in CATEGORIES or leg not in _LEGS:
        return Unreadable(f"there is no scope {scope}")
    if kind == "executions":
        return parse_execution(category, body, leg=_LEGS[leg])
    if kind in _OF_A_CATEGORY:
        return _OF_A_CATEGORY[kind](category, body)
    return Unreadable(f"there is no stream {stream}")

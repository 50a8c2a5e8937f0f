"""Which histories does Bybit keep, where are they asked for, and within which bounds?

======================  =======================================  ======  =====  ===================
stream                  path                                     window  page   scopes
======================  =======================================  ======  =====  ===================
``orders``              /v5/order/history                        7 d     50     the four categories
``executions``          /v5/execution/list                       7 d     100    the four categories
``account_log``         /v5/account/transaction-log              7 d     50     UNIFIED
``closed_pnl``          /v5/position/closed-pnl                  7 d     100    linear, inverse
``transfers``           /v5/asset/transfer/query-inter-…         7 d     50     all
``deposits``            /v5/asset/deposit/query-record           30 d    50     all
``internal_deposits``   /v5/asset/deposit/query-internal-record  30 d    50     all
``withdrawals``         /v5/asset/withdraw/query-record          30 d    50     all
======================  =======================================  ======  =====  ===================

A pass reads them in this order: orders first, because they say on which leg an execution acts. How
long the last four are kept is not documented; they are asked for as far back as the others. Rows
of those four change after they appeared, and an order appears when it ends, under the time at which
it was made: so these are read again after a week.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from fillbook.venues._contract import StreamRules
from fillbook.venues.bybit import account_log, closed_pnl, executions, movements, orders
from fillbook.venues.bybit.identity import CATEGORIES

UNIFIED = "UNIFIED"
ALL = "all"
WITHDRAWALS_OF_EVERY_TYPE = "2"

_WEEK = timedelta(days=7, minutes=-1)
_MONTH = timedelta(days=30, minutes=-1)
_KEPT = timedelta(days=730, minutes=-5)
_KEPT_ON_DEMO = timedelta(days=7, minutes=-5)
_LATE = timedelta(hours=48)
_CHANGES = timedelta(days=7)
_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)

# Which record a row is, and its times in milliseconds.
Glance = Callable[[str, bytes], tuple[UUID, tuple[int, ...]]]
Words = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One stream: how it may be read, where it is asked for, and how its rows are told apart."""

    rules: StreamRules
    path: str
    glance: Glance
    own: tuple[bytes, ...]  # names of fields that rows of this history have, and no others
    list_name: str = "list"
    words: Words = ()  # beside the category, where a scope is one
    near: timedelta = _MILLISECOND  # rows so far outside of a window may still belong to it


def _rules(
    name: str,
    scopes: Iterable[str],
    *,
    rows: int,
    essential: bool = True,
    lateness: timedelta = _LATE,
) -> StreamRules:
    return StreamRules(
        name=name,
        scopes=tuple(scopes),
        window_max=_WEEK,
        page_rows_max=rows,
        bound_slack=_MILLISECOND,
        overlap=timedelta(minutes=30),
        lateness=lateness,
        retention=_KEPT,
        is_essential=essential,
    )


def _movements(name: str, window_max: timedelta) -> StreamRules:
    """Movements are told to the second, and their status changes while they are under way."""
    usual = _rules(name, (ALL,), rows=50, essential=False, lateness=_CHANGES)
    return replace(usual, window_max=window_max, bound_slack=_SECOND, overlap=timedelta(days=1))


ORDERS = History(
    rules=_rules("orders", CATEGORIES, rows=50, lateness=_CHANGES),
    path="/v5/order/history",
    glance=orders.glance,
    own=(b'"orderStatus"', b'"cumExecQty"'),
)
EXECUTIONS = History(
    rules=_rules("executions", CATEGORIES, rows=100),
    path="/v5/execution/list",
    glance=executions.glance,
    own=(b'"execTime"', b'"execId"'),
)
ACCOUNT_LOG = History(
    rules=_rules("account_log", (UNIFIED,), rows=50),
    path="/v5/account/transaction-log",
    glance=account_log.glance,
    own=(b'"transactionTime"', b'"cashBalance"', b'"cashFlow"'),
    words=(("accountType", UNIFIED),),
)
CLOSED_PNL = History(
    rules=_rules("closed_pnl", ("linear", "inverse"), rows=100, essential=False),
    path="/v5/position/closed-pnl",
    glance=closed_pnl.glance,
    own=(b'"closedPnl"', b'"cumEntryValue"'),
)
TRANSFERS = History(
    rules=_movements("transfers", _WEEK),
    path="/v5/asset/transfer/query-inter-transfer-list",
    glance=movements.glance_transfer,
    near=_SECOND,
    own=(b'"transferId"', b'"fromAccountType"', b'"toAccountType"'),
)
# A deposit tells when it succeeded, which may be long after the time by which it is listed.
DEPOSITS = History(
    rules=_movements("deposits", _MONTH),
    path="/v5/asset/deposit/query-record",
    glance=movements.glance_deposit,
    own=(b'"successAt"', b'"depositFee"'),
    list_name="rows",
    near=timedelta(days=30),
)
INTERNAL_DEPOSITS = History(
    rules=_movements("internal_deposits", _MONTH),
    path="/v5/asset/deposit/query-internal-record",
    glance=movements.glance_internal,
    near=_SECOND,
    own=(b'"address"', b'"fromMemberId"'),
    list_name="rows",
)
WITHDRAWALS = History(
    rules=_movements("withdrawals", _MONTH),
    path="/v5/asset/withdraw/query-record",
    glance=movements.glance_withdrawal,
    near=_SECOND,
    own=(b'"withdrawId"', b'"createTime"', b'"withdrawType"'),
    list_name="rows",
    words=(("withdrawType", WITHDRAWALS_OF_EVERY_TYPE),),
)
HISTORIES = (
    ORDERS, EXECUTIONS, ACCOUNT_LOG, CLOSED_PNL, TRANSFERS, DEPOSITS, INTERNAL_DEPOSITS,
    WITHDRAWALS,
)  # fmt: skip
# The demo environment moves no money and keeps orders for a week.
_NOT_ON_DEMO = frozenset(("transfers", "deposits", "internal_deposits", "withdrawals"))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The histories that one connection reads."""

    histories: tuple[History, ...]
    categories: tuple[str, ...] = CATEGORIES
    by_name: dict[str, History] = field(init=False)

    def __post_init__(self) -> None:
        named = {history.rules.name: history for history in self.histories}
        object.__setattr__(self, "by_name", named)

    @property
    def rules(self) -> tuple[StreamRules, ...]:
        """What an engine needs to know of them."""
        return tuple(history.rules for history in self.histories)


def histories_of(
    environment: str,
    *,
    streams: Iterable[str] | None = None,
    categories: Iterable[str] | None = None,
) -> Chosen:
    """What an environment serves, narrowed to some streams and categories where asked."""
    served = [_on_demo(one) for one in HISTORIES] if environment == "demo" else list(HISTORIES)
    kept = [one for one in served if one is not None]
    if streams is not None:
        wanted = frozenset(streams)
        kept = [one for one in kept if one.rules.name in wanted]
    if categories is None:
        return Chosen(tuple(kept))
    of = tuple(category for category in CATEGORIES if category in frozenset(categories))
    kept = [one for one in (_narrowed(one, of) for one in kept) if one.rules.scopes]
    return Chosen(tuple(kept), of)


def _on_demo(history: History) -> History | None:
    if history.rules.name in _NOT_ON_DEMO:
        return None
    if history is ORDERS:
        return replace(history, rules=replace(history.rules, retention=_KEPT_ON_DEMO))
    return history


def _narrowed(history: History, categories: tuple[str, ...]) -> History:
    left_out = frozenset(CATEGORIES).difference(categories)
    scopes = tuple(scope for scope in history.rules.scopes if scope not in left_out)
    return replace(history, rules=replace(history.rules, scopes=scopes))

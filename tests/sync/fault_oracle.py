"""Exact, or unproven with a reason: what a book must be, whatever the exchange did wrong.

Every row in the book truly happened. Every row that truly happened is in the book, or its instant
is not counted as read, or it is in quarantine as it came. There is one exception: what neither the
list nor the account log serves is seen by nobody who asks only them.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from fillbook.domain.window import from_milliseconds, milliseconds
from fillbook.errors import FillbookError
from fillbook.ledger import coverage
from fillbook.ledger.packing import unpack
from papervenues.bybit import Settings
from papervenues.fault_table import FAULTS, PASSES, ROW
from tests.sync.book import Book, Row, whole

PASSES_MAX = 8
RETOLD_AFTER = timedelta(hours=50)  # by then every late row is visible
# What these leave out may be missing in the list and in the log alike.
HIDES_FROM_ANY_LIST = frozenset(("early_end", "empty_list", "account_upgraded", "windows_clipped"))
HIDES_FROM_BOTH = frozenset(("hidden_row", "hidden_from_log"))
# Faults of rows that leave every field that they serve as it truly is.
LEAVES_FIELDS = frozenset((
    "late_rows", "late_by_time", "hidden_row", "hidden_from_log", "account_upgraded", "digits_38",
    "decimals_18", "field_added",
))  # fmt: skip
# An address that is shut out waits ten minutes; an end that is an error is never proven to be one.
OUTLASTS_A_TEST = frozenset(("html_403", "http_403", "end_is_error"))
CASH = ("Funding", "SessionSettlePnL")

_FILLS = """
SELECT category, symbol, execution_id, order_id, side, price, qty, executed_at, value, closed_qty,
    fee, fee_currency, is_maker, exec_type, order_type, stop_type, create_type, client_order_id
FROM facts.current_executions WHERE account_id = %s
"""
_PAYMENTS = """
SELECT category, symbol, flow_id, amount, occurred_at
FROM facts.current_cash_flows WHERE account_id = %s
"""
_SPOKEN_OF = "SELECT execution_id FROM facts.current_log_entries WHERE account_id = %s"
_QUARANTINED = """
SELECT r.codec, r.body FROM facts.quarantined q
JOIN facts.raw_records r USING (account_id, chain_seq) WHERE q.account_id = %s
"""


@dataclass(frozen=True, slots=True)
class CameTo:
    """What reading came to, and each complaint on the way."""

    is_complete: bool
    complaints: tuple[str, ...]


async def read_on(book: Book, settings: Settings) -> CameTo:
    """Pass after pass until one is complete; later once more, when late rows have turned up."""
    asked, complaints = whole(settings), list[str]()
    complete, is_whole = False, True
    for later in (False, True):
        if later:
            book.clock.at += RETOLD_AFTER
        complete = False
        for _ in range(PASSES_MAX):
            try:
                passed = await book.backfill(asked)
            except FillbookError as error:
                complaints.append(str(error))
                continue
            complaints += passed.failures + passed.left_out
            is_whole &= not passed.left_out
            complete = passed.complete
            if complete:
                break
    return CameTo(complete and is_whole, tuple(complaints))


async def must_be_exact_or_say_why(book: Book, settings: Settings, came_to: CameTo) -> Counter[str]:
    """Hold a book against the truth; counts how each true row is accounted for."""
    truth = await book.truth()
    core = not _is_served_whole(settings)
    booked = await _booked(book, core=core)
    true = {_told(row, core=core): row for row in truth["executions"]}
    assert booked - true.keys() == set(), "what is booked must have happened"
    assert len(true) == len(truth["executions"]), "the truth tells everything once"
    quarantined = b"".join(
        unpack(codec, bytes(body)) for codec, body in await book.rows(_QUARANTINED, book.account_id)
    ).decode()
    read = {
        scope: (await coverage.get(book.pool, book.account_id, "executions", scope)).read
        for scope in ("linear", "inverse", "spot", "option")
    }
    spoken_of = {name for (name,) in await book.rows(_SPOKEN_OF, book.account_id)}
    struck = {fault.name for fault in settings.faults.faults}
    two_lists_err = bool(struck & HIDES_FROM_ANY_LIST) or struck >= HIDES_FROM_BOTH
    found = Counter(booked=len(booked))
    for key in true.keys() - booked:
        row = true[key]
        at = from_milliseconds(int(row["execTime"]))
        if row["execId"] in quarantined or (row["execTime"] in quarantined
                                            and row["orderId"] in quarantined):  # fmt: skip
            found["quarantined"] += 1
        elif not any(window.starts_at <= at < window.ends_at for window in read[row["category"]]):
            found["unproven"] += 1
        elif two_lists_err and row["execId"] not in spoken_of:
            found["seen by neither"] += 1
        else:
            raise AssertionError(f"neither booked nor unproven: {row}")
    if found["unproven"]:
        assert came_to.complaints, "what is unproven says why"
        assert not came_to.is_complete
    if not struck & OUTLASTS_A_TEST and all(FAULTS[name].nature == PASSES for name in struck):
        assert came_to.is_complete
        assert set(found) == {"booked"}
    assert (await book.verify()).ok
    return found


def _is_served_whole(settings: Settings) -> bool:
    """Whether every field of a row is served as it truly is."""
    kinds = [FAULTS[fault.name] for fault in settings.faults.faults]
    return all(kind.acts != ROW or kind.name in LEAVES_FIELDS for kind in kinds)


async def _booked(book: Book, *, core: bool) -> set[tuple[object, ...]]:
    fills = await book.rows(_FILLS, book.account_id)
    payments = await book.rows(_PAYMENTS, book.account_id)
    return {(*row[:7], milliseconds(row[7]), *(() if core else row[8:])) for row in fills} | {
        (*row[:-1], milliseconds(row[-1])) for row in payments
    }


def _told(row: Row, *, core: bool) -> tuple[object, ...]:
    """A true row in the shape of the booked ones."""
    at = int(row["execTime"])
    if row["execType"] in CASH:
        return row["category"], row["symbol"], row["execId"], Decimal(row["execFee"]), at
    identity = (
        row["category"], row["symbol"], row["execId"], row["orderId"], row["side"],
        Decimal(row["execPrice"]), Decimal(row["execQty"]), at,
    )  # fmt: skip
    if core:
        return identity
    return (
        *identity, _amount(row, "execValue"), _amount(row, "closedSize"), _amount(row, "execFee"),
        row["feeCurrency"], row["isMaker"], row["execType"], row["orderType"],
        row.get("stopOrderType", ""), row.get("createType", ""), row["orderLinkId"],
    )  # fmt: skip


def _amount(row: Row, name: str) -> Decimal | None:
    return Decimal(row[name]) if row.get(name) else None

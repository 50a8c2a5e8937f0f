"""Histories of all categories, decoded from the truth, for the tests that check their books."""

from decimal import Decimal
from functools import lru_cache

import msgspec

from papervenues.bybit import Settings, history_of
from papervenues.bybit.history import AccountHistory
from papervenues.bybit.rows import RowEncoder
from papervenues.bybit.settings import CATEGORIES
from papervenues.bybit.truth import truth_chunks
from tests.papervenues.paper_client import END_MS, Row

# It begins before the instant from which the venue names fee coins on derivatives' rows.
ONE_WAY = Settings(end_ms=END_MS, executions=12_000, days=60, categories=CATEGORIES)
HEDGED = Settings(end_ms=END_MS, executions=6_000, days=30, categories=CATEGORIES, hedge=True)


@lru_cache(maxsize=4)
def account_of(settings: Settings) -> AccountHistory:
    (account,) = history_of(settings).accounts
    return account


@lru_cache(maxsize=4)
def truth_of(settings: Settings) -> Row:
    encoder = RowEncoder(account_of(settings))
    decoded: Row = msgspec.json.decode(b"".join(truth_chunks((encoder,), now_ms=END_MS)))
    return decoded


def moves_position(row: Row) -> bool:
    return row["execType"] not in ("Funding", "SessionSettlePnL")


def signed(row: Row) -> Decimal:
    return Decimal(row["execQty"]) * (1 if row["side"] == "Buy" else -1)

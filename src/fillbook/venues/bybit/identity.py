"""Which record is this row?

An execution id alone is no safe key: two categories may share one, and so may both sides of a
trade with oneself. So the key is made of category, symbol, execution id, order id and side. Lines
of the account log repeat their id, so theirs is made of id, trade id, coin and type. A row that
does not tell what its key is made of is known by its content.
"""

from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from fillbook.domain.raw import digest_key

KEYS_KEPT = 1_024
CATEGORIES = ("linear", "inverse", "spot", "option")


@lru_cache(maxsize=KEYS_KEPT)  # a page asks for it, and so does reading its rows
def execution_key(category: str, symbol: str, execution_id: str, order_id: str, side: str) -> UUID:
    """The key of an execution, or of the funding row that looks like one."""
    return digest_key("execution", category, symbol, execution_id, order_id, side)


def order_key(category: str, symbol: str, order_id: str) -> UUID:
    """The key of an order, as its executions carry it."""
    return digest_key("order", category, symbol, order_id)


def log_key(line_id: str, trade_id: str, currency: str, kind: str) -> UUID:
    """The key of a line of the account log."""
    return digest_key("account_log", line_id, trade_id, currency, kind)


def closed_key(category: str, symbol: str, order_id: str, *words: str) -> UUID:
    """The key of what a closing order earned, or of a part of it."""
    return digest_key("closed_pnl", category, symbol, order_id, *words)


def movement_key(kind: str, *words: str) -> UUID:
    """The key of a deposit, a withdrawal or a transfer."""
    return digest_key("movement", kind, *words)


def unread_key(category: str, body: bytes) -> UUID:
    """The key of a row that does not say which it is."""
    return digest_key("unread", category, sha256(body).hexdigest())

"""Which record is this row?

An execution id alone is no safe key: two categories may share one, and so may both sides of a
trade with oneself. So the key is made of category, symbol, execution id, order id and side. A row
that does not tell these is known by its content.
"""

from hashlib import sha256
from uuid import UUID

from fillbook.domain.raw import digest_key

ID_LENGTH_MAX = 200


def execution_key(category: str, symbol: str, execution_id: str, order_id: str, side: str) -> UUID:
    """The key of an execution, or of the funding row that looks like one."""
    return digest_key("execution", category, symbol, execution_id, order_id, side)


def unread_key(category: str, body: bytes) -> UUID:
    """The key of a row that does not say which it is."""
    return digest_key("unread", category, sha256(body).hexdigest())

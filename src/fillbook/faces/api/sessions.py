"""Sessions of browsers: a token is handed over once, and a cookie that scripts cannot read speaks.

A session lives in this process: it ends when the server ends, when nothing was asked for a while,
after a fixed time, and at once when its token is revoked. The cookie is 256 random bits; only their
hash is kept. Guessing is hopeless at that size, so failed attempts are not counted.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from fillbook.errors import Unauthenticated
from fillbook.ledger import tokens
from fillbook.ledger._pool import Pool
from fillbook.ledger.tokens import Known

SESSION_COOKIE = "fillbook_id"
MARKER_COOKIE = "fillbook_session"  # readable by the page: that there is a session, nothing more
SECRET_BYTES = 32
SESSIONS_MAX = 1000
IDLE_MAX = timedelta(hours=12)
LIFE_MAX = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Session:
    prefix: str
    opened_at: datetime
    used_at: datetime

    def is_over(self, now: datetime) -> bool:
        return now - self.used_at > IDLE_MAX or now - self.opened_at > LIFE_MAX


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of this process; at the limit the one unused for longest ends."""

    pool: Pool
    clock: Callable[[], datetime]
    _by_hash: OrderedDict[bytes, _Session] = field(default_factory=OrderedDict)

    async def open(self, token: str) -> str:
        """Check a token and return the secret for the cookie."""
        known = await tokens.check(self.pool, token)
        secret = token_urlsafe(SECRET_BYTES)
        now = self.clock()
        self._by_hash[_hash(secret)] = _Session(known.prefix, now, now)
        while len(self._by_hash) > SESSIONS_MAX:
            self._by_hash.popitem(last=False)
        return secret

    async def resume(self, secret: str) -> Known:
        """Whose session it is."""
        key, now = _hash(secret), self.clock()
        session = self._by_hash.get(key)
        if session is None:
            raise Unauthenticated
        if session.is_over(now):
            self.close(secret)
            raise Unauthenticated
        known = await tokens.still(self.pool, session.prefix)
        if key in self._by_hash:
            self._by_hash[key] = replace(session, used_at=now)
            self._by_hash.move_to_end(key)
        return known

    def close(self, secret: str) -> None:
        """End a session; one that is not there is ended already."""
        self._by_hash.pop(_hash(secret), None)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogatepass")).digest()

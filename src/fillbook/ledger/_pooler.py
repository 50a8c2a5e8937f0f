"""Is there a pooler between us and the server that changes sessions under our feet?

A pooler in transaction mode gives each transaction any of its server sessions: session locks are
granted twice, LISTEN hears nothing, SET leaks to others. The direct address must have none.

What a pooler says of itself (`SHOW pool_mode`) needs rights in the pooler, so we look at what it
does. PostgreSQL tells its process number when a session begins. A pooler has no session to name
yet and invents a number: where both numbers agree, the connection is direct, and that costs one
query. Where they differ, a pooler in session mode would still be harmless, so we watch: in session
mode our process stays ours. In transaction mode either somebody else's transaction gets it, or,
while others hold transactions open, we get another one.
"""

from contextlib import ExitStack

import psycopg

from fillbook.errors import DatabaseRefused
from fillbook.ledger._address import describe, reachable

OTHERS_MAX = 4
CONNECT_SECONDS_MAX = 10
PID = "SELECT pg_backend_pid()"


def refuse_pooler(url: str) -> None:
    """Raise DatabaseRefused when `url` leads through a pooler in transaction mode."""
    with reachable(url):
        shared = _sessions_are_shared(url)
    if shared:
        raise DatabaseRefused(
            f"The address {describe(url)} leads through a pooler in transaction mode (such as"
            " pgbouncer), where migrations, locks and LISTEN do not hold: set DATABASE_DIRECT_URL"
            " to the address of PostgreSQL itself; DATABASE_URL may stay as it is."
        )


def _sessions_are_shared(url: str) -> bool:
    with ExitStack() as stack:
        mine = stack.enter_context(_connect(url))
        pid = _pid(mine)
        if pid == mine.info.backend_pid:
            return False
        for _ in range(OTHERS_MAX):
            other = stack.enter_context(_connect(url))
            stack.enter_context(other.transaction())
            if _pid(other) == pid or _pid(mine) != pid:
                return True
    return False


def _connect(url: str) -> psycopg.Connection[tuple[int]]:
    # A pooler loses prepared statements between transactions, so there are none here.
    connection: psycopg.Connection[tuple[int]] = psycopg.connect(
        url, autocommit=True, prepare_threshold=None, connect_timeout=CONNECT_SECONDS_MAX
    )
    return connection


def _pid(connection: psycopg.Connection[tuple[int]]) -> int:
    row = connection.execute(PID).fetchone()
    return row[0] if row else 0

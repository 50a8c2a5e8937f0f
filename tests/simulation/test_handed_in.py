"""Time, chance, threads and sockets are handed in wherever a simulation must decide them."""

from collections.abc import Iterator

import pytest

from tests.tidy.source import PACKAGE, Finding, SourceFile, apply, example, files, full_names

SIMULATED = tuple(
    f"{PACKAGE}/{part}" for part in ("domain/", "accounting/", "sync/", "venues/bybit/", "ledger/")
)
FORBIDDEN = (
    "time.", "random.", "secrets.", "threading.", "socket.socket", "asyncio.to_thread",
    "uuid.uuid4", "uuid.uuid1", "os.urandom", "datetime.datetime.now", "datetime.datetime.utcnow",
)  # fmt: skip
# Why each of these is no matter for a simulation.
EXCEPTIONS = {
    "ledger/_": "servers, pools and migrations: beside the engine, and exchanged in a simulation",
    "ledger/accounts.py": "the id of an audit row",
    "ledger/comparing_orders.py": "the name of a cursor",
    "ledger/key_checks.py": "the id of an audit row",
    "ledger/leases.py": "names this process, so that another one can see whether it is gone",
    "ledger/secrets": "keys and nonces must not be known beforehand",
    "ledger/tokens.py": "tokens must not be known beforehand",
    "ledger/backup": "a copy of the database: not part of a pass",
    "ledger/restore": "a copy of the database: not part of a pass",
    "sync/engine.py": "a default that is handed in",
    "sync/watch.py": "a default that is handed in",
    "venues/bybit/__init__.py": "defaults that are handed in",
    "venues/bybit/session.py": "a default that is handed in",
}


def not_handed_in(source: SourceFile) -> Iterator[Finding]:
    """What fetches for itself what a seed must decide."""
    if not source.path.startswith(SIMULATED):
        return
    if any(source.path.startswith(f"{PACKAGE}/{one}") for one in EXCEPTIONS):
        return
    for line, name in full_names(source.tree):
        if name.startswith(FORBIDDEN):
            yield Finding(source.path, line, f"{name}: take it as an argument")


def test_nothing_is_fetched() -> None:
    """No wall clock, no chance, no thread and no socket in what a seed decides."""

    assert apply(not_handed_in, files(PACKAGE)) == []


def test_every_exception_is_still_one() -> None:
    """An exception for a file that is gone is taken off the list."""
    paths = [source.path for source in files(PACKAGE)]

    assert [
        one for one in EXCEPTIONS if not any(path.startswith(f"{PACKAGE}/{one}") for path in paths)
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        "import time\nbegun = time.monotonic()",
        "from random import uniform\npause = uniform(0, 1)",
        "from uuid import uuid4\nrun = uuid4()",
        "import threading\nthreading.Thread()",
        "import asyncio\nasyncio.to_thread(print)",
    ],
)
def test_what_is_fetched_is_found(text: str) -> None:
    """Under any alias."""
    path = f"{PACKAGE}/sync/example.py"

    assert len(apply(not_handed_in, [example(text, path=path)])) == 1

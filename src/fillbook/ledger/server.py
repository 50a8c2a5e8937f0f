"""What a database server says of itself."""

from dataclasses import dataclass

import psycopg

from fillbook.ledger._address import reachable


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Version and size."""

    version: str
    size_bytes: int


def server_facts(url: str) -> ServerFacts:
    """Ask the server at an address."""
    with reachable(url), psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database())"
        ).fetchone()
        assert row is not None
        return ServerFacts(str(row[0]).split()[0], int(row[1]))

"""How the address of a database is named to people: never with its password."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Error, OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from fillbook.errors import DatabaseRefused, DatabaseUnavailable

DEFAULT_PORT = "5432"
REASON_CHARACTERS_MAX = 300
HIDDEN = "***"
NO_ADDRESS = (
    "DATABASE_URL is not an address of PostgreSQL: write it as"
    " postgresql://user:password@host:port/name."
)
# In an address (postgresql://user:secret@...) and in a list of settings (password=secret).
SECRET_IN_ADDRESS = re.compile(r"(://[^\s:/@]*:)[^\s@]*@")
SECRET_IN_LIST = re.compile(r"(?i)\b((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)")


def describe(url: str) -> str:
    """Name a database: `host:port/name` or the socket's folder; nothing private."""
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        return "the database"
    host = str(parts.get("host") or parts.get("hostaddr") or "localhost")
    name = str(parts.get("dbname") or parts.get("user") or "")
    if host.startswith(("/", "@")):
        return f"{host} (database {name})"
    return f"{host}:{parts.get('port') or DEFAULT_PORT}/{name}"


def scrub(text: str, url: str = "") -> str:
    """Take passwords out of a text: those of `url`, and whatever looks like one."""
    for secret in _secrets(url):
        text = text.replace(secret, HIDDEN)
    text = SECRET_IN_ADDRESS.sub(rf"\1{HIDDEN}@", text)
    return SECRET_IN_LIST.sub(rf"\1{HIDDEN}", text)


@contextmanager
def reachable(url: str) -> Iterator[None]:
    """Turn what a driver says when it cannot connect into a sentence that says what to do."""
    try:
        yield
    except ProgrammingError as error:
        if error.sqlstate is not None:
            raise
        raise DatabaseRefused(NO_ADDRESS) from None
    except OperationalError as error:
        raise unavailable(url, error) from None


def unavailable(url: str, error: Error) -> DatabaseUnavailable | DatabaseRefused:
    """Say why there is no connection, and what to do next. The cause is told in scrubbed words."""
    lines = scrub(str(error), url).strip().splitlines()
    # A lost line says so first and then explains at length; a refusal says what it is at the end.
    said = lines[:1] if lines and "closed the connection" in lines[0] else lines[-1:]
    reason = said[0].strip()[:REASON_CHARACTERS_MAX] if said else "no reason given"
    lowered = reason.lower()
    where = describe(url)
    if "for connection option" in lowered:
        return DatabaseRefused(NO_ADDRESS)
    if "authentication failed" in lowered or "no password supplied" in lowered:
        return DatabaseRefused(
            f"The database at {where} does not accept this user or password ({reason}):"
            " check DATABASE_URL, or DB_USER and DB_PASS."
        )
    if "database" in lowered and "does not exist" in lowered:
        return DatabaseRefused(
            f"The server at {where} has no such database ({reason}): make it with `createdb`,"
            " or check DATABASE_URL or DB_NAME."
        )
    if is_local(url):
        return DatabaseUnavailable(
            f"The database does not answer at {where} ({reason}): start it with `fillbook db"
            " start`, or check DATABASE_URL."
        )
    return DatabaseUnavailable(
        f"Is PostgreSQL running at {where}? It does not answer ({reason}): start it, or check"
        " DATABASE_URL or DB_HOST and DB_PORT."
    )


def is_local(url: str) -> bool:
    """Whether it is a socket of this machine, as that of the embedded server."""
    return describe(url).startswith(("/", "@"))


def _secrets(url: str) -> list[str]:
    try:
        parts = conninfo_to_dict(url) if url else {}
    except ProgrammingError:
        return []
    return [str(parts[name]) for name in ("password", "sslpassword") if parts.get(name)]

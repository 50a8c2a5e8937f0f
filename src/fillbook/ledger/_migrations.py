"""The numbered migrations: files `NNNN_name.sql`, in order, each with the checksum of its text.

A file runs in one transaction. If its first line is `-- fillbook: no-transaction` its statements
run one by one, each must be written so that it can be run again (`IF NOT EXISTS`), and an index
that a broken-off `CREATE INDEX CONCURRENTLY` left invalid is dropped before.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fillbook.errors import MigrationError

NO_TRANSACTION = "-- fillbook: no-transaction"
FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# What can hide a semicolon: comments, quoted text and names, dollar-quoted bodies.
TOKEN = re.compile(
    r"""--[^\n]*
      | /\*.*?\*/
      | [eE]'(?:[^'\\]|\\.|'')*'
      | '(?:[^']|'')*'
      | "(?:[^"]|"")*"
      | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)
      | ;""",
    re.VERBOSE | re.DOTALL,
)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
TRANSACTION_WORD = re.compile(
    r"\s*(begin|commit|rollback|end|start\s+transaction|abort)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the schema's history."""

    version: int
    name: str
    sql: str
    checksum: str

    @property
    def file_name(self) -> str:
        return f"{self.version:04d}_{self.name}.sql"

    @property
    def transactional(self) -> bool:
        return not self.sql.startswith(NO_TRANSACTION)


def default_folder() -> Traversable:
    """Return the folder of Fillbook's own migrations."""
    return files("fillbook.ledger") / "sql" / "migrations"


def load_migrations(folder: Traversable | None = None) -> tuple[Migration, ...]:
    """Read all migrations, oldest first; a wrong name, a gap or a number used twice is an error."""
    source = folder if folder is not None else default_folder()
    found = sorted(_load(source.iterdir()), key=lambda migration: migration.version)
    for expected, migration in enumerate(found, start=1):
        if migration.version != expected:
            raise MigrationError(
                f"The migrations must be numbered 0001, 0002, ... but {migration.file_name} stands"
                f" where {expected:04d} should."
            )
    return tuple(found)


def split_statements(sql: str) -> list[str]:
    """Split a script at its semicolons; comments and quoted parts are left alone."""
    statements: list[str] = []
    begin = 0
    for token in TOKEN.finditer(sql):
        if token.group() == ";":
            statements.append(sql[begin : token.start()].strip())
            begin = token.end()
    statements.append(sql[begin:].strip())
    return [statement for statement in statements if COMMENT.sub("", statement).strip()]


def _load(entries: Iterable[Traversable]) -> Iterator[Migration]:
    for entry in entries:
        if not entry.name.endswith(".sql"):
            continue
        matched = FILE_NAME.fullmatch(entry.name)
        if matched is None:
            raise MigrationError(f"A migration is named NNNN_name.sql, not {entry.name}.")
        # Line ends are the same on every machine, so that a checkout cannot change a checksum.
        sql = entry.read_text(encoding="utf-8").replace("\r\n", "\n")
        migration = Migration(
            version=int(matched[1]),
            name=matched[2],
            sql=sql,
            checksum=hashlib.sha256(sql.encode()).hexdigest(),
        )
        _refuse_transaction_words(migration)
        yield migration


def _refuse_transaction_words(migration: Migration) -> None:
    for statement in split_statements(migration.sql):
        if TRANSACTION_WORD.match(COMMENT.sub("", statement)):
            raise MigrationError(
                f"{migration.file_name} begins or ends a transaction; the runner does that."
            )

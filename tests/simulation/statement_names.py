"""What is this statement called? By its name in the ledger's files of SQL, else by its first words.

The names are where a worker can be struck: "before facts.add_raw", "after COMMIT, unheard".
"""

import re
from functools import cache
from importlib.resources import files
from types import GeneratorType
from typing import Any

from fillbook.ledger._queries import queries

PACKAGE = "fillbook.ledger.sql"
WORDS = 3
_SPACE = re.compile(r"\s+")


@cache
def names_by_text() -> dict[str, str]:
    """Every named statement of the ledger, `file.name` by its text."""
    found: dict[str, str] = {}
    for path in sorted(files(PACKAGE).iterdir(), key=str):
        if path.name.endswith(".sql"):
            stem = path.name.removesuffix(".sql")
            for name, text in queries(path.name, package=PACKAGE).items():
                found.setdefault(text, f"{stem}.{name}")
    return found


def name_of(driven: "GeneratorType[Any, Any, Any]") -> str:
    """The name of what a driver's generator is about to do."""
    code, frame = driven.gi_code, driven.gi_frame
    words = frame.f_locals if frame is not None else {}
    match driven.__qualname__.removeprefix("BaseTransaction."):
        case "_enter_gen":
            return "SAVEPOINT" if words["self"].pgconn.transaction_status else "BEGIN"
        case "_exit_gen":
            return _ending(words)
        case "BaseConnection._commit_gen":
            return "COMMIT"
        case "BaseConnection._rollback_gen":
            return "ROLLBACK"
    if "query" in words:
        return _named(_text(words["query"]))
    return _named(_text(words["statement"])) if "statement" in words else code.co_name.strip("_")


def _ending(words: dict[str, Any]) -> str:
    transaction = words["self"]
    if transaction.savepoint_name and not transaction._outer_transaction:
        return "RELEASE"
    return "ROLLBACK" if words.get("exc_val") is not None else "COMMIT"


def _text(query: object) -> str:
    return query.decode() if isinstance(query, bytes) else str(query)


@cache
def _named(text: str) -> str:
    known = names_by_text().get(text)
    if known is None:  # two statements that follow each other are known by the first
        begun = (name for whole, name in names_by_text().items() if text.startswith(whole))
        known = next(begun, " ".join(_SPACE.split(text.strip())[:WORDS]))
    return known

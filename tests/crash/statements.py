"""What a statement is called: by its text, as the ledger's own files name it.

A named query `-- name: start_run` of `runs.sql` is `runs.start_run`. Statements without a name of
their own are called by their first words, such as `COMMIT`.
"""

import re
from functools import cache
from importlib.resources import files

from fillbook.ledger._queries import queries

FOLDER = "sql"
PLACEHOLDER_HERE = re.compile(r"%(?:\(\w+\))?[sbt]")
PLACEHOLDER_THERE = re.compile(r"\$\d+")
COMMENT = re.compile(r"--[^\n]*")
WORDS_MAX = 3
ALONE = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")  # called by their first word
PING = "ping"  # the pool asks an empty question before it hands a connection out


@cache
def named() -> dict[str, str]:
    """The names of the ledger's queries, by their text."""
    known: dict[str, str] = {}
    for file in (files("fillbook.ledger") / FOLDER).iterdir():
        if file.name.endswith(".sql"):
            for name, text in queries(file.name).items():
                known[_plain(PLACEHOLDER_HERE.sub("$", text.replace("%%", "%")))] = (
                    f"{file.name.removesuffix('.sql')}.{name}"
                )
    return known


@cache
def name_of(text: str) -> str:
    """What a statement is called."""
    plain = _plain(PLACEHOLDER_THERE.sub("$", text))
    if not plain:
        return PING
    words = plain.split()[:WORDS_MAX]
    return named().get(plain) or (words[0] if words[0] in ALONE else " ".join(words))


def _plain(text: str) -> str:
    return " ".join(COMMENT.sub("", text).split()).removesuffix(";")

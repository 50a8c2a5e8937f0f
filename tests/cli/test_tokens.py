"""`fillbook tokens`: a token is shown once, opens what it may, and ends when it is revoked."""

import json
from pathlib import Path

import psycopg

from tests.cli.command import fillbook


def test_a_token_is_made_listed_and_revoked(home: Path, database_url: str) -> None:
    """The list never shows it, the ledger keeps a hash, and a revoked one says since when."""
    given = {"DATABASE_URL": database_url}

    made = fillbook("tokens", "add", "prometheus", home=home, given=given)
    token = made.out.strip()
    prefix = token.split("_")[1]
    listed = fillbook("tokens", "--format", "json", home=home, given=given)
    revoked = fillbook("tokens", "revoke", prefix, home=home, given=given)
    after = fillbook("tokens", "list", "--format", "json", home=home, given=given)

    assert (made.code, listed.code, revoked.code) == (0, 0, 0), made.err + listed.err + revoked.err
    (row,) = json.loads(listed.out)["rows"]
    assert (row["prefix"], row["name"], row["scope"]) == (prefix, "prometheus", "read")
    assert row["revoked_at"] is None
    assert token not in listed.out
    assert json.loads(after.out)["rows"][0]["revoked_at"] is not None
    with psycopg.connect(database_url) as conn:
        kept = conn.execute("SELECT t::text FROM ops.tokens t").fetchall()
    assert token not in str(kept)


def test_nonsense_is_refused(home: Path, database_url: str) -> None:
    """A scope that is none, and a token that is not there."""
    given = {"DATABASE_URL": database_url}

    wrong = fillbook("tokens", "add", "x", "--scope", "root", home=home, given=given)
    missing = fillbook("tokens", "revoke", "abc", home=home, given=given)

    assert (wrong.code, missing.code) == (2, 2)
    assert "read, operate, admin" in wrong.err
    assert "no such token" in missing.err

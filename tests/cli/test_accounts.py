"""Accounts are added, checked, paused and removed without their secrets ever being shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.command import Ended, fillbook, paper_line
from tests.cli.typed import typed

SMALL = ("--executions", "200", "--days", "10", "--end", "2026-11-20T12:00:00Z", "--accounts", "2")
SPAN = ("--from", "2026-11-18T12:00:00Z", "--to", "2026-11-20T12:00:00Z")
READ = ("--key-from", "K", "--secret-from", "S")


@pytest.fixture(scope="module")
def paper() -> Iterator[dict[str, Any]]:
    """A paper venue with two accounts, for all tests of this file."""
    with paper_line(*SMALL) as line:
        yield line


@pytest.fixture
def keys(paper: dict[str, Any]) -> dict[str, str]:
    """The keys of both accounts, in variables of their own names."""
    first, second = paper["accounts"]
    return {
        "K": first["api_key"], "S": first["api_secret"],
        "TRADE_K": first["trade_api_key"], "TRADE_S": first["trade_api_secret"],
        "K2": second["api_key"], "S2": second["api_secret"],
    }  # fmt: skip


def add(name: str, paper: dict[str, Any], *words: str, home: Path, given: dict[str, str]) -> Ended:
    return fillbook(
        "accounts", "add", name, "--base-url", paper["url"], *words, home=home, given=given
    )


def listed(home: Path, given: dict[str, str] | None = None) -> list[dict[str, Any]]:
    ended = fillbook("accounts", "list", "--format", "json", home=home, given=given)
    assert ended.code == 0, ended
    rows: list[dict[str, Any]] = json.loads(ended.out)["rows"]
    return rows


def test_an_account_is_added_synced_paused_and_removed(
    home: Path, paper: dict[str, Any], keys: dict[str, str]
) -> None:
    """The stored key alone is enough to sync; no output, log or file has a secret in it."""
    said = [
        added := add("main", paper, *READ, home=home, given=keys),
        filled := fillbook("backfill", *SPAN, home=home),
        tested := fillbook("accounts", "test", "main", home=home),
        fillbook("accounts", "pause", "main", home=home),
        skipped := fillbook("sync", home=home),
        fillbook("accounts", "resume", "main", home=home),
        synced := fillbook("sync", "--account", "main", home=home),
    ]
    (row,) = listed(home)
    said += [
        removed := fillbook("accounts", "remove", "main", home=home),
        without := fillbook("sync", home=home),
        trades := fillbook("trades", "--format", "csv", home=home),
    ]
    (after,) = listed(home)

    assert added.code == 0, added
    assert "read-only" in added.out
    assert "bound to no address" in added.out
    assert filled.code == 0, filled
    assert "new executions" in filled.out
    assert tested.code == 0, tested
    assert "expiry" in tested.out
    assert (skipped.code, "paused and was skipped" in skipped.out) == (0, True)
    assert synced.code == 0, synced
    assert (row["account"], row["state"], row["source"]) == ("main", "active", "stored")
    assert row["permissions"] == "read-only"
    assert row["checked_at"] is not None
    assert "history stays" in removed.out
    assert (without.code, "accounts add" in without.err) == (2, True)
    assert (after["state"], after["key"], after["user_id"]) == ("removed", None, row["user_id"])
    assert len(trades.out.splitlines()) > 1
    for canary in (keys["K"], keys["S"]):
        assert not [one for one in said if canary in one.out + one.err]
        assert files_with(canary, home) == []


def files_with(word: str, home: Path) -> list[Path]:
    """The files of a home, the database's included, that hold a word."""
    found = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(found) > 100
    return [path for path in found if word.encode() in path.read_bytes()]


def test_a_key_that_can_trade(home: Path, paper: dict[str, Any], keys: dict[str, str]) -> None:
    """Refused when it is added and when it is given, unless said otherwise in either place."""
    trade = ("--key-from", "TRADE_K", "--secret-from", "TRADE_S")
    own = {
        "BYBIT_API_KEY": keys["TRADE_K"],
        "BYBIT_API_SECRET": keys["TRADE_S"],
        "BYBIT_BASE_URL": paper["url"],
    }

    refused = add("main", paper, *trade, home=home, given=keys)
    given = fillbook("backfill", *SPAN, home=home, given=own)
    tested = fillbook("test", home=home, given=own)
    allowed = fillbook(
        "backfill", *SPAN, home=home, given=own | {"FILLBOOK_ALLOW_TRADING_KEYS": "true"}
    )
    added = add("main", paper, *trade, "--allow-trading", home=home, given=keys)
    (row,) = listed(home)

    assert (refused.code, "--allow-trading" in refused.err) == (1, True)
    assert (given.code, "FILLBOOK_ALLOW_TRADING_KEYS" in given.err) == (1, True)
    assert (tested.code, "FAIL bybit permissions" in tested.out) == (1, True)
    assert allowed.code == 0, allowed
    assert added.code == 0, added
    assert (row["account"], row["permissions"]) == ("bybit", "can trade")
    assert "is the account bybit already" in added.out


def test_one_bad_account_does_not_stop_the_others(
    home: Path, paper: dict[str, Any], keys: dict[str, str]
) -> None:
    """The others are whole, the exit code says that not all is; alone, it is the error's own."""
    two = {
        "FILLBOOK_ACCOUNT_BAD_KEY": keys["K"],
        "FILLBOOK_ACCOUNT_BAD_SECRET": "wr0ng-secret",
        "FILLBOOK_ACCOUNT_BAD_BASE_URL": paper["url"],
        "FILLBOOK_ACCOUNT_GOOD_KEY": keys["K2"],
        "FILLBOOK_ACCOUNT_GOOD_SECRET": keys["S2"],
        "FILLBOOK_ACCOUNT_GOOD_BASE_URL": paper["url"],
    }

    both = fillbook("backfill", *SPAN, home=home, given=two)
    alone = fillbook("backfill", *SPAN, "--account", "bad", home=home, given=two)
    good = fillbook("sync", "--account", "good", home=home, given=two)

    assert both.code == 3, both
    assert "bad: " in both.err
    assert "good: " in both.out
    assert alone.code == 1, alone
    assert good.code == 0, good
    assert "wr0ng-secret" not in both.err + alone.err
    assert files_with("wr0ng-secret", home) == []


def test_the_environment_wins_and_says_so(
    home: Path, paper: dict[str, Any], keys: dict[str, str]
) -> None:
    """Until it is taken away; then the stored key is used again."""
    own = {
        "BYBIT_API_KEY": keys["K"],
        "BYBIT_API_SECRET": keys["S"],
        "BYBIT_BASE_URL": paper["url"],
    }

    before = listed(home, own)
    added = add("bybit", paper, home=home, given=own)
    with_both = listed(home, own)
    removed = fillbook("accounts", "remove", "bybit", home=home, given=own)
    refused = fillbook("accounts", "remove", "bybit", home=home, given=own)

    assert [(row["state"], row["source"]) for row in before] == [("not asked yet", "environment")]
    assert added.code == 0, added
    assert "that one is used first" in added.out
    assert [row["source"] for row in with_both] == ["environment, instead of the stored key"]
    assert "it is used on" in removed.out
    assert refused.code == 2
    assert "take it out of there" in refused.err
    assert listed(home, own)[0]["state"] == "active"


def test_secrets_are_asked_for_without_being_shown(
    home: Path, paper: dict[str, Any], keys: dict[str, str]
) -> None:
    """What is typed at the terminal is not on it afterwards."""
    answers = [("API key: ", keys["K"]), ("API secret: ", keys["S"])]

    ended = typed(
        "accounts", "add", "main", "--base-url", paper["url"], home=home, given={}, answers=answers
    )

    assert ended.code == 0, ended
    assert "sealed" in ended.out
    assert keys["K"] not in ended.out
    assert keys["S"] not in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "Main!"), "small letters"),
        (("add", "main", "--venue", "kraken"), "no venue kraken"),
        (("add", "main"), "Nobody can answer here"),
        (("add", "main", "--key-from", "K"), "go together"),
        (("add", "main", "--key-from", "NOT_SET", "--secret-from", "S"), "not set or empty"),
        (("add", "main", *READ, "--base-url", "https://example.org"), "keys are not sent there"),
        (("add", "main", *READ, "--base-url", "http://api.bybit.com"), "must begin with https"),
        (("add", "main", *READ, "--base-url", "https://api-testnet.bybit.com"), "serves testnet"),
        (("pause", "nobody"), "no account named nobody"),
        (("test", "nobody"), "no account named nobody"),
    ],
)
def test_nonsense_is_answered(words: tuple[str, ...], said: str, home: Path) -> None:
    """With one sentence, before anything is sent anywhere."""
    given = {"K": "some-key-canary", "S": "some-secret-canary"}

    ended = fillbook("accounts", *words, home=home, given=given)

    assert ended.code in (1, 2)
    assert said in ended.out + ended.err
    assert "canary" not in ended.out + ended.err
    assert "Traceback" not in ended.err


def test_no_process_that_stays_keeps_a_secret(home: Path, keys: dict[str, str]) -> None:
    """The database server outlives its command: the environment it was given is on show."""
    given = {"BYBIT_API_KEY": keys["K"], "BYBIT_API_SECRET": keys["S"]}

    started = fillbook("db", "start", home=home, given=given)
    pid = (home / "book" / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0]
    server = psutil.Process(int(pid))
    shown = [*server.cmdline(), *server.environ(), *server.environ().values()]

    assert started.code == 0, started
    assert any("postgres" in word for word in shown)
    assert [word for word in shown if "BYBIT" in word or word in (keys["K"], keys["S"])] == []

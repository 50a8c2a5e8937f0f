"""Every error on the way is one sentence on standard error that says what to do next."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import Ended, fillbook, paper_venue

SMALL = ("--executions", "200", "--days", "10", "--end", "2026-11-20T12:00:00Z")


def one_sentence(ended: Ended) -> str:
    """The only line of standard error; a traceback or a second line is a failure."""
    lines = ended.err.strip().splitlines()
    assert len(lines) == 1, ended.err
    return lines[0]


def test_no_database(home: Path) -> None:
    """A database that does not answer is named without its password."""
    given = {"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/book"}

    ended = fillbook("stats", home=home, given=given)

    assert ended.code == 1
    assert "127.0.0.1:1/book" in one_sentence(ended)
    assert "hunter2" not in ended.err + ended.out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"FILLBOOK_HOEM": "x"}, "FILLBOOK_HOEM"),
        ({"BACKFILL_MONTHS": "many"}, "BACKFILL_MONTHS"),
        ({"BYBIT_API_KEY": "only"}, "BYBIT_API_SECRET"),
        ({"EXCHANGE_SYNC_EXCHANGES": "kraken"}, "kraken"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
    ],
)
def test_a_setting_that_cannot_be(given: dict[str, str], words: str, home: Path) -> None:
    """A setting that is unknown, unreadable or incomplete is named."""
    ended = fillbook("stats", home=home, given=given)

    assert ended.code in (1, 2)
    assert words in one_sentence(ended)


def test_no_account(home: Path) -> None:
    """Without a key the way to one is said."""
    ended = fillbook("backfill", home=home)

    assert ended.code == 2
    assert "BYBIT_API_KEY" in one_sentence(ended)


def test_a_wrong_key_and_a_wrong_secret(home: Path) -> None:
    """A refused key and a refused signature are told apart, and neither is printed."""
    with paper_venue(*SMALL) as login:
        secret = fillbook("sync", home=home, given=login | {"BYBIT_API_SECRET": "wr0ng-one"})
        key = fillbook("sync", home=home, given=login | {"BYBIT_API_KEY": "unkn0wn-one"})

    assert (secret.code, key.code) == (1, 1)
    assert "check the API secret" in one_sentence(secret)
    assert "another environment" in one_sentence(key)
    assert "wr0ng-one" not in secret.err
    assert "unkn0wn-one" not in key.err


def test_a_venue_that_is_not_there(home: Path) -> None:
    """A venue that cannot be reached ends the pass with its address."""
    given = {
        "BYBIT_BASE_URL": "http://127.0.0.1:1",
        "BYBIT_API_KEY": "k",
        "BYBIT_API_SECRET": "s",
    }

    ended = fillbook("sync", home=home, given=given)

    assert ended.code == 1
    assert "127.0.0.1:1" in one_sentence(ended)


def test_a_clock_that_is_off(home: Path) -> None:
    """A clock that is minutes off is corrected for, and `test` says so."""
    with paper_venue(*SMALL, clock_ahead_ms=600_000) as login:
        checked = fillbook("test", home=home, given=login)
        synced = fillbook("sync", home=home, given=login)

    assert checked.code == 0, checked
    assert "warn bybit clock" in checked.out
    assert "NTP" in checked.out
    assert synced.code == 0, synced


@pytest.mark.parametrize("words", [("serve",), ("demo",)])
def test_a_port_that_is_taken(words: tuple[str, ...], home: Path) -> None:
    """A taken port is said at once, before any work."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = fillbook(*words, "--port", port, home=home)

    assert ended.code == 2
    assert f"Port {port} is taken" in one_sentence(ended)


def test_a_full_disk(home: Path) -> None:
    """With no room left the command says so, and the next one works when there is room again."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = home / "disk"
    disk.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(disk)], check=True, timeout=20
    )
    try:
        given = {"FILLBOOK_HOME": str(disk / "book")}
        fillbook("db", "start", home=home, given=given)
        filler = disk / "filler"
        with paper_venue("--executions", "20000", "--end", "2026-11-20T12:00:00Z") as login:
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            filler.write_bytes(b"\0" * max(0, free - 4_000_000))
            full = fillbook("backfill", home=home, given=given | login)
            filler.unlink()
            again = fillbook("backfill", home=home, given=given | login)
            verified = fillbook("verify", home=home, given=given)
        fillbook("db", "stop", home=home, given=given)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True, timeout=20)

    assert full.code in (1, 3)
    assert "Traceback" not in full.err
    assert again.code == 0, again
    assert verified.code == 0, verified


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("trades", "--from", "yesterday"), "is no time"),
        (("backfill", "--from", "2026-11-02", "--to", "2026-11-01"), "empty"),
        (("report", "nonsense"), "There is no report"),
        (("wipe",), "--yes-delete-all-trades"),
    ],
)
def test_nonsense(words: tuple[str, ...], said: str, home: Path) -> None:
    """What makes no sense is answered with exit code 2 and what would make sense."""
    given = {"BYBIT_API_KEY": "k", "BYBIT_API_SECRET": "s", "BYBIT_BASE_URL": "http://127.0.0.1:1"}

    ended = fillbook(*words, home=home, given=given)

    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err

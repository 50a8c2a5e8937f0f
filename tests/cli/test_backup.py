"""`fillbook db backup` and `db restore`, as they are typed."""

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fillbook.ledger.backup_folder import sweep
from tests.cli.command import Ended, environment, fillbook
from tests.conftest import MakeDatabase
from tests.ledger.backed_up import PASSPHRASE, booked, contents, fill_every_table, names_in

FILE_BYTES_MAX = 20_000
SECONDS_MAX = 30
CANARY = "canary-of-a-secret"


@pytest.fixture
async def ledger(database_url: str) -> dict[str, str]:
    """Settings that lead to a ledger with a history."""
    await booked(database_url)
    return {"DATABASE_URL": database_url}


def of(done: Ended) -> dict[str, object]:
    """What a command said in JSON."""
    assert 0 == done.code, done.err
    found = json.loads(done.out)
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_a_ledger_moves_to_an_empty_machine(
    ledger: dict[str, str], database_url: str, tmp_path: Path, home: Path
) -> None:
    """Backed up here, restored there into an embedded database that was not there before."""
    made = of(fillbook("db", "backup", "one.tar", "-f", "json", home=tmp_path, given=ledger))
    checked = of(fillbook("db", "backup", "--check", "one.tar", "-f", "json", home=tmp_path))

    restored = fillbook("db", "restore", "one.tar", home=home)
    assert 0 == restored.code, restored.err
    verified = of(fillbook("verify", "--format", "json", home=home))
    again = fillbook("db", "restore", "one.tar", home=home)

    assert made.pop("seconds") is not None
    assert made == checked
    assert {verified["account"]: verified["ledger_hash"]} == made["accounts"]
    assert "the ledger hash is what it was" in restored.out
    assert (1, True) == (again.code, "a restore never overwrites" in again.err)
    with psycopg.connect(database_url) as conn:
        acts = conn.execute("SELECT act, detail FROM ops.audit WHERE act = 'backup'").fetchall()
    assert [("backup", f"{made['digest']} one.tar, {made['rows']} rows")] == acts


def test_scheduled_backups_rotate(ledger: dict[str, str], tmp_path: Path) -> None:
    """Each has its date in its name, the newest stay, and what is not ours is left alone."""
    folder = tmp_path / "far" / "away"
    folder.mkdir(parents=True)
    old = [f"fillbook-2026010{day}T000000Z.tar" for day in (1, 2, 3)]
    ahead = "fillbook-20990101T000000Z.tar"
    for name in (*old, ahead, "letter.txt"):
        (folder / name).touch()

    done = fillbook("db", "backup", "--to", str(folder), "--keep", "2", home=tmp_path, given=ledger)

    assert 0 == done.code, done.err
    assert f"deleted {old[0]}: 2 newer ones are kept" in done.err
    left = [name for name in names_in(folder) if name.startswith("fillbook-")]
    assert (3, old[2], ahead) == (len(left), left[0], left[2])
    assert 0o600 == (folder / left[1]).stat().st_mode & 0o777
    assert "letter.txt" in names_in(folder)


def test_a_passphrase_seals(
    ledger: dict[str, str], make_database: MakeDatabase, tmp_path: Path
) -> None:
    """From a file of one's own; the same passphrase from the environment opens."""
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    (tmp_path / "passphrase").chmod(0o600)
    sealing = ledger | {"FILLBOOK_BACKUP_PASSPHRASE_FILE": str(tmp_path / "passphrase")}
    made = of(fillbook("db", "backup", "-f", "json", home=tmp_path, given=sealing))
    path, there = str(made["file"]), {"DATABASE_URL": make_database()}

    without = fillbook("db", "restore", path, home=tmp_path, given=there)
    opened = fillbook(
        "db", "restore", path, home=tmp_path,
        given=there | {"FILLBOOK_BACKUP_PASSPHRASE": PASSPHRASE},
    )  # fmt: skip
    both = fillbook(
        "db", "backup", home=tmp_path, given=sealing | {"FILLBOOK_BACKUP_PASSPHRASE": PASSPHRASE}
    )

    assert (True, True) == (made["sealed"], path.endswith(".tar.sealed"))
    assert str(tmp_path / "book" / "backups") in path
    assert (1, True) == (without.code, "The backup is sealed" in without.err)
    assert 0 == opened.code, opened.err
    assert (2, True) == (both.code, "are both set" in both.err)


def test_it_says_that_the_secrets_key_is_apart(ledger: dict[str, str], tmp_path: Path) -> None:
    """Stored keys are in a backup, sealed; what opens them must be kept elsewhere."""
    fill_every_table(ledger["DATABASE_URL"])

    done = fillbook("db", "backup", "one.tar", home=tmp_path, given=ledger)

    assert 0 == done.code, done.err
    assert f"keep a copy of {tmp_path / 'book' / 'secrets'} apart from the backup" in done.err


def test_no_secret_is_in_a_backup(ledger: dict[str, str], tmp_path: Path) -> None:
    """Neither the venue's key, nor the secrets key, nor a passphrase or a password."""
    given = ledger | {
        "BYBIT_API_KEY": f"key-{CANARY}", "BYBIT_API_SECRET": f"secret-{CANARY}",
        "FILLBOOK_BACKUP_PASSPHRASE": f"{CANARY}-passphrase",
    }  # fmt: skip
    sealed = of(fillbook("db", "backup", "-f", "json", home=tmp_path, given=given))
    given.pop("FILLBOOK_BACKUP_PASSPHRASE")
    plain = of(fillbook("db", "backup", "one.tar", "-f", "json", home=tmp_path, given=given))
    subprocess.run(["tar", "-xf", "one.tar"], check=True, cwd=tmp_path)
    unpacked = subprocess.run(
        ["sh", "-c", "cat one.tar manifest.json README.txt; gunzip -c */*.gz"],
        check=True, capture_output=True, cwd=tmp_path,
    ).stdout  # fmt: skip

    assert CANARY.encode() not in Path(str(sealed["file"])).read_bytes() + unpacked
    assert CANARY not in json.dumps([sealed, plain])


def test_a_full_disk_leaves_nothing(ledger: dict[str, str], tmp_path: Path) -> None:
    """What could not be written whole is not there, and one sentence says why."""
    done = subprocess.run(
        [sys.executable, "-m", "fillbook", "db", "backup", "one.tar"],
        check=False, capture_output=True, text=True, cwd=tmp_path,
        env=environment(tmp_path, ledger),
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX)
        ),
    )  # fmt: skip

    assert (1, "") == (done.returncode, done.stdout)
    assert "one.tar could not be written (File too large): nothing is left of it" in done.stderr
    assert [] == [name for name in names_in(tmp_path) if "one.tar" in name]


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_a_backup_that_was_killed_is_swept_by_the_next(
    ledger: dict[str, str], tmp_path: Path, passphrase: str | None
) -> None:
    """Also where it was a file of one's own choice, and the next has another name."""
    given = ledger | ({"FILLBOOK_BACKUP_PASSPHRASE": passphrase} if passphrase else {})
    with psycopg.connect(ledger["DATABASE_URL"]) as conn:
        conn.execute("LOCK TABLE facts.executions IN ACCESS EXCLUSIVE MODE")  # so it stands still
        process = subprocess.Popen(
            [sys.executable, "-m", "fillbook", "db", "backup", "monday.tar"],
            env=environment(tmp_path, given), cwd=tmp_path,
        )  # fmt: skip
        deadline = time.monotonic() + SECONDS_MAX
        while not (drafts := _begun(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert [] == list(sweep(tmp_path))  # it is at work still
        process.kill()
        process.wait(SECONDS_MAX)

    done = fillbook("db", "backup", "tuesday.tar", home=tmp_path, given=given)

    assert 0 == done.code, done.err
    assert f"deleted {drafts[0].name}, which an interrupted backup left behind" in done.err
    assert [] == list(tmp_path.glob(".*.part"))


@pytest.fixture
async def large(database_url: str) -> dict[str, str]:
    """A ledger whose backup takes a moment."""
    await booked(database_url, executions=2_000)
    return {"DATABASE_URL": database_url}


@pytest.mark.slow
def test_killed_anywhere_it_leaves_no_backup_or_a_whole_one(
    large: dict[str, str], make_database: MakeDatabase, tmp_path: Path
) -> None:
    """kill -9 of a backup and of a restore at many moments; the next run tidies up and ends it."""
    folder = tmp_path / "book" / "backups"
    folder.mkdir(parents=True)
    killed = 0
    for milliseconds in (500, 900, 1_300):
        for _ in _killed("db", "backup", milliseconds=milliseconds, home=tmp_path, given=large):
            killed += 1
        time.sleep(1)  # names are told apart by the second
    for path in folder.glob("fillbook-*"):
        assert 0 == fillbook("db", "backup", "--check", str(path), home=tmp_path).code
    last = of(fillbook("db", "backup", "-f", "json", home=tmp_path, given=large))
    assert [] == [name for name in names_in(folder) if name.endswith(".part")]

    there = {"DATABASE_URL": make_database()}
    for milliseconds in (600, 1_000, 1_400, 2_000):
        for _ in _killed(
            "db", "restore", str(last["file"]),
            milliseconds=milliseconds, home=tmp_path, given=there,
        ):  # fmt: skip
            killed += 1
    done = fillbook("db", "restore", str(last["file"]), home=tmp_path, given=there)

    assert killed >= 3
    assert done.code == 0 or "not empty" in done.err, done.err
    for schema in ("facts", "derived"):
        assert contents(large["DATABASE_URL"], schemas=[schema]) == contents(
            there["DATABASE_URL"], schemas=[schema]
        )


def _begun(folder: Path) -> list[Path]:
    """Drafts with something in them."""
    return [path for path in folder.glob(".monday.tar.*.part") if path.stat().st_size]


def _killed(*words: str, milliseconds: int, home: Path, given: dict[str, str]) -> Iterator[bool]:
    """Run a command and kill it after so long; yields once when it had not ended before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fillbook", *words],
        env=environment(home, given), cwd=home,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(milliseconds / 1_000)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait(SECONDS_MAX)
        yield True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("backup", "a.tar", "--keep", "3"), "not both"),
        (("backup", "a.tar", "--to", "b"), "not both"),
        (("restore", "none.tar"), "There is no backup none.tar"),
        (("backup", "--check", "none.tar"), "There is no backup none.tar"),
    ],
)
def test_what_makes_no_sense_is_said(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Before a database is made or asked."""
    done = fillbook("db", *words, home=tmp_path)

    assert (2, True) == (done.code, said in done.err)
    assert [] == names_in(tmp_path)

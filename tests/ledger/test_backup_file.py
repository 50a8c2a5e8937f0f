"""A backup that is damaged, cut or sealed under another passphrase is noticed, always."""

import random
import subprocess
import tarfile
from pathlib import Path

import psycopg
import pytest

from fillbook.errors import BackupUnusable, NotFound, Refused, SettingError
from fillbook.ledger.backup import README
from fillbook.ledger.backup_archive import ArchiveWriter
from fillbook.ledger.backup_folder import backups_in, hold, name_for, rotate, sweep
from fillbook.ledger.backup_reading import check_backup
from fillbook.ledger.backup_seal import (
    CHUNK_BYTES,
    MAGIC,
    TAG_BYTES,
    SealedWriter,
    check_passphrase,
    read_passphrase,
)
from tests.conftest import MakeDatabase
from tests.ledger.backed_up import (
    PASSPHRASE,
    back_up,
    booked,
    bring_back,
    contents,
    fill_every_table,
    names_in,
)
from tests.ledger.handed_in import END

FLIPS = 400
CUTS = 60
CANARY = "canary-4711-not-to-be-read"


@pytest.fixture
async def plain(database_url: str, tmp_path: Path) -> Path:
    """A small backup that is not sealed."""
    await booked(database_url, executions=20)
    fill_every_table(database_url)
    await back_up(database_url, tmp_path / "plain.tar")
    return tmp_path / "plain.tar"


def _damage(path: Path, content: bytes, passphrase: str | None) -> str:
    """What is said of another content of that file; empty when it is taken for whole."""
    path.write_bytes(content)
    try:
        check_backup(path, passphrase)
    except BackupUnusable as error:
        return str(error)
    return ""


def test_any_flipped_bit_is_found(plain: Path) -> None:
    """In any place: in a header, in a row, in the manifest, in the zeros at the end."""
    whole, chance = plain.read_bytes(), random.Random(7)
    unseen = []
    for place in chance.sample(range(len(whole)), FLIPS):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        if "damaged" not in _damage(plain, bytes(flipped), None):
            unseen.append(place)

    assert [] == unseen
    assert "" == _damage(plain, whole, None)


def test_any_cut_or_addition_is_found(plain: Path) -> None:
    """Wherever it ends too early, and when something was put behind it."""
    whole, chance = plain.read_bytes(), random.Random(8)
    places = [0, 1, 511, 512, 1024, len(whole) - 1, len(whole) - 512, len(whole) - 1024]
    places += chance.sample(range(len(whole)), CUTS)
    changed = [whole[:place] for place in places]
    changed += [whole + bytes(512), whole + b"\n", whole + whole, bytes(len(whole))]

    said = [_damage(plain, content, None) for content in changed]

    assert [] == [len(changed[n]) for n, text in enumerate(said) if "damaged" not in text]


def test_a_member_that_was_taken_out_is_found(plain: Path, tmp_path: Path) -> None:
    """Even when a tar program makes a tidy file of the rest."""
    thinner = tmp_path / "thinner.tar"
    with tarfile.open(plain) as whole, tarfile.open(thinner, "w") as rest:
        for member in whole:
            if not member.name.startswith("facts.executions"):
                rest.addfile(member, whole.extractfile(member))

    with pytest.raises(BackupUnusable, match="damaged or incomplete"):
        check_backup(thinner, None)


def test_a_forged_manifest_needs_its_rows(tmp_path: Path) -> None:
    """A file that is a sound container and no backup is refused by what it lacks."""
    path = tmp_path / "empty.tar"
    with path.open("wb") as file:
        archive = ArchiveWriter(file, made_at_seconds=0)
        archive.add("README.txt", b"hello")
        archive.close()

    with pytest.raises(BackupUnusable, match="it has no manifest"):
        check_backup(path, None)


def test_a_backup_is_a_tar_file(plain: Path, tmp_path: Path) -> None:
    """Any tar program opens it; it says how rows come back without Fillbook, and they do."""
    done = subprocess.run(
        ["tar", "-xf", str(plain), "-C", str(tmp_path)], check=False, capture_output=True
    )
    rows = subprocess.run(
        ["sh", "-c", "gunzip -c facts.executions/*.copy.gz"], check=True, capture_output=True,
        cwd=tmp_path,
    )  # fmt: skip

    assert (0, b"") == (done.returncode, done.stderr)
    assert "gunzip -c TABLE/*.copy.gz" in (tmp_path / "README.txt").read_text()
    manifest = check_backup(plain, None).manifest
    assert manifest.rows_of("facts.executions") == rows.stdout.count(b"\n")


async def test_a_sealed_backup_shows_nothing_and_opens(
    database_url: str, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """Sealed, not even names can be read; with its passphrase it restores as any other."""
    await booked(database_url, executions=20)
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO facts.bots (bot_id) VALUES (%s)", [CANARY])
    sealed, there = tmp_path / "sealed", make_database()

    await back_up(database_url, sealed, passphrase=PASSPHRASE)
    restored = await bring_back(there, sealed, passphrase=PASSPHRASE)

    raw = sealed.read_bytes()
    assert [] == [word for word in (CANARY, "facts", "ustar", "bybit") if word.encode() in raw]
    assert restored.ok
    assert contents(database_url, schemas=["facts"]) == contents(there, schemas=["facts"])


@pytest.fixture
async def sealed(database_url: str, tmp_path: Path) -> Path:
    """A small backup under a passphrase."""
    await booked(database_url, executions=20)
    await back_up(database_url, tmp_path / "sealed", passphrase=PASSPHRASE)
    return tmp_path / "sealed"


def test_a_sealed_backup_needs_its_passphrase(sealed: Path) -> None:
    """Without it, and with another one, one sentence says so."""
    with pytest.raises(BackupUnusable, match="sealed: set FILLBOOK_BACKUP_PASSPHRASE"):
        check_backup(sealed, None)
    with pytest.raises(BackupUnusable, match="the passphrase is another one"):
        check_backup(sealed, PASSPHRASE + "!")

    assert check_backup(sealed, PASSPHRASE).sealed


def test_any_change_of_a_sealed_backup_is_found(sealed: Path) -> None:
    """Flipped, cut or prolonged, in its head as in its chunks."""
    whole, chance = sealed.read_bytes(), random.Random(9)
    head = whole.index(b"}\n") + 2
    changed = [whole[: len(whole) // 2], whole[:-1], whole + b"\0", whole[:head], whole[: head - 4]]
    for place in [*range(0, head, 17), *chance.sample(range(head, len(whole)), 5)]:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        changed.append(bytes(flipped))

    said = [_damage(sealed, content, PASSPHRASE) for content in changed]

    assert [] == [n for n, text in enumerate(said) if text == ""]


def test_chunks_cannot_be_moved(tmp_path: Path) -> None:
    """Chunks that are swapped, repeated or cut off at their border do not open."""
    path = tmp_path / "sealed"
    with path.open("wb") as file:
        writer = SealedWriter(file, PASSPHRASE)
        archive = ArchiveWriter(writer, made_at_seconds=0)
        archive.add("big", bytes(3 * CHUNK_BYTES))
        archive.close()
        writer.close()
    whole = path.read_bytes()
    start, chunk = whole.index(b"}\n") + 2, CHUNK_BYTES + TAG_BYTES
    head, first, second = (
        whole[:start], whole[start : start + chunk], whole[start + chunk : start + 2 * chunk]
    )  # fmt: skip
    rest = whole[start + 2 * chunk :]

    assert "no manifest" in _damage(path, head + first + second + rest, PASSPHRASE)
    for changed in (second + first + rest, first + first + rest, first + rest, first + second):
        assert "" != _damage(path, head + changed, PASSPHRASE)
        assert "no manifest" not in _damage(path, head + changed, PASSPHRASE)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Missing, or a folder."""
    with pytest.raises(NotFound, match="There is no backup"):
        check_backup(tmp_path / "none.tar", None)
    with pytest.raises(BackupUnusable, match="cannot be read"):
        check_backup(tmp_path, None)


def test_a_passphrase_is_long_and_in_private(tmp_path: Path) -> None:
    """A short one is refused, and so is a file that others can read."""
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    file.chmod(0o644)
    with pytest.raises(Refused, match="chmod 600"):
        read_passphrase(file)
    file.chmod(0o600)

    assert PASSPHRASE == read_passphrase(file)
    with pytest.raises(SettingError, match="12 characters or more"):
        check_passphrase("short", named="IT")
    with pytest.raises(Refused, match="cannot be read"):
        read_passphrase(tmp_path / "none")


def test_only_old_backups_are_deleted(tmp_path: Path) -> None:
    """The newest stay, and so does everything that a backup does not name so."""
    names = [f"fillbook-2026010{day}T000000Z.tar" for day in range(1, 6)]
    names[2] += ".sealed"
    others = ["fillbook-notes.tar", "fillbook-20260101T000000Z.tar.gz", "precious"]
    for name in (*names, *others):
        (tmp_path / name).touch()

    gone = rotate(tmp_path / names[4], keep=2)

    assert names[:3] == [path.name for path in gone]
    assert names[3:] == [path.name for path in backups_in(tmp_path)]
    assert sorted([*names[3:], *others]) == names_in(tmp_path)


def test_the_backup_just_made_is_never_deleted(tmp_path: Path) -> None:
    """Files of a clock that ran ahead neither count as newer ones nor go; nor does a twin."""
    old, made, ahead = (f"fillbook-{year}0101T000000Z.tar" for year in (2025, 2026, 2031))
    for name in (old, made, made + ".sealed", ahead):
        (tmp_path / name).touch()

    gone = rotate(tmp_path / made, keep=1)

    assert {old, made + ".sealed"} == {path.name for path in gone}
    assert [made, ahead] == names_in(tmp_path)


def test_what_a_killed_backup_left_is_swept(tmp_path: Path) -> None:
    """Drafts of any name that begin as a backup does; not what is held, and nothing of others."""
    bare = f".{name_for(END, sealed=True)}.0a1b2c3d.part"
    begun, held = ".one.tar.0a1b2c3d.part", ".two.tar.0a1b2c3d.part"
    foreign, empty = ".film.mp4.0a1b2c3d.part", ".song.ogg.0a1b2c3d.part"
    sealed = ".three.tar.0a1b2c3d.part"
    head = bytes(512) + README.encode()
    for name, data in (
        (bare, b""), (begun, head), (held, head), (sealed, MAGIC), (foreign, bytes(600)),
        (empty, b""), (".other.part", head), (name_for(END, sealed=True), b""),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(data)

    with (tmp_path / held).open("r+b") as file:
        hold(file.fileno())
        swept = {path.name for path in sweep(tmp_path)}

    assert {bare, begun, sealed} == swept
    left = [held, foreign, empty, ".other.part", "fillbook-20260301T120000Z.tar.sealed"]
    assert sorted(left) == names_in(tmp_path)
    assert [held] == [path.name for path in sweep(tmp_path)]
    assert [] == list(sweep(tmp_path / "none"))

"""Stored keys are sealed: nothing but the right key, in the right row, opens them."""

import base64
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from fillbook.errors import LedgerError, Refused, SettingError
from fillbook.ledger.secrets import Bound, Credentials, Sealed, fingerprint, open_sealed, seal
from fillbook.ledger.secrets_key import KeyRing, SecretsKey, key_from, new_key

CANARY = Credentials("KEY-canary-0001", "SECRET-canary-0001")
BOUND = Bound(7, "bybit", "mainnet", "", may_trade=False)


def ring_of(folder: Path, given: SecretsKey | None = None) -> KeyRing:
    return KeyRing(folder / "secrets", given)


def sealed_row(key: SecretsKey, bound: Bound = BOUND) -> Sealed:
    return Sealed("main", bound, key.key_id, seal(CANARY, bound, key))


def test_what_is_sealed_opens(tmp_path: Path) -> None:
    """With the same key; each seal is another text, and none holds the plain one."""
    ring = ring_of(tmp_path)
    first, second = sealed_row(ring.sealing()), sealed_row(ring.sealing())

    assert open_sealed(first, ring) == CANARY
    assert first.sealed != second.sealed
    assert b"canary" not in first.sealed


@pytest.mark.parametrize(
    "change",
    [
        {"account_id": 8},
        {"venue": "other"},
        {"environment": "testnet"},
        {"base_url": "http://127.0.0.1:1"},
        {"may_trade": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_seal_is_bound_to_its_row(change: dict[str, object], tmp_path: Path) -> None:
    """A row that was swapped, sent elsewhere or given more rights does not open."""
    ring = ring_of(tmp_path)
    row = sealed_row(ring.sealing())
    moved = replace(row, bound=replace(row.bound, **change))  # type: ignore[arg-type]

    with pytest.raises(LedgerError, match="changed or damaged"):
        open_sealed(moved, ring)


def test_no_damaged_seal_opens(tmp_path: Path) -> None:
    """Cut at any byte, or with any byte changed."""
    ring = ring_of(tmp_path)
    row = sealed_row(ring.sealing())
    cut = [row.sealed[:length] for length in range(len(row.sealed))]
    changed = [
        row.sealed[:at] + bytes([row.sealed[at] ^ 1]) + row.sealed[at + 1 :]
        for at in range(len(row.sealed))
    ]

    for text in cut + changed:
        with pytest.raises(LedgerError, match="changed or damaged"):
            open_sealed(replace(row, sealed=text), ring)


def test_a_lost_key_says_what_to_do(tmp_path: Path) -> None:
    """Which key it was, where it belongs, and the way out; nothing of the secret."""
    lost = new_key()
    row = sealed_row(lost)

    with pytest.raises(LedgerError) as caught:
        open_sealed(row, ring_of(tmp_path))

    said = str(caught.value)
    assert lost.key_id in said
    assert "secrets.key" in said
    assert "FILLBOOK_SECRETS_KEY" in said
    assert "fillbook accounts add main" in said
    assert "canary" not in said


def test_a_wrong_key_of_the_same_name_opens_nothing(tmp_path: Path) -> None:
    """A row that claims another key is not believed."""
    ring = ring_of(tmp_path)
    row = replace(sealed_row(new_key()), key_id=ring.sealing().key_id)

    with pytest.raises(LedgerError, match="changed or damaged"):
        open_sealed(row, ring)


def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    """It is made with mode 0600 in a folder of 0700, once, and read again."""
    ring = ring_of(tmp_path)
    made = ring.sealing()
    path = ring.folder / "secrets.key"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ring.folder.stat().st_mode) == 0o700
    assert ring_of(tmp_path).sealing() == made
    assert [one.name for one in ring.folder.iterdir()] == ["secrets.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_file_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    """With the sentence that says how to close it."""
    ring = ring_of(tmp_path)
    ring.sealing()
    (ring.folder / "secrets.key").chmod(mode)

    with pytest.raises(Refused, match="chmod 600"):
        ring.sealing()


def test_an_open_folder_and_a_link_are_refused(tmp_path: Path) -> None:
    """Whoever may write the folder could put another key there."""
    ring = ring_of(tmp_path)
    ring.sealing()
    ring.folder.chmod(0o755)
    with pytest.raises(Refused, match="chmod 700"):
        ring.sealing()
    ring.folder.chmod(0o700)
    path = ring.folder / "secrets.key"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Refused, match="cannot be read"):
        ring.sealing()


@pytest.mark.parametrize(
    "text", ["", "short", "A" * 44, base64.b64encode(b"x" * 31).decode(), "not base64 at all!!!"]
)
def test_a_weak_or_broken_key_is_refused(text: str) -> None:
    """It must be 32 random bytes; the text is not repeated."""

    with pytest.raises(SettingError, match="32 random bytes") as caught:
        key_from(text, named="FILLBOOK_SECRETS_KEY")

    assert not text or text not in str(caught.value)


def test_an_interrupted_replacement_leaves_both_keys(tmp_path: Path) -> None:
    """Whether it broke off before or after the rows were sealed again, everything opens."""
    ring = ring_of(tmp_path)
    before = sealed_row(ring.sealing())
    proposed = ring.propose()
    after = sealed_row(proposed)

    assert open_sealed(before, ring) == open_sealed(after, ring) == CANARY
    assert ring.sealing() == ring.propose() == proposed
    ring.accept()
    assert ring.sealing() == proposed
    assert not (ring.folder / "secrets.key.next").exists()


def test_the_settings_key_comes_first_and_the_file_still_opens(tmp_path: Path) -> None:
    """So that rows can move from one to the other."""
    given = new_key()
    under_file = sealed_row(ring_of(tmp_path).sealing())
    ring = ring_of(tmp_path, given)

    assert ring.sealing() == given
    assert open_sealed(under_file, ring) == CANARY


def test_no_representation_shows_a_secret(tmp_path: Path) -> None:
    """Neither of credentials, nor of a key, a ring or a row."""
    key = new_key()
    row = sealed_row(key)
    shown = f"{CANARY!r} {key!r} {ring_of(tmp_path, key)!r} {row!r}"

    assert "canary" not in shown
    assert repr(key.raw) not in shown


def test_a_fingerprint_gives_little_away() -> None:
    """The same for the same key, the last four characters of a long one, nothing of a short one."""

    assert fingerprint("abcdefghijklmnop") == fingerprint("abcdefghijklmnop")
    assert fingerprint("abcdefghijklmnop").endswith("...mnop")
    assert "cdef" not in fingerprint("abcdef")

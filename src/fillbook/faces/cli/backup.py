"""What `fillbook db backup` and `fillbook db restore` do."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from fillbook import __version__, wiring
from fillbook.errors import LedgerError, NotFound, SettingError, UsageError
from fillbook.faces.cli.options import Format
from fillbook.faces.cli.run import put, run, say
from fillbook.faces.cli.typist import typist
from fillbook.ledger._folder_lock import folder_lock
from fillbook.ledger._pool import open_pool
from fillbook.ledger.backup import note_backup, write_backup
from fillbook.ledger.backup_contents import Manifest
from fillbook.ledger.backup_folder import name_for, rotate, sweep
from fillbook.ledger.backup_reading import Checked, check_backup
from fillbook.ledger.backup_seal import check_passphrase, read_passphrase
from fillbook.ledger.restore import Restored, restore
from fillbook.settings import Settings, load
from fillbook.wiring import logs
from fillbook.wiring.keys import key_ring

FOLDER = "backups"
LOCK = ".lock"
LOCK_SECONDS_MAX = 3_600
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """Where a backup goes."""

    file: Path | None
    to: Path | None
    keep: int | None


def run_backup(wish: Wish, output: Format) -> None:
    """Write a backup, check it, and drop old ones where that is asked for."""
    logs.log_to_console()
    if wish.file is not None and (wish.to is not None or wish.keep is not None):
        raise UsageError("Name a file, or a folder with --to and --keep, not both.")
    settings = load()
    passphrase = _passphrase(settings)
    if wish.file is not None:
        _sweep(wish.file.parent)
        _write(settings, wish.file, passphrase, output)
        return
    folder = wish.to or settings.folder / FOLDER
    _make(folder)
    with folder_lock(folder / LOCK, seconds_max=LOCK_SECONDS_MAX):
        _sweep(folder)
        path = folder / name_for(wiring.now(), sealed=passphrase is not None)
        _write(settings, path, passphrase, output)
        for gone in rotate(path, keep=wish.keep) if wish.keep else ():
            say(f"deleted {gone.name}: {wish.keep} newer ones are kept")


def run_check(path: Path, output: Format) -> None:
    """Check a backup, without a database."""
    checked = check_backup(path, _passphrase(load()))
    if output is Format.JSON:
        put(json.dumps(_facts(path, checked)))
        return
    manifest = checked.manifest
    put(f"{path} is whole: {_described(checked)}.")
    for kept in manifest.accounts:
        put(f"{kept.name}: {kept.chain_seq} links, ledger hash {kept.ledger_hash or 'not taken'}")


def run_restore(path: Path, output: Format) -> int:
    """Restore a backup; 1 when the result is not what was backed up."""
    logs.log_to_console()
    settings = load()
    passphrase = _passphrase(settings)
    if not path.is_file():  # before a database is made for it
        raise NotFound(f"There is no backup {path}.")
    url = wiring.direct_url(settings)
    begun = time.monotonic()

    async def work() -> Restored:
        return await restore(
            url, path, passphrase=passphrase, clock=wiring.now, parser_of=wiring.parser_of,
            actor=typist(), tell=say,
        )  # fmt: skip

    restored = run(work)
    _put_restored(settings, restored, time.monotonic() - begun, output)
    return 0 if restored.ok else 1


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"The folder {folder} cannot be made: {error.strerror}.") from None


def _sweep(folder: Path) -> None:
    for left in sweep(folder):
        say(f"deleted {left.name}, which an interrupted backup left behind")


def _write(settings: Settings, path: Path, passphrase: str | None, output: Format) -> None:
    url = wiring.direct_url(settings)
    begun = time.monotonic()

    async def work() -> Manifest:
        async with open_pool(url, max_size=2) as pool:
            return await write_backup(
                pool, path, passphrase=passphrase, now=wiring.now(), program=__version__
            )

    manifest = run(work)
    took = time.monotonic() - begun
    checked = check_backup(path, passphrase)  # what is on the disk, not what was meant

    async def note() -> None:
        async with open_pool(url, max_size=2) as pool:
            await note_backup(pool, checked, path, actor=typist(), now=wiring.now())

    run(note)
    if output is Format.JSON:
        put(json.dumps(_facts(path, checked) | {"seconds": round(took, 3)}))
    else:
        put(f"{path}: {_described(checked)}, {took:.1f} s, checked.")
        for name in manifest.not_ours:
            say(f"{name} is not Fillbook's and is not in it.")
    _say_of_keys(settings, manifest)


def _say_of_keys(settings: Settings, manifest: Manifest) -> None:
    stored = manifest.rows_of("ops.secrets")
    if stored:
        where = "FILLBOOK_SECRETS_KEY" if settings.secrets_key else key_ring(settings).folder
        say(
            f"{stored} stored key(s) of venues are in it, sealed. What opens them is not: keep a"
            f" copy of {where} apart from the backup."
        )


def _put_restored(settings: Settings, restored: Restored, seconds: float, output: Format) -> None:
    if output is Format.JSON:
        said = {
            "restored": restored.ok,
            "rows": restored.manifest.rows,
            "seconds": round(seconds, 3),
            "accounts": [
                {
                    "account": one.account,
                    "ledger_hash": one.hash,
                    "hash_compared": one.hash_compared,
                    "findings": list(one.findings),
                    "not_verified": one.not_verified,
                }
                for one in restored.accounts
            ],
        }  # fmt: skip
        put(json.dumps(said))
    else:
        _put_accounts(restored, seconds)
    _say_of_keys(settings, restored.manifest)


def _put_accounts(restored: Restored, seconds: float) -> None:
    for one in restored.accounts:
        for finding in one.findings:
            put(f"{one.account}: DIFFERS  {finding}")
        word = f"not verified ({one.not_verified})" if one.not_verified else "verified"
        if one.ok and one.hash_compared:
            put(f"{one.account}: {word}; the ledger hash is what it was: {one.hash}")
        elif one.ok:
            put(
                f"{one.account}: {word}. The backup's ledger hash is not to be compared: it was"
                f" taken by another version of Fillbook, or not at all. Now it is {one.hash}"
            )
    word = "Restored" if restored.ok else "Restored, but not as it was:"
    put(f"{word} {restored.manifest.rows} rows of {restored.manifest.made_at:%Y-%m-%d %H:%M:%S}"
        f" UTC in {seconds:.1f} s.")  # fmt: skip


def _described(checked: Checked) -> str:
    manifest = checked.manifest
    sealed = "sealed" if checked.sealed else "not sealed"
    return (
        f"{manifest.rows} rows of {len(manifest.tables)} tables, {len(manifest.accounts)}"
        f" account(s), schema {manifest.schema_version}, made"
        f" {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC, {checked.size / MEGABYTE:.1f} MB, {sealed}"
    )


def _facts(path: Path, checked: Checked) -> dict[str, object]:
    manifest = checked.manifest
    return {
        "file": str(path),
        "digest": checked.digest,
        "size_bytes": checked.size,
        "sealed": checked.sealed,
        "made_at": manifest.made_at.isoformat(),
        "program": manifest.program,
        "schema_version": manifest.schema_version,
        "server_version": manifest.server_version,
        "rows": manifest.rows,
        "tables": {table.name: table.rows for table in manifest.tables},
        "accounts": {kept.name: kept.ledger_hash for kept in manifest.accounts},
    }


def _passphrase(settings: Settings) -> str | None:
    given, file = settings.backup_passphrase, settings.backup_passphrase_file
    if given is not None and file is not None:
        raise SettingError(
            "FILLBOOK_BACKUP_PASSPHRASE and FILLBOOK_BACKUP_PASSPHRASE_FILE are both set: set one."
        )
    if given is not None:
        return check_passphrase(given.get_secret_value(), named="FILLBOOK_BACKUP_PASSPHRASE")
    return read_passphrase(file.expanduser()) if file is not None else None

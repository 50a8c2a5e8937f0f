"""`fillbook verify`, `rebuild` and `wipe`."""

import json
import sys
from collections.abc import Sequence

from fillbook import wiring
from fillbook.domain.account import Account
from fillbook.errors import NotFound, UsageError
from fillbook.faces.cli.options import Format
from fillbook.faces.cli.run import put, run, say
from fillbook.faces.cli.typist import typist
from fillbook.ledger._pool import Pool
from fillbook.ledger.accounts import all_accounts
from fillbook.ledger.ledger_hash import ledger_hash
from fillbook.ledger.rebuild import rebuild, wipe
from fillbook.ledger.verify import Verified, verify
from fillbook.settings import load
from fillbook.wiring import logs

WIPE_WORDS = "DELETE ALL TRADES"


async def _accounts(pool: Pool, name: str | None) -> Sequence[Account]:
    found = [one for one in await all_accounts(pool) if name in (None, one.name)]
    if name is not None and not found:
        raise NotFound(f"There is no account named {name} in this ledger.")
    return found


def run_verify(name: str | None, output: Format) -> int:
    """Verify each account; 1 when anything differs."""
    logs.log_to_console()
    settings = load()

    async def work() -> int:
        failed = 0
        async with wiring.open_ledger(settings) as pool:
            found = await _accounts(pool, name)
            if not found and output is not Format.JSON:
                put("There is no account in this ledger yet: nothing to verify.")
            for account in found:
                verified = await verify(pool, account.account_id, wiring.parser_of(account))
                hashed = await ledger_hash(pool, account.account_id)
                _put_verified(account, verified, hashed, output)
                failed += not verified.ok
        return 1 if failed else 0

    return run(work)


def _put_verified(account: Account, verified: Verified, hashed: str, output: Format) -> None:
    if output is Format.JSON:
        put(
            json.dumps(
                {
                    "account": account.name,
                    "verify": "ok" if verified.ok else "differs",
                    "raw_records": verified.raw_records,
                    "executions": verified.executions,
                    "legs": verified.legs,
                    "rebuild_needed": verified.rebuild_needed,
                    "ledger_hash": hashed,
                    "findings": [str(finding) for finding in verified.findings],
                }
            )
        )
        return
    if verified.rebuild_needed:
        put(f"{account.name}: laid by another version of the rules: run `fillbook rebuild`.")
    for finding in verified.findings:
        put(f"{account.name}: DIFFERS  {finding}")
    if verified.ok:
        put(
            f"{account.name}: ok. {verified.raw_records} raw records on an unbroken chain,"
            f" {verified.executions} executions read again, {verified.legs} legs laid again."
        )
    put(f"{account.name}: ledger hash {hashed}")


def run_rebuild(name: str | None) -> None:
    """Rebuild each account."""
    logs.log_to_console()
    settings = load()

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            for account in await _accounts(pool, name):
                legs = await rebuild(pool, account.account_id, now=wiring.now())
                put(f"{account.name}: {legs} legs laid again.")

    run(work)


def run_wipe(name: str | None, *, sure: bool) -> None:
    """Ask, then delete; says what was deleted."""
    logs.log_to_console()
    settings = load()
    if not sure:
        _ask(name)

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            found = await _accounts(pool, name)
            for account in found:
                counts = await wipe(pool, account.account_id, actor=typist(), now=wiring.now())
                said = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in counts.items())
                put(f"{account.name}: deleted {said}.")
            if not found:
                put("There is no account in this ledger: nothing to delete.")
            else:
                put("Coverage is unproven now: `fillbook backfill` fetches the history again.")

    run(work)


def _ask(name: str | None) -> None:
    which = f"of the account {name}" if name else "of every account"
    say(f"This deletes all trade data {which}. The venue keeps its history for two years at most.")
    if not sys.stdin.isatty():
        raise UsageError("Nobody can answer here: pass --yes-delete-all-trades in scripts.")
    typed = input(f"Type {WIPE_WORDS} to go on: ")
    if typed != WIPE_WORDS:
        raise UsageError("Nothing was deleted.")

"""Keeping accounts: what `fillbook accounts` does once it is known what was typed."""

import getpass
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import SecretStr

from fillbook import wiring
from fillbook.domain.account import KeyFacts
from fillbook.errors import NotFound, UsageError
from fillbook.faces.account_rows import PERMISSIONS, AccountRow, row_of, rows_of
from fillbook.faces.cli.ask import put_rows
from fillbook.faces.cli.options import Format
from fillbook.faces.cli.run import put, run
from fillbook.faces.cli.typist import typist
from fillbook.ledger._pool import Pool
from fillbook.ledger.key_checks import KnownAccount, known_accounts
from fillbook.ledger.secrets import fingerprint
from fillbook.reports._report import table
from fillbook.settings import Login, Settings, load, refuse_other_host
from fillbook.wiring import keys, logs

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
VENUES = ("bybit",)
OLD_KINDS = ("classic", "UTA1.0")
EXPIRY_DAYS_WARNED = 30
UNBOUND_DAYS = 90  # so long lives a key that is bound to no address, as the venue says
KEY_VARIABLE, SECRET_VARIABLE = "BYBIT_API_KEY", "BYBIT_API_SECRET"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which account to add."""

    name: str
    venue: str
    environment: str
    base_url: str | None
    may_trade: bool


def run_list(output: Format) -> None:
    """Every account of the ledger, and every key of the settings."""
    logs.log_to_console()
    settings = load()

    async def work() -> list[AccountRow]:
        async with wiring.open_ledger(settings) as pool:
            return await _rows(pool, settings)

    rows = run(work)
    put_rows(table("accounts", AccountRow, rows), output)
    if not rows and output is Format.TABLE:
        put("`fillbook accounts add NAME` adds one.")


async def _rows(pool: Pool, settings: Settings) -> list[AccountRow]:
    known = await known_accounts(pool)
    by_name = {row.account: row for row in rows_of(known, now=wiring.now())}
    given = [way for way in await keys.all_ways(pool, settings) if way.login and way.is_given]
    for way in given:
        assert way.login is not None
        row = _given_row(way, way.login)
        by_name[row.account] = row
    return [by_name[name] for name in sorted(by_name)]


def _given_row(way: keys.Way, login: Login) -> AccountRow:
    """A key of the settings, with what is known of it so far."""
    mark = fingerprint(login.key)
    source = "environment, instead of the stored key" if way.instead_of_stored else "environment"
    known = way.known
    if known is None:
        environment = wiring.environment_of(login)
        return AccountRow(
            login.name, login.venue, environment, None, "not asked yet", None, source, mark,
            *(None,) * 6,
        )  # fmt: skip
    return replace(row_of(known, now=wiring.now(), mark=mark), source=source)


def run_add(wish: Wish, *, key_from: str | None, secret_from: str | None) -> None:
    """Ask for the key, ask the venue about it, store it."""
    logs.log_to_console()
    settings = load()
    _check_wish(wish)
    key, secret = _credentials(settings, key_from=key_from, secret_from=secret_from)
    logs.hide(key, secret)
    login = Login(
        wish.name, wish.venue, key, SecretStr(secret), wish.environment, wish.base_url,
        wish.may_trade, "stored",
    )  # fmt: skip

    async def work() -> None:
        venue = wiring.connect(login, settings)
        try:
            facts = await venue.key_facts()
        finally:
            await venue.close()
        for line in said_of(login, facts):
            put(line)
        async with wiring.open_ledger(settings) as pool:
            stored = await keys.store(
                pool, settings, login, facts, actor=typist(), now=wiring.now()
            )
        _put_stored(settings, login, stored)

    run(work)


def _check_wish(wish: Wish) -> None:
    if not NAME.fullmatch(wish.name):
        raise UsageError(
            "An account's name has up to 40 small letters, digits, _ and -, and begins with a"
            " letter or a digit."
        )
    if wish.venue not in VENUES:
        raise UsageError(f"There is no venue {wish.venue} yet; there is: {', '.join(VENUES)}.")
    refuse_other_host(wish.environment, wish.base_url, named="--base-url")


def _credentials(
    settings: Settings, *, key_from: str | None, secret_from: str | None
) -> tuple[str, str]:
    """Key and secret: from named variables, from the terminal, or from the usual variables."""
    if (key_from is None) != (secret_from is None):
        raise UsageError("--key-from and --secret-from go together.")
    if key_from is not None and secret_from is not None:
        return _variable(key_from), _variable(secret_from)
    usual = (settings.bybit_api_key, settings.bybit_api_secret)
    if sys.stdin.isatty():
        hint = f" (nothing: {KEY_VARIABLE})" if usual[0] else ""
        key = getpass.getpass(f"API key{hint}: ").strip()
        if key or not usual[0]:
            return _typed(key, "key"), _typed(getpass.getpass("API secret: ").strip(), "secret")
    if usual[0] is None or usual[1] is None:
        raise UsageError(
            "Nobody can answer here: pass --key-from VAR and --secret-from VAR, or set"
            f" {KEY_VARIABLE} and {SECRET_VARIABLE}."
        )
    return usual[0], usual[1].get_secret_value()


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        # The name may be the secret itself, typed in the wrong place: it is not repeated.
        raise UsageError("A variable of --key-from or --secret-from is not set or empty.")
    return value


def _typed(word: str, what: str) -> str:
    if not word:
        raise UsageError(f"No {what} was typed: nothing was stored.")
    return word


def said_of(login: Login, key: KeyFacts) -> list[str]:
    """What a key may do, and what is to be warned of."""
    may = "withdraw" if key.can_withdraw else "trade" if key.can_trade else "read"
    days = key.expires_in_days
    where = f"user {key.venue_user_id} at {login.venue} ({wiring.environment_of(login)})"
    lines = [f"{login.name}: {where}, key {fingerprint(login.key)}, {PERMISSIONS[may]}."]
    lines += [f"{login.name}: warning: {one}" for one in warnings_of(key)]
    if days is not None and days >= EXPIRY_DAYS_WARNED:
        lines.append(f"{login.name}: the key expires in {days} days.")
    return lines


def warnings_of(key: KeyFacts) -> list[str]:
    """What an owner should know about a key before something happens."""
    found = []
    days = key.expires_in_days
    if days is not None and days < EXPIRY_DAYS_WARNED:
        found.append(f"the key expires in {days} days: bind it to an address or renew it")
    if not key.bound_to_addresses:
        found.append(
            "the key is bound to no address: it works from anywhere, and the venue ends such a key"
            f" after {UNBOUND_DAYS} days"
        )
    if key.account_kind.startswith(OLD_KINDS):
        found.append(
            f"this is a {key.account_kind} account: only part of its history is where it is read"
            " from; see docs/how-to/accounts.md"
        )
    if key.can_trade and not key.can_withdraw:
        found.append("the key can trade: a read-only key is enough")
    return found


def _put_stored(settings: Settings, login: Login, stored: keys.Stored) -> None:
    name = stored.account.name
    if name != login.name:
        put(f"This user is the account {name} already: the key was stored under that name.")
    put(
        f"{name}: the key was {'replaced' if stored.rotated else 'stored'}, sealed."
        + (" The account is still paused." if stored.state == "paused" else "")
    )
    if settings.secrets_key is None:
        ring = keys.key_ring(settings)
        put(f"Keep a copy of {ring.folder} apart from the database: without it no key opens.")
    if any(login.name == one.name for one in settings.logins):
        put(f"{name}: the environment gives a key as well, and that one is used first.")


def run_pause(name: str, *, paused: bool) -> None:
    """Pause an account, or let it go on."""
    logs.log_to_console()
    settings = load()

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            known = await _known(pool, settings, name)
            if known.state == "removed":
                raise UsageError(
                    f"{name} was removed: `fillbook accounts add {name}` brings it back."
                )
            if (known.state == "paused") == paused:
                put(f"{known.account.name} is {'paused' if paused else 'not paused'} already.")
                return
            if not paused and known.state == "stopped":
                put(f"{known.account.name}: {known.reason} The next pass asks the venue again.")
                return
            await keys.set_paused(pool, known, paused=paused, actor=typist(), now=wiring.now())
            put(f"{known.account.name} is {'paused' if paused else 'active again'}.")

    run(work)


def run_remove(name: str) -> None:
    """Delete a stored key; says what stays."""
    logs.log_to_console()
    settings = load()

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            known = await _known(pool, settings, name)
            given = await _is_given(pool, settings, known.account.name)
            if given and known.stored is None:
                raise UsageError(
                    f"The key of {name} comes from the environment: take it out of there."
                )
            await keys.remove(pool, known, still_used=given, actor=typist(), now=wiring.now())
            put(f"{known.account.name}: the stored key is gone. Its history stays in the ledger.")
            if given:
                put(f"{known.account.name}: the environment gives a key as well: it is used on.")

    run(work)


async def _known(pool: Pool, settings: Settings, name: str) -> KnownAccount:
    """An account by its name, or by the name that settings give its key."""
    known = await known_accounts(pool)
    for one in known:
        if one.account.name == name:
            return one
    for way in await keys.all_ways(pool, settings):
        if way.name == name and way.known is not None:
            return way.known
    names = ", ".join(one.account.name for one in known) or "none yet"
    raise NotFound(f"There is no account named {name} in this ledger; there is: {names}.")


async def _is_given(pool: Pool, settings: Settings, name: str) -> bool:
    found: Sequence[keys.Way] = await keys.all_ways(pool, settings)
    return any(way.is_given and name in keys.names_of(way) for way in found)


def run_rekey(old_from: str | None) -> None:
    """Seal every stored key with another secrets key."""
    logs.log_to_console()
    settings = load()
    older = _variable(old_from) if old_from else None

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            count, key = await keys.rekey(
                pool, settings, older=older, actor=typist(), now=wiring.now()
            )
        stored = "1 stored key is" if count == 1 else f"{count} stored keys are"
        put(f"{stored} sealed with the secrets key {key.key_id} now.")
        put("Backups from before open only with the secrets key of that time.")

    run(work)

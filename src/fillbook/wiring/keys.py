"""Which keys are used: those of settings and the stored ones, and what follows from a key check.

A venue is asked about a key at the start of every pass, so that a key that has become able to do
harm fetches nothing. What it said is kept once a day, and whenever it says something else.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from pydantic import SecretStr

from fillbook.domain.account import Account, KeyFacts
from fillbook.errors import FillbookError, NotFound, Refused, UsageError
from fillbook.ledger import accounts, key_checks, secrets
from fillbook.ledger._folder_lock import folder_lock
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger.key_checks import KnownAccount, known_accounts
from fillbook.ledger.secrets import Bound, Credentials, Sealed, fingerprint
from fillbook.ledger.secrets_key import SETTING, KeyRing, SecretsKey, key_from
from fillbook.settings import Login, Settings

PAPER = "paper"
REKEY_SECONDS_MAX = 60
PROGRAM = "fillbook"  # who acts where no person does

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Paused(Refused):
    """The account is paused."""


@dataclass(frozen=True, slots=True)
class Way:
    """A key that leads, or does not lead, to an account."""

    name: str
    login: Login | None
    known: KnownAccount | None = None
    problem: FillbookError | None = None  # why there is no login
    instead_of_stored: bool = False

    def opened(self) -> Login:
        """The key, or why there is none."""
        if self.login is None:
            raise self.problem or NotFound(f"The account {self.name} has no key.")
        return self.login

    @property
    def is_given(self) -> bool:
        """Whether the key stands in the settings."""
        return self.login is not None and self.login.source == "environment"

    @property
    def paused(self) -> bool:
        """Whether its owner has paused it."""
        return self.known is not None and self.known.state == "paused"


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing a key came to."""

    account: Account
    rotated: bool
    state: key_checks.State


def paused_sentence(name: str) -> str:
    """What is said where a paused account is left out."""
    return f"{name} is paused and was skipped: `fillbook accounts resume {name}` ends that."


def environment_of(login: Login) -> str:
    """Which world a login belongs to. A paper venue keeps its book whatever its port."""
    if login.base_url and urlsplit(login.base_url).hostname in _LOOPBACK:
        return PAPER
    return login.environment


def key_ring(settings: Settings, *, older: str | None = None) -> KeyRing:
    """The secrets keys of this installation."""
    given = settings.secrets_key
    return KeyRing(
        folder=settings.folder / "secrets",
        given=key_from(given.get_secret_value(), named=SETTING) if given else None,
        older=key_from(older, named="The older secrets key") if older else None,
    )


async def all_ways(pool: Pool, settings: Settings) -> Sequence[Way]:
    """Every key, by name: where two lead to one account, the one of the settings."""
    known = await known_accounts(pool)
    sealed = {row.name: row for row in await secrets.stored(pool)}
    given = [_given(login, known, sealed.keys()) for login in settings.logins]
    taken = {name for way in given for name in names_of(way)}
    opened = [
        _opened(one, sealed[one.account.name], settings)
        for one in known
        if one.account.name in sealed and one.account.name not in taken
    ]
    return sorted([*given, *opened], key=lambda way: way.name)


async def ways(pool: Pool, settings: Settings, account: str | None = None) -> Sequence[Way]:
    """The keys to use, or that of one account; an error that says what to do without any."""
    found = await all_ways(pool, settings)
    if account is not None:
        return [_named(account, found, await known_accounts(pool))]
    if not found:
        raise UsageError(
            "There is no account yet: set BYBIT_API_KEY and BYBIT_API_SECRET (a read-only key is"
            " enough), run `fillbook accounts add NAME`, or try `fillbook demo`, which needs none."
        )
    return found


def names_of(way: Way) -> set[str]:
    """The names that a key answers to: its own, and its account's."""
    return {way.name} | ({way.known.account.name} if way.known else set())


def _given(login: Login, known: Sequence[KnownAccount], sealed: Collection[str]) -> Way:
    way = Way(login.name, login, _known_of(login, known))
    return replace(way, instead_of_stored=not names_of(way).isdisjoint(sealed))


def _named(name: str, found: Sequence[Way], known: Sequence[KnownAccount]) -> Way:
    for way in found:
        if name in names_of(way):
            return way
    if name in {one.account.name for one in known}:
        raise NotFound(
            f"The account {name} has no key: `fillbook accounts add {name}` gives it one."
        )
    names = ", ".join(way.name for way in found) or "none yet"
    raise NotFound(f"There is no account named {name}; there is: {names}.")


def _known_of(login: Login, known: Sequence[KnownAccount]) -> KnownAccount | None:
    """The account that a login of settings leads to, as far as that is known without asking."""
    where = (login.venue, environment_of(login))
    here = [one for one in known if (one.account.venue, one.account.environment) == where]
    mark = fingerprint(login.key)
    used = [one for one in here if one.check_of(mark)]
    if len(used) == 1:
        return used[0]
    return next((one for one in here if one.account.name == login.name), None)


def _opened(known: KnownAccount, row: Sealed, settings: Settings) -> Way:
    """A stored key, unsealed; what is wrong with one must not keep the others from being used."""
    account = known.account
    try:
        credentials = secrets.open_sealed(row, key_ring(settings))
    except FillbookError as error:
        return Way(account.name, None, known, error)
    login = Login(
        name=account.name,
        venue=account.venue,
        key=credentials.key,
        secret=SecretStr(credentials.secret),
        environment="mainnet" if account.environment == PAPER else account.environment,
        base_url=row.bound.base_url or None,
        may_trade=row.bound.may_trade,
        source="stored",
    )
    return Way(account.name, login, known)


def refusal(login: Login, key: KeyFacts) -> str | None:
    """Why a key is not used; None when it may be."""
    if key.can_withdraw:
        return f"The key of {login.name} can withdraw: make a read-only key at the venue instead."
    if key.can_trade and not login.may_trade:
        way_out = (
            f"run `fillbook accounts add {login.name} --allow-trading`"
            if login.source == "stored"
            else "set FILLBOOK_ALLOW_TRADING_KEYS=true"
        )
        return (
            f"The key of {login.name} can trade, and reading needs no more than a read-only key:"
            f" make one at the venue, or {way_out} to use this one all the same."
        )
    return None


async def admit(pool: Pool, login: Login, key: KeyFacts, *, now: datetime) -> Account:
    """The account behind a key that may be used; what was found out is kept either way."""
    check = key_checks.check_of(
        key, fingerprint=fingerprint(login.key), source=login.source, now=now
    )
    said = refusal(login, key)
    if said is not None:
        await _refused(pool, login, key, check, said)
        raise Refused(said)
    account = await accounts.find_or_add(
        pool,
        name=login.name,
        venue=login.venue,
        environment=environment_of(login),
        venue_user_id=key.venue_user_id,
        now=now,
    )
    async with transaction(pool) as conn:
        state, _ = await key_checks.state_of(conn, account.account_id)
        await key_checks.record(conn, account.account_id, check)
        if state in ("stopped", "removed"):
            await key_checks.put_state(conn, account.account_id, "active")
            await accounts.audit(
                conn, account_id=account.account_id, actor=PROGRAM, act="account resumed",
                detail=f"it was {state}; its key {check.fingerprint} may {check.may}", now=now,
            )  # fmt: skip
    if state == "paused":
        raise Paused(paused_sentence(account.name))
    return account


async def _refused(
    pool: Pool, login: Login, key: KeyFacts, check: key_checks.KeyCheck, said: str
) -> None:
    """Keep what was found; a key that can withdraw stops an account that is there already."""
    known = await find_known(pool, login, key)
    is_news = True
    if known is not None:
        account_id = known.account.account_id
        async with transaction(pool) as conn:
            is_news = await key_checks.record(conn, account_id, check)
            if key.can_withdraw and known.state == "active":
                await key_checks.put_state(conn, account_id, "stopped", said)
    if is_news:
        await _say_refused(pool, login, key, known=known, now=check.checked_at)


async def _say_refused(
    pool: Pool, login: Login, key: KeyFacts, *, known: KnownAccount | None, now: datetime
) -> None:
    may = "withdraw" if key.can_withdraw else "trade"
    account_id = known.account.account_id if known else accounts.NO_ACCOUNT
    async with transaction(pool) as conn:
        await accounts.audit(
            conn, account_id=account_id, actor=PROGRAM, act="key refused",
            detail=f"{login.name}: {fingerprint(login.key)} can {may}", now=now,
        )  # fmt: skip


async def find_known(pool: Pool, login: Login, key: KeyFacts) -> KnownAccount | None:
    """The account of a venue's user, if the ledger has it."""
    wanted = (login.venue, environment_of(login), key.venue_user_id)
    for one in await known_accounts(pool):
        if (one.account.venue, one.account.environment, one.account.venue_user_id) == wanted:
            return one
    return None


async def store(
    pool: Pool, settings: Settings, login: Login, key: KeyFacts, *, actor: str, now: datetime
) -> Stored:
    """Seal a key that may be used; that of a known account replaces the one before."""
    said = refusal(login, key)
    if said is not None:
        known = await find_known(pool, login, key)
        await _say_refused(pool, login, key, known=known, now=now)
        raise Refused(said)
    ring = key_ring(settings)
    ring.sealing()  # what is wrong with it is said before anything is changed
    known = await find_known(pool, login, key)
    if known is None:
        await _refuse_taken(pool, login.name)
    account = await accounts.find_or_add(
        pool,
        name=login.name,
        venue=login.venue,
        environment=environment_of(login),
        venue_user_id=key.venue_user_id,
        now=now,
    )
    credentials = Credentials(login.key, login.secret.get_secret_value())
    bound = Bound(
        account.account_id, account.venue, account.environment, login.base_url or "",
        login.may_trade,
    )  # fmt: skip
    rotated = known is not None and known.stored is not None
    mark = fingerprint(login.key)
    async with transaction(pool) as conn:
        await secrets.put(conn, credentials, bound, ring=ring, now=now)
        check = key_checks.check_of(key, fingerprint=mark, source="stored", now=now)
        await key_checks.record(conn, account.account_id, check)
        state, _ = await key_checks.state_of(conn, account.account_id)
        if state in ("stopped", "removed"):
            state = "active"
            await key_checks.put_state(conn, account.account_id, state)
        await accounts.audit(
            conn, account_id=account.account_id, actor=actor, detail=f"{account.name}: {mark}",
            act="key rotated" if rotated else "key added", now=now,
        )  # fmt: skip
    return Stored(account, rotated, state)


async def _refuse_taken(pool: Pool, name: str) -> None:
    for one in await known_accounts(pool):
        if one.account.name == name:
            raise UsageError(
                f"{name} is the account of user {one.account.venue_user_id} at"
                f" {one.account.venue} ({one.account.environment}), and this key belongs to"
                " another: choose another name."
            )


async def rekey(
    pool: Pool, settings: Settings, *, older: str | None, actor: str, now: datetime
) -> tuple[int, SecretsKey]:
    """Seal every stored key with another secrets key; returns how many there are, and the key."""
    ring = key_ring(settings, older=older)
    if ring.given is not None:
        return await _sealed_with(pool, ring, ring.given, actor=actor, now=now), ring.given
    ring.sealing()
    with folder_lock(ring.folder / "lock", seconds_max=REKEY_SECONDS_MAX):
        key = ring.propose()
        count = await _sealed_with(pool, ring, key, actor=actor, now=now)
        ring.accept()
    return count, key


async def _sealed_with(
    pool: Pool, ring: KeyRing, key: SecretsKey, *, actor: str, now: datetime
) -> int:
    async with transaction(pool) as conn:
        count = await secrets.seal_all(conn, ring, key)
        await accounts.audit(
            conn, account_id=accounts.NO_ACCOUNT, actor=actor, act="secrets key changed",
            detail=f"{count} stored keys are sealed with {key.key_id}", now=now,
        )  # fmt: skip
    return count


async def set_paused(
    pool: Pool, known: KnownAccount, *, paused: bool, actor: str, now: datetime
) -> None:
    """Pause an account, or let it go on."""
    account_id = known.account.account_id
    async with transaction(pool) as conn:
        await key_checks.put_state(conn, account_id, "paused" if paused else "active")
        await accounts.audit(
            conn, account_id=account_id, actor=actor,
            act="account paused" if paused else "account resumed", detail=known.account.name,
            now=now,
        )  # fmt: skip


async def remove(
    pool: Pool, known: KnownAccount, *, still_used: bool, actor: str, now: datetime
) -> None:
    """Delete the stored key of an account. Its history stays."""
    account_id = known.account.account_id
    async with transaction(pool) as conn:
        mark = await secrets.forget(conn, account_id)
        if not still_used:
            await key_checks.put_state(conn, account_id, "removed")
        await accounts.audit(
            conn, account_id=account_id, actor=actor, act="key removed",
            detail=f"{known.account.name}: {mark or 'none was stored'}", now=now,
        )  # fmt: skip

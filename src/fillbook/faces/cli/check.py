"""`fillbook test`: is everything there that a sync needs? One line each, and what to do next."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from fillbook import wiring
from fillbook.domain.account import KeyFacts
from fillbook.errors import FillbookError
from fillbook.faces.cli.keeping import warnings_of
from fillbook.faces.cli.run import put, run
from fillbook.ledger._address import describe
from fillbook.ledger.server import server_facts
from fillbook.reports import tags
from fillbook.reports._report import Query, ask
from fillbook.settings import Login, Settings, load
from fillbook.venues._contract import Venue
from fillbook.wiring import logs
from fillbook.wiring.keys import Way, refusal

CLOCK_DRIFT_MAX = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at."""

    what: str
    ok: bool
    said: str
    warning: bool = False

    def line(self) -> str:
        """How it is printed."""
        word = "FAIL" if not self.ok else "warn" if self.warning else "ok"
        return f"{word:<5}{self.what:<26} {self.said}"


def run_checks(account: str | None = None) -> int:
    """Check everything, or one account; 1 if anything fails."""
    logs.log_to_console()
    settings = load()
    return run(lambda: _run(settings, account))


async def _run(settings: Settings, account: str | None) -> int:
    failed = 0
    async for checked in _all(settings, account):
        put(checked.line())
        failed += not checked.ok
    return 1 if failed else 0


async def _all(settings: Settings, account: str | None) -> AsyncIterator[Checked]:
    database = _database(settings)
    yield database
    for name in settings.without_effect:
        yield Checked("setting", ok=True, said=f"{name} has no effect yet", warning=True)
    try:
        ways = await _ways(settings, account, with_stored=database.ok)
    except FillbookError as error:
        yield Checked("accounts", ok=False, said=str(error))
        return
    for way in ways:
        async for checked in _way(way, settings):
            yield checked
    if database.ok and account is None:
        async for checked in _unread_tags(settings):
            yield checked


async def _ways(settings: Settings, account: str | None, *, with_stored: bool) -> Sequence[Way]:
    """The keys to check; without a database, those of the settings."""
    if with_stored:
        async with wiring.open_ledger(settings) as pool:
            return await wiring.ways(pool, settings, account)
    return [Way(one.name, one) for one in settings.logins if account in (None, one.name)]


def _database(settings: Settings) -> Checked:
    try:
        url = wiring.prepare_database(settings)
        facts = server_facts(url)
    except FillbookError as error:
        return Checked("database", ok=False, said=str(error))
    where = "embedded" if settings.external_database is None else describe(url)
    return Checked("database", ok=True, said=f"PostgreSQL {facts.version}, {where}")


async def _unread_tags(settings: Settings) -> AsyncIterator[Checked]:
    """A client id that nothing reads leaves an order without an owner and a reason."""
    counts: Counter[str] = Counter()
    async with wiring.open_ledger(settings) as pool:
        for row in (await ask(pool, tags.REPORT, Query(), now=wiring.now())).rows:
            counts[row.account] += row.executions
    for account, count in sorted(counts.items()):
        yield Checked(
            f"{account} client ids",
            ok=True,
            warning=True,
            said=f"{count} executions have one that nothing reads: check the format"
            " (`fillbook report tags`), and see CLIENT_TAG_PATTERN",
        )


async def _way(way: Way, settings: Settings) -> AsyncIterator[Checked]:
    if way.paused:
        yield Checked(
            f"{way.name} state", ok=True, said="paused: passes leave it out", warning=True
        )
    try:
        login = way.opened()
    except FillbookError as error:
        yield Checked(f"{way.name} key", ok=False, said=str(error))
        return
    logs.hide(login.key, login.secret.get_secret_value())
    try:
        venue = wiring.connect(login, settings)
    except FillbookError as error:
        yield Checked(f"{way.name} address", ok=False, said=str(error))
        return
    try:
        async for checked in _venue(login, venue):
            yield checked
    finally:
        await venue.close()


async def _venue(login: Login, venue: Venue) -> AsyncIterator[Checked]:
    try:
        theirs = await venue.server_time()
    except FillbookError as error:
        yield Checked(f"{login.name} reachable", ok=False, said=str(error))
        return
    yield Checked(f"{login.name} reachable", ok=True, said=wiring.environment_of(login))
    drift = abs(wiring.now() - theirs)
    too_far = drift > CLOCK_DRIFT_MAX
    correct = "; requests are corrected for it, but set this clock right (NTP)" if too_far else ""
    said = f"differs by {drift.total_seconds():.2f} s from the venue's{correct}"
    yield Checked(f"{login.name} clock", ok=True, warning=too_far, said=said)
    try:
        key = await venue.key_facts()
    except FillbookError as error:
        yield Checked(f"{login.name} key", ok=False, said=str(error))
        return
    kind = f", {key.account_kind} account" if key.account_kind else ""
    yield Checked(f"{login.name} key", ok=True, said=f"user {key.venue_user_id}{kind}")
    for checked in _of_key(login, key):
        yield checked


def _of_key(login: Login, key: KeyFacts) -> Iterator[Checked]:
    """What the key may do, how long, and what else its owner should know."""
    refused = refusal(login, key)
    yield Checked(
        f"{login.name} permissions",
        ok=refused is None,
        said=refused or ("can trade" if key.can_trade else "read-only"),
    )
    days = key.expires_in_days
    lasts = "does not expire" if days is None else f"expires in {days} days"
    yield Checked(f"{login.name} expiry", ok=True, said=lasts)
    for said in warnings_of(key):
        yield Checked(f"{login.name} key", ok=True, said=said, warning=True)

"""`fillbook test`: is everything there that a sync needs? One line each, and what to do next."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from fillbook import wiring
from fillbook.errors import FillbookError
from fillbook.faces import logs
from fillbook.faces.cli.run import put, run
from fillbook.ledger._address import describe
from fillbook.ledger.server import server_facts
from fillbook.reports import tags
from fillbook.reports._report import Query, ask
from fillbook.settings import Login, Settings, load

CLOCK_DRIFT_MAX = timedelta(seconds=1)
EXPIRY_DAYS_MIN = 14


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
        return f"{word:<5}{self.what:<22}{self.said}"


def run_checks() -> int:
    """Check everything; 1 if anything fails."""
    logs.log_to_console()
    settings = load()
    return run(lambda: _run(settings))


async def _run(settings: Settings) -> int:
    failed = 0
    async for checked in _all(settings):
        put(checked.line())
        failed += not checked.ok
    return 1 if failed else 0


async def _all(settings: Settings) -> AsyncIterator[Checked]:
    database = _database(settings)
    yield database
    for name in settings.without_effect:
        yield Checked("setting", ok=True, said=f"{name} has no effect yet", warning=True)
    try:
        logins = wiring.logins_of(settings)
    except FillbookError as error:
        yield Checked("accounts", ok=False, said=str(error))
        return
    for login in logins:
        async for checked in _login(login, settings):
            yield checked
    if database.ok:
        async for checked in _unread_tags(settings):
            yield checked


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


async def _login(login: Login, settings: Settings) -> AsyncIterator[Checked]:
    try:
        venue = wiring.connect(login, settings)
    except FillbookError as error:
        yield Checked(f"{login.name} address", ok=False, said=str(error))
        return
    try:
        try:
            theirs = await venue.server_time()
        except FillbookError as error:
            yield Checked(f"{login.name} reachable", ok=False, said=str(error))
            return
        drift = abs(wiring.now() - theirs)
        yield Checked(f"{login.name} reachable", ok=True, said=wiring.environment_of(login))
        yield Checked(
            f"{login.name} clock",
            ok=True,
            warning=drift > CLOCK_DRIFT_MAX,
            said=f"differs by {drift.total_seconds():.2f} s from the venue's"
            + (
                "; requests are corrected for it, but set this clock right (NTP)"
                if drift > CLOCK_DRIFT_MAX
                else ""
            ),
        )
        try:
            key = await venue.key_facts()
        except FillbookError as error:
            yield Checked(f"{login.name} key", ok=False, said=str(error))
            return
        yield Checked(f"{login.name} key", ok=True, said=f"user {key.venue_user_id}")
        if key.can_withdraw:
            yield Checked(
                f"{login.name} permissions",
                ok=False,
                said="the key can withdraw: make a read-only key at the venue instead",
            )
        else:
            said = "can trade: a read-only key is enough" if key.can_trade else "read-only"
            yield Checked(f"{login.name} permissions", ok=True, said=said, warning=key.can_trade)
        days = key.expires_in_days
        if days is not None and days < EXPIRY_DAYS_MIN:
            yield Checked(
                f"{login.name} expiry",
                ok=True,
                warning=True,
                said=f"the key expires in {days} days: bind it to an address or renew it",
            )
    finally:
        await venue.close()

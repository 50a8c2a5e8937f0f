"""The service out of settings: which accounts there are, how each is reached, what the plan is.

Nothing here touches signals or logs: whoever runs the service, a command or somebody's program,
does that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256

from fillbook import wiring
from fillbook.domain.window import Window
from fillbook.errors import DatabaseUnavailable, Refused, VenueUnavailable
from fillbook.ledger._pool import Pool
from fillbook.ledger.observations import Observed
from fillbook.ledger.runs import RunKind
from fillbook.settings import Login, Settings
from fillbook.sync.attending import Attended
from fillbook.sync.engine import Engine
from fillbook.sync.health import AccountHealth, Health
from fillbook.sync.reconcile import compare, observe
from fillbook.sync.schedule import Plan
from fillbook.sync.shift import Duties, Opened
from fillbook.sync.watch import Service, Teller, silent
from fillbook.wiring import logs
from fillbook.wiring.keys import Way, admit, all_ways, names_of
from fillbook.wiring.reviving import revived
from fillbook.wiring.wanted import everything_wanted

__all__ = [
    "SILENT", "AccountHealth", "Health", "Service", "Teller", "plan_of", "service",
]  # fmt: skip

SILENT: Teller = silent
CONNECTIONS_MAX = 16
DATABASE_RETRY_SECONDS_MAX = 15.0


async def _compare(engine: Engine, observed: Observed, kind: RunKind) -> None:
    await compare(engine, observed, kind=kind)


async def _snapshot(engine: Engine) -> None:
    observed = await observe(engine)
    if observed.positions_error and observed.balances_error:
        raise VenueUnavailable(observed.positions_error)  # nothing was seen: the slot is not served


RECONCILED = Duties(observe, _compare, _snapshot)


@asynccontextmanager
async def service(
    settings: Settings,
    *,
    account: str | None = None,
    tell: Teller = SILENT,
    on_turn: Callable[[], None] = lambda: None,
) -> AsyncIterator[Service]:
    """A service on the ledger of these settings; `run` starts it. Waits for the database."""
    embedded = None if settings.external_database else wiring.embedded_folder(settings)
    async with _ledger(settings, tell) as pool, revived(embedded):
        yield Service(
            pool=pool,
            directory=_Directory(pool, settings, account).look,
            clock=wiring.now,
            plan=plan_of(settings),
            duties=RECONCILED,
            tell=tell,
            on_turn=on_turn,
        )


def plan_of(settings: Settings) -> Plan:
    """The plan that settings say."""
    return Plan(
        interval=settings.interval,
        enabled=settings.sync_enabled,
        sweep_at=timedelta(hours=settings.sweep_hour),
    )


@asynccontextmanager
async def _ledger(settings: Settings, tell: Teller) -> AsyncIterator[Pool]:
    """The ledger, as soon as its database answers: it may well start after us."""
    pause = 1.0
    while True:
        try:
            # Once without a pool: what goes wrong later belongs to whoever works with it.
            await asyncio.to_thread(wiring.prepare_database, settings)
            break
        except DatabaseUnavailable as error:
            if pause == 1.0:
                tell(f"waiting for the database: {error}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, DATABASE_RETRY_SECONDS_MAX)
    async with wiring.open_ledger(settings, max_size=CONNECTIONS_MAX) as pool:
        yield pool


class _Directory:
    """The accounts of an installation, as ways to attend to them."""

    def __init__(self, pool: Pool, settings: Settings, only: str | None) -> None:
        self._pool, self._settings, self._only = pool, settings, only

    async def look(self) -> Sequence[Attended]:
        """Every account that has a key, or the one that is meant."""
        return [
            self._attended(way)
            for way in await all_ways(self._pool, self._settings)
            if self._only is None or self._only in names_of(way)
        ]

    def _attended(self, way: Way) -> Attended:
        known = way.known.account.account_id if way.known else None
        return Attended(
            name=way.name,
            mark=_mark(way),
            open=lambda: _opened(self._pool, self._settings, way),
            account_id=known,
            paused=way.paused,
        )


@asynccontextmanager
async def _opened(pool: Pool, settings: Settings, way: Way) -> AsyncIterator[Opened]:
    """A connection with this key, admitted."""
    login = way.opened()
    logs.hide(login.key, login.secret.get_secret_value())
    async with wiring.engine(pool, settings, login) as engine:

        async def asked() -> Window:
            return await everything_wanted(pool, settings, engine.account, now=wiring.now())

        async def before_pass() -> None:
            key = await engine.venue.key_facts()
            account = await admit(pool, login, key, now=wiring.now())
            if account.account_id != engine.account.account_id:
                raise Refused(f"The key of {login.name} leads to another account now.")

        yield Opened(engine, asked, before_pass)


def _mark(way: Way) -> str:
    """What tells one key from another, without showing it."""
    if way.login is None:
        return f"none: {way.problem}"
    return sha256(_text(way.login).encode()).hexdigest()


def _text(login: Login) -> str:
    secret = login.secret.get_secret_value()
    parts = (login.key, secret, login.environment, login.base_url or "", str(login.may_trade))
    return "\n".join(parts)

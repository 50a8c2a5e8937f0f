"""`fillbook reconcile`: does the book agree with the venue, and what differs since when?"""

from functools import partial

import structlog

from fillbook import wiring
from fillbook.errors import DatabaseUnavailable, FillbookError, in_words
from fillbook.faces.cli.ask import put_answer, read_report
from fillbook.faces.cli.fetch import all_wanted
from fillbook.faces.cli.options import Format
from fillbook.faces.cli.run import put, run, say
from fillbook.ledger._pool import Pool
from fillbook.reports._report import ROWS_MAX, Query
from fillbook.reports.reconciliation import Difference, Reconciliation
from fillbook.settings import Settings, load
from fillbook.sync.engine import Passed
from fillbook.sync.reconcile import Reconciled
from fillbook.wiring import logs
from fillbook.wiring.comparing import reconcile
from fillbook.wiring.keys import Way, paused_sentence

log = structlog.get_logger()

DIFFERS = 3
UNSEEN_MAX = 20  # comparisons that are put off, or could not be made, and are said one by one


def run_reconcile(account: str | None, *, sync: bool, output: Format) -> int:
    """Compare, unless only what is known is wanted; 3 when something differs."""
    settings = load()
    if sync:
        path = logs.log_to(settings.logs, level=settings.log_level, started_at=wiring.now())
        say(f"Log: {path}")
    else:
        logs.log_to_console()

    async def work() -> int:
        async with wiring.open_ledger(settings) as pool:
            failed = await _compare_all(pool, settings, account, output) if sync else 0
            told = await read_report(pool, "reconciliation", Query(account=account, limit=ROWS_MAX))
            _put(told, output)
            return DIFFERS if failed or any(row.state == "open" for row in told.rows) else 0

    return run(work)


async def _compare_all(pool: Pool, settings: Settings, account: str | None, output: Format) -> int:
    """Every account, one after the other; how many could not be compared."""
    errors: list[Exception] = []
    ways = await wiring.ways(pool, settings, account)
    for way in ways:
        try:
            await _compare(pool, settings, way, output)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # not even a defect in one account may stop the others
            known = isinstance(error, FillbookError)
            say(f"{way.name}: {in_words(error)}")
            log.warning("account failed", account=way.name, exc_info=not known)
            errors.append(error)
    if errors and len(errors) == len(ways):
        raise errors[-1]
    return len(errors)


async def _compare(pool: Pool, settings: Settings, way: Way, output: Format) -> None:
    if way.paused:
        say(paused_sentence(way.name))
        return
    login = way.opened()
    logs.hide(login.key, login.secret.get_secret_value())
    passed, reconciled = await reconcile(
        pool, settings, login=login, window=partial(all_wanted, pool, settings)
    )
    if output is Format.TABLE:
        _put_account(login.name, passed, reconciled)


def _put_account(name: str, passed: Passed, reconciled: Reconciled | None) -> None:
    for failure in passed.failures:
        put(f"{name}: not proven: {failure}")
    if reconciled is None:
        return
    put(
        f"{name}: compared {reconciled.compared} figures as of"
        f" {reconciled.matched_at:%Y-%m-%d %H:%M:%S} UTC; {len(reconciled.open)} differ,"
        f" {len(reconciled.opened)} of them new, {len(reconciled.healed)} healed"
    )
    if reconciled.unkept:
        put(f"{name}: and {len(reconciled.unkept)} more differ, too many to be told one by one")
    for why in reconciled.refused:
        put(f"{name}: not compared: {why}")
    for words, findings in (
        ("put off", reconciled.deferred), ("not compared", reconciled.not_compared),
    ):  # fmt: skip
        for one in findings[:UNSEEN_MAX]:
            put(f"{name}: {words}: {one.subject}: {one.why}")
        if len(findings) > UNSEEN_MAX:
            put(f"{name}: {words}: and {len(findings) - UNSEEN_MAX} more")
    for gone in reconciled.healed:
        put(f"{name}: healed: {gone.subject}, which differed since {gone.first_seen_at:%Y-%m-%d}")


def _put(told: Reconciliation, output: Format) -> None:
    if output is not Format.TABLE:
        put_answer(told, output)
        return
    for row in told.rows:
        for line in _in_words(row):
            put(line)
    if not told.rows:
        put("Nothing that was compared differs.")
    for last in told.accounts:
        if last.matched_at is None:
            put(f"{last.account}: never compared: run `fillbook reconcile`.")
        else:
            put(
                f"{last.account}: last compared as of {last.matched_at:%Y-%m-%d %H:%M:%S} UTC:"
                f" {last.agreed} agreed, {last.differed} differed, {last.deferred} put off,"
                f" {last.not_compared} not compared."
                + (f" {last.unkept_differences} more differ." if last.unkept_differences else "")
            )
    put("`fillbook report reconciliation` shows each leg, coin and symbol that was compared.")


def _in_words(row: Difference) -> list[str]:
    about = (row.category, row.symbol, row.leg, row.currency, row.reference)
    words = " ".join(filter(None, about))
    size = f"ours {row.ours}, theirs {row.theirs}, difference {row.difference}"
    lines = [
        f"{row.account}: {row.state}: {row.way} {row.measure} {words}: {size}",
        f"    {row.why}; since {row.first_seen_at:%Y-%m-%d %H:%M}, seen {row.times_seen} times",
        f"    likely cause: {row.cause.replace('_', ' ')}; next: {row.next_step}",
    ]
    return lines + [f"    tried: {tried}" for tried in row.tried.split("; ") if tried]

"""What an account's history is wanted from, where nobody says otherwise."""

from calendar import monthrange
from datetime import datetime

from fillbook.domain.account import Account
from fillbook.domain.window import Window
from fillbook.ledger._pool import Pool
from fillbook.ledger.wanted import earliest_wanted
from fillbook.settings import Settings


def months_before(at: datetime, months: int) -> datetime:
    """The same day so many months earlier, or the last day of that month."""
    whole = at.year * 12 + at.month - 1 - months
    year, month = divmod(whole, 12)
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)


async def everything_wanted(
    pool: Pool, settings: Settings, account: Account, *, now: datetime
) -> Window:
    """From the earliest time that was ever asked for, or the months of a first backfill, to now."""
    start = await earliest_wanted(pool, account.account_id)
    return Window(start or months_before(now, settings.backfill_months), now)

"""Breaks and comparisons, as they are kept: each difference once, from when until when."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fillbook.domain.breaks import Break, Subject
from fillbook.domain.window import Window
from fillbook.ledger._pool import Connection
from fillbook.ledger._queries import queries

SQL = queries("breaks.sql")

HEALED_KEPT_MAX = 5_000
RECONCILIATIONS_KEPT_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Before:
    """What the last comparison of a leg or coin came to."""

    deferrals: int
    agreed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing a leg, a coin or the orders of a symbol came to."""

    subject: Subject  # without a reference
    verdict: str
    ours: Decimal | None
    theirs: Decimal | None
    items: int
    why: str


@dataclass(frozen=True, slots=True)
class Tally:
    """A comparison, in figures."""

    reconciliation_id: UUID
    observation_id: UUID
    matched_at: datetime
    compared_at: datetime
    agreed: int
    differed: int
    deferred: int
    not_compared: int
    opened: int
    healed: int
    unkept: int  # differences that are too many to be kept as breaks
    seconds: Decimal


async def open_breaks(conn: Connection, account_id: int) -> list[Break]:
    """The breaks that are open, oldest first."""
    found = await conn.execute(SQL["open_breaks"], {"account_id": account_id})
    return [_break(row) for row in await found.fetchall()]


def _break(row: Sequence) -> Break:  # type: ignore[type-arg]
    (break_id, way, measure, category, symbol, leg, currency, reference, ours, theirs, cause, why,
     tried, starts_at, ends_at, first_seen_at, last_seen_at, times_seen, healed_at, tried_at,
     tries) = row  # fmt: skip
    subject = Subject(
        way=way, measure=measure, category=category, symbol=symbol, leg=leg, currency=currency,
        reference=reference,
    )  # fmt: skip
    around = Window(starts_at, ends_at) if starts_at and ends_at else None
    return Break(
        break_id, subject, ours, theirs, cause, why, tuple(tried), around, first_seen_at,
        last_seen_at, times_seen, healed_at, tried_at, tries,
    )  # fmt: skip


async def put_break(conn: Connection, account_id: int, one: Break) -> None:
    """Keep a break that is new, or what has become of it."""
    await conn.execute(
        SQL["put_break"],
        asdict(one.subject)
        | {
            "account_id": account_id,
            "break_id": one.break_id,
            "ours": one.ours,
            "theirs": one.theirs,
            "cause": one.cause,
            "why": one.why,
            "tried": list(one.tried),
            "starts_at": one.around.starts_at if one.around else None,
            "ends_at": one.around.ends_at if one.around else None,
            "first_seen_at": one.first_seen_at,
            "last_seen_at": one.last_seen_at,
            "times_seen": one.times_seen,
            "healed_at": one.healed_at,
            "tried_at": one.tried_at,
            "tries": one.tries,
        },
    )


async def last_matched(conn: Connection, account_id: int) -> datetime | None:
    """When the venue was asked for what was compared last."""
    found = await (await conn.execute(SQL["last_matched"], {"account_id": account_id})).fetchone()
    return found[0] if found else None


async def before(conn: Connection, account_id: int) -> dict[Subject, Before]:
    """What is known from the comparisons before."""
    found = await conn.execute(SQL["comparisons"], {"account_id": account_id})
    return {
        Subject(
            way=way, measure=measure, category=category, symbol=symbol, leg=leg, currency=currency
        ): Before(deferrals, agreed_at)
        for way, measure, category, symbol, leg, currency, deferrals, agreed_at in (
            await found.fetchall()
        )
    }


async def put_comparisons(
    conn: Connection,
    account_id: int,
    compared: Collection[Compared],
    *,
    matched_at: datetime,
    compared_at: datetime,
    refused: Collection[tuple[str, str]] = (),
) -> None:
    """Keep the last comparison of each, and forget what a look at all of it did not find any more.

    What could not be looked at, by way and measure, is as it was.
    """
    await _forget_gone(conn, account_id, compared, refused)
    rows = [
        {name: word for name, word in asdict(one.subject).items() if name != "reference"}
        | {
            "account_id": account_id,
            "verdict": one.verdict,
            "ours": one.ours,
            "theirs": one.theirs,
            "items": one.items,
            "why": one.why,
            "matched_at": matched_at,
            "compared_at": compared_at,
        }
        for one in compared
    ]
    if rows:
        async with conn.cursor() as cursor:
            await cursor.executemany(SQL["put_comparison"], rows)


async def _forget_gone(
    conn: Connection,
    account_id: int,
    compared: Iterable[Compared],
    refused: Collection[tuple[str, str]],
) -> None:
    subjects = [one.subject for one in compared]
    what = {
        f"seen_{word}": [getattr(subject, word) for subject in subjects]
        for word in ("way", "measure", "category", "symbol", "leg", "currency")
    }
    await conn.execute(
        SQL["forget_comparisons"],
        what
        | {
            "account_id": account_id,
            "positions_seen": ("position", "quantity") not in refused,
            "balances_seen": ("cash", "balance") not in refused,
        },
    )


async def put_tally(conn: Connection, account_id: int, tally: Tally) -> None:
    """Keep what was compared and when, and forget what is too old."""
    what: dict[str, object] = {"account_id": account_id}
    await conn.execute(SQL["put_reconciliation"], what | asdict(tally))
    kept = {"kept": RECONCILIATIONS_KEPT_MAX}
    await conn.execute(SQL["forget_reconciliations"], what | kept)
    await conn.execute(SQL["forget_breaks"], what | {"kept": HEALED_KEPT_MAX})

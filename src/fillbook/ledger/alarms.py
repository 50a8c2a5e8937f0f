"""Alarms: what is wrong now, since when, and what was wrong before.

An alarm is a row while its cause lasts, and is cleared when the cause is gone. Cleared ones are
kept for a while, so that a night can be told in the morning.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.workers import SILENT_MAX

SQL = queries("alarms.sql")

KEPT = timedelta(days=90)
TOLD = timedelta(days=7)  # of what stays; the coverage and the quarantine tell it for ever
DETAIL_LENGTH_MAX = 1_000
INSTALLATION = 0  # the account of alarms that concern all of them


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong."""

    kind: str
    subject: str  # what of the account: a stream, a job; empty where there is only one
    raised_at: datetime
    detail: str


Key = tuple[str, str]  # kind and subject


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger itself shows of an account."""

    quarantined: int  # of late
    key_expires_on: date | None
    gaps: str  # streams and scopes in which a gap that stays was named lately
    breaks: int = 0  # differences from the venue that are open


async def standing(pool: Pool, account_id: int, *, now: datetime) -> Standing:
    """Ask the ledger what may be wrong with an account."""
    async with transaction(pool) as conn:
        what = {"account_id": account_id, "lately": now - TOLD}
        row = await (await conn.execute(SQL["standing"], what)).fetchone()
        assert row is not None
        return Standing(*row)


async def alarms_up(pool: Pool, account_id: int) -> Mapping[Key, Alarm]:
    """The alarms of an account that are up."""
    async with transaction(pool) as conn:
        found = await conn.execute(SQL["get_alarms"], {"account_id": account_id})
        return {(row[0], row[1]): Alarm(*row) for row in await found.fetchall()}


async def change(
    pool: Pool,
    account_id: int,
    *,
    raised: Iterable[Alarm] = (),
    retold: Iterable[Alarm] = (),
    cleared: Iterable[Alarm] = (),
    now: datetime,
) -> None:
    """Raise alarms, say others in other words, and clear those whose cause is gone."""
    async with transaction(pool) as conn:
        for query, alarms in (
            ("raise_alarm", raised),
            ("retell_alarm", retold),
            ("clear_alarm", cleared),
        ):
            for alarm in alarms:
                await conn.execute(
                    SQL[query],
                    {
                        "account_id": account_id,
                        "kind": alarm.kind,
                        "subject": alarm.subject,
                        "raised_at": alarm.raised_at,
                        "detail": alarm.detail[:DETAIL_LENGTH_MAX],
                        "now": now,
                    },
                )


async def clear_of_strangers(
    pool: Pool, worker_id: UUID, attended: Mapping[str, int | None], *, now: datetime
) -> None:
    """Clear what belongs to none of these, whose keys are given by name, nor to other workers."""
    known = [account_id for account_id in attended.values() if account_id is not None]
    what = {
        "names": list(attended),
        "account_ids": known,
        "all_known": len(known) == len(attended),
        "worker_id": worker_id,
        "heard_after": now - SILENT_MAX,
        "now": now,
    }
    async with transaction(pool) as conn:
        await conn.execute(SQL["clear_of_strangers"], what)


async def tidy_alarms(pool: Pool, *, now: datetime) -> None:
    """Clear what nobody watches any more; forget what was cleared long ago."""
    async with transaction(pool) as conn:
        await conn.execute(SQL["clear_of_gone"], {"now": now})
        await conn.execute(SQL["prune_alarms"], {"before": now - KEPT})

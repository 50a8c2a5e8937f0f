"""A run whose process died: the next one says so in its place."""

from datetime import timedelta
from uuid import UUID

from fillbook.ledger import runs
from fillbook.ledger.runs import Run
from tests.ledger.handed_in import END, hand

FIRST, SECOND = UUID(int=11), UUID(int=12)


async def test_the_next_run_closes_what_nobody_else_can(database_url: str) -> None:
    """The dead one is failed, with a sentence and an end; other accounts' runs go on."""
    later = END + timedelta(hours=1)
    async with hand(database_url) as one, hand(database_url) as other:
        for account in (one, other):
            await runs.start(one.pool, Run(account.account_id, FIRST, "hourly"), now=END)
        await runs.start(one.pool, Run(one.account_id, SECOND, "hourly"), now=later)
        told = await one.rows(
            "SELECT account_id, run_id, status, ended_at, error <> '' FROM ops.runs"
            " ORDER BY account_id, run_id"
        )

        assert [
            (one.account_id, FIRST, "failed", later, True),
            (one.account_id, SECOND, "running", None, False),
            (other.account_id, FIRST, "running", None, False),
        ] == told

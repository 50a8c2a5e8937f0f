"""A list that the account was offered once: losing it is a failure, never having had it is none."""

from datetime import timedelta

from tests.sync.book import ONE_LIST, opened, paper, whole

DAY = timedelta(days=1)


async def test_a_list_that_is_lost_is_a_failure(database_url: str) -> None:
    """What was read before and is refused now is no longer complete, and says so."""
    sound = paper(executions=60, days=3)
    async with opened(database_url, sound, reads=ONE_LIST) as book:
        assert (await book.backfill(whole(sound))).complete
    async with opened(database_url, paper("mode_changed=1", executions=60, days=3),
                      reads=ONE_LIST) as book:  # fmt: skip
        book.clock.at += DAY
        passed = await book.backfill(whole(sound))
        ((status,),) = await book.rows(
            "SELECT status FROM ops.runs ORDER BY started_at DESC LIMIT 1"
        )

        assert not passed.complete
        assert "executions linear" in passed.failures[0]
        assert "partial" == status


async def test_a_list_that_never_was_is_left_out(database_url: str) -> None:
    """The account's mode does not allow the product: the pass is whole, and names it."""
    settings = paper("mode_changed=1", executions=60, days=3)
    async with opened(database_url, settings, reads=ONE_LIST) as book:
        passed = await book.backfill(whole(settings))

        assert passed.complete
        assert "executions linear" in passed.left_out[0]

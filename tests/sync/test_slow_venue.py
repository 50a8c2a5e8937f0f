"""A venue that takes its time: nobody else has to wait for it."""

import asyncio
import time

from fillbook.ledger._pool import open_pool, transaction
from fillbook.sync.engine import Engine
from tests.sync.book import ONE_LIST, connection, opened, paper, whole

ANSWER_SECONDS = 1.0  # what the paper venue makes of `slow_body`, at least
SHARE_WAITED_MAX = 0.3
PAUSE_SECONDS = 0.05


async def test_no_connection_is_held_while_the_venue_answers(database_url: str) -> None:
    """Of a pool of one: whoever wants it meanwhile gets it, nearly always at once."""
    settings = paper("slow_body=1", executions=150, days=5)
    async with (
        opened(database_url, settings, reads=ONE_LIST) as book,
        open_pool(database_url, max_size=1) as pool,
    ):
        venue = connection(book.paper, book.clock, book.reads)
        engine = Engine(pool, venue, book.account, book.clock)
        begun = time.monotonic()
        passing = asyncio.create_task(engine.sync("backfill", whole(settings)))
        waits: list[float] = []
        while not passing.done():
            asked = time.monotonic()
            async with transaction(pool):
                waits.append(time.monotonic() - asked)
            await asyncio.sleep(PAUSE_SECONDS)
        passed = await passing
        await venue.close()
        took = time.monotonic() - begun

        assert passed.complete
        assert took > 2 * ANSWER_SECONDS
        assert sum(waits) < SHARE_WAITED_MAX * took

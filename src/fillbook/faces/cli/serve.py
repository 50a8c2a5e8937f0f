"""`fillbook serve`: the API and the page on loopback, with a token made for the occasion."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from fillbook import __version__, wiring
from fillbook.errors import FillbookError
from fillbook.faces.api import create_app
from fillbook.faces.api.being_well import Ask
from fillbook.faces.cli.run import put, run
from fillbook.faces.server import SIGNALS, serve
from fillbook.ledger import tokens
from fillbook.ledger._pool import Pool
from fillbook.settings import load
from fillbook.wiring import logs

POOL_SIZE = 8
FAREWELL_SECONDS_MAX = 1


def run_serve(port: int) -> None:
    """Serve until stopped."""
    logs.log_to_console()
    settings = load()

    async def work() -> None:
        async with wiring.open_ledger(settings, max_size=POOL_SIZE) as pool:
            await serve_ledger(pool, port, name="serve")

    run(work)


async def serve_ledger(
    pool: Pool,
    port: int,
    *,
    name: str,
    health: Ask | None = None,
    stop: asyncio.Event | None = None,
    tell: Callable[[str], None] = put,
) -> None:
    """Serve a ledger; prints one line with the address and a token, which also works as Bearer.

    Until a signal, or until `stop`, whose setter has taken the signals.
    """
    token = await tokens.make(pool, name=name, scope="read", now=wiring.now())

    def ready(url: str) -> None:
        tell(f"{url}/?token={token}")

    if stop is None:
        _leave_signals_to_the_server()
    app = create_app(pool=pool, clock=wiring.now, version=__version__, health=health)
    try:
        await serve(app, port=port, on_ready=ready, stop=stop)
    finally:
        # The database may be gone; without its server the token is worthless anyway.
        with suppress(FillbookError, TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS_MAX):
                known = await tokens.check(pool, token)
                await tokens.revoke(pool, known.prefix, now=wiring.now())


def _leave_signals_to_the_server() -> None:
    """From here on a signal is the ordinary end, not work cut short."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.remove_signal_handler(number)

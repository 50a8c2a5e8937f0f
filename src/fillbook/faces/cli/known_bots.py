"""Whether a name that was typed is a bot's: a typing error must not give fills to a new bot."""

from collections.abc import Iterable
from difflib import get_close_matches

from fillbook.accounting.leg import UNASSIGNED
from fillbook.errors import NotFound
from fillbook.ledger._pool import Connection
from fillbook.reports._accounts import known_bots

NEAREST_MAX = 3


async def check_bot_is_known(conn: Connection, bot: str | None, in_settings: Iterable[str]) -> None:
    """Refuse a bot that is neither registered, nor in the settings, nor seen. None is nobody."""
    if bot is None:
        return
    known = sorted({*await known_bots(conn), *in_settings, UNASSIGNED})
    if bot in known:
        return
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(bot.casefold(), folded, NEAREST_MAX)
    nearest = ", ".join(folded[name] for name in near)
    guess = f"; the nearest: {nearest}" if near else ""
    raise NotFound(f"No bot is known by the name {bot}{guess}. Pass --new-bot if it is a new one.")

"""The further keys of an account: one that expires, bound ones, one that withdraws."""

from papervenues.bybit.keys import EXPIRING_DAYS
from tests.papervenues.trading_client import Trader, trader_of

DAY_MS = 86_400_000


def use(trader: Trader, kind: str) -> None:
    """Ask with the key of a kind from now on."""
    trader.key = next(key for key in trader.venue.all_keys if key.kind == kind)


async def asked(trader: Trader) -> int:
    """The code with which a private request is answered."""
    return int((await trader.get("/v5/account/info"))["retCode"])


async def test_a_key_expires() -> None:
    """Good until its day, then 33004, by REST and at a login."""
    async with trader_of() as trader:
        use(trader, "expiring")
        first = await asked(trader)
        trader.clock.advance(EXPIRING_DAYS * DAY_MS)
        last = await asked(trader)
        async with trader.stream() as stream:
            login = await stream.log_in()

    assert (first, last) == (0, 33004)
    assert login["success"] is False


async def test_a_key_is_bound_to_addresses() -> None:
    """From a foreign address it is 10010."""
    async with trader_of() as trader:
        use(trader, "bound")
        here = await asked(trader)
        use(trader, "bound_elsewhere")

        assert (here, await asked(trader)) == (0, 10010)


async def test_only_keys_that_may_trade_trade() -> None:
    """The key of a kind says what it may do."""
    async with trader_of() as trader:
        codes = {}
        for kind in ("read", "trade", "withdraw", "bound"):
            use(trader, kind)
            codes[kind] = await trader.refused()

    assert codes == {"read": 10005, "trade": 0, "withdraw": 0, "bound": 10005}

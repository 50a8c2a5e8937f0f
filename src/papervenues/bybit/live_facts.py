"""What live trading adds to a listed position: its stops and its leverage."""

from papervenues.bybit.live_account import LiveAccount
from papervenues.bybit.values import plain

FIELDS = {"take_profit": "takeProfit", "stop_loss": "stopLoss", "trailing": "trailingStop"}
Place = tuple[int, int]


def position_facts(account: LiveAccount) -> dict[Place, dict[str, object]]:
    """By symbol and leg."""
    facts: dict[Place, dict[str, object]] = {
        (symbol, leg): {"leverage": str(leverage)}
        for symbol, leverage in account.leverage.items()
        for leg in (0, 1, 2)
    }
    for order in account.working.values():
        if not order.stop_kind or order.is_partial:
            continue
        decimals = account.instruments[order.symbol].price_decimals
        level = order.trailing or order.trigger_price
        row = facts.setdefault((order.symbol, order.position_idx), {})
        row[FIELDS[order.stop_kind]] = plain(level, decimals)
    return facts

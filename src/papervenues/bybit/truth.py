"""`GET /paper/truth`: everything that truly happened, as a stream of JSON.

    {"executions": [...], "positions": [...], "bots": [...], "cash": [...]}

Execution rows are the venue's own with `category`, `account`, `positionIdx` and `bot` (null
when no bot sent the order), account by account, in true order. Faults do not touch them.
Positions and bots' holdings are listed when they are not zero. Cash holds money that came or
left other than by trading, fees and funding; funding is among the executions.
"""

from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from papervenues.bybit.account_answers import average_price, side_word
from papervenues.bybit.history import NO_BOT, AccountHistory
from papervenues.bybit.replay import bot_holdings, net_positions
from papervenues.bybit.rows import MONEY_DECIMALS, RowEncoder, plain
from papervenues.market import INSTRUMENTS

ROWS_A_CHUNK = 500
Flat = dict[str, str | int | None]


def truth_chunks(encoders: tuple[RowEncoder, ...], *, now_ms: int) -> Iterator[bytes]:
    """The answer in pieces of bounded size."""
    yield b'{"executions":['
    separator = b""
    for encoder in encoders:
        rows = happened(encoder.history, now_ms=now_ms)
        for first in range(0, rows, ROWS_A_CHUNK):
            last = min(rows, first + ROWS_A_CHUNK)
            yield separator + b",".join(_true_row(encoder, row) for row in range(first, last))
            separator = b","
    histories = [encoder.history for encoder in encoders]
    for name, part in (("positions", _positions), ("bots", _bots), ("cash", _cash)):
        yield b'],"%b":[' % name.encode()
        listed = [row for history in histories for row in part(history, now_ms=now_ms)]
        yield b",".join(msgspec.json.encode(row) for row in listed)
    yield b"]}"


def happened(history: AccountHistory, *, now_ms: int) -> int:
    """How many rows lie up to this instant."""
    return bisect_right(history.executions.time_ms, now_ms)


def _true_row(encoder: RowEncoder, row: int) -> bytes:
    history = encoder.history
    bot = history.orders.bot[history.executions.order[row]]
    name = "null" if bot == NO_BOT else f'"{history.bots[bot]}"'
    tail = f',"category":"linear","account":"{history.user_id}","positionIdx":0,"bot":{name}}}'
    return encoder.row(row)[:-1] + tail.encode()


def _positions(history: AccountHistory, *, now_ms: int) -> list[Flat]:
    return [
        {
            "account": str(history.user_id),
            "category": "linear",
            "symbol": INSTRUMENTS[position.symbol].symbol,
            "positionIdx": 0,
            "side": side_word(position.qty),
            "size": _qty(abs(position.qty), position.symbol),
            "signedSize": _qty(position.qty, position.symbol),
            "avgPrice": average_price(position),
        }
        for position in net_positions(history, rows=happened(history, now_ms=now_ms))
        if position.qty
    ]


def _bots(history: AccountHistory, *, now_ms: int) -> list[Flat]:
    return [
        {
            "account": str(history.user_id),
            "category": "linear",
            "bot": history.bots[holding.bot],
            "symbol": INSTRUMENTS[holding.symbol].symbol,
            "size": _qty(holding.qty, holding.symbol),
        }
        for holding in bot_holdings(history, rows=happened(history, now_ms=now_ms))
    ]


def _cash(history: AccountHistory, *, now_ms: int) -> list[Flat]:
    return [
        {
            "account": str(history.user_id),
            "category": "",
            "type": event.kind,
            "currency": "USDT",
            "transactionTime": str(event.time_ms),
            "change": plain(event.change_e8, MONEY_DECIMALS),
        }
        for event in history.cash
        if event.time_ms <= now_ms
    ]


def _qty(qty: int, symbol: int) -> str:
    return plain(qty, INSTRUMENTS[symbol].qty_decimals)

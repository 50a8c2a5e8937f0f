"""`GET /paper/truth`: everything that truly happened, as a stream of JSON.

    {"executions": [...], "positions": [...], "bots": [...], "cash": [...], "holdings": [...],
     "balances": [...], "log": [...]}

Execution rows are the venue's own with `category`, `account`, `positionIdx` and `bot` (null
when no bot sent the order), account by account, in true order. Faults do not touch them.
Positions and bots' holdings are listed when they are not zero. Cash holds money that came or
left other than by trading, fees and funding; funding is among the executions. Holdings are
what bots (null: nobody) hold of spot pairs by trading them, in the base coin. Balances and the
sums of the log are handed in, since they follow from the books.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from papervenues.bybit.history import NO_BOT, AccountHistory, Holding
from papervenues.bybit.replay import AVERAGE_DECIMALS, NetPosition, bot_holdings, net_positions
from papervenues.bybit.rows import MONEY_DECIMALS, RowEncoder, plain

ROWS_A_CHUNK = 500
AVERAGE_DECIMALS_SHOWN = 10
Flat = dict[str, str | int | None]


def truth_chunks(
    encoders: tuple[RowEncoder, ...],
    *,
    now_ms: int,
    more: Mapping[str, Sequence[Flat]] = MappingProxyType({}),
) -> Iterator[bytes]:
    """The answer in pieces of bounded size, with more lists after those of this module."""
    yield b'{"executions":['
    separator = b""
    for encoder in encoders:
        rows = happened(encoder.history, now_ms=now_ms)
        for first in range(0, rows, ROWS_A_CHUNK):
            last = min(rows, first + ROWS_A_CHUNK)
            yield separator + b",".join(_true_row(encoder, row) for row in range(first, last))
            separator = b","
    histories = [encoder.history for encoder in encoders]
    for name, part in (("positions", _positions), ("bots", _bots), ("cash", _cash),
                       ("holdings", _spot_holdings)):  # fmt: skip
        yield b'],"%b":[' % name.encode()
        listed = [row for history in histories for row in part(history, now_ms=now_ms)]
        yield b",".join(msgspec.json.encode(row) for row in listed)
    for name, rows_listed in more.items():
        yield b'],"%b":[' % name.encode()
        yield b",".join(msgspec.json.encode(row) for row in rows_listed)
    yield b"]}"


def happened(history: AccountHistory, *, now_ms: int) -> int:
    """How many rows lie up to this instant."""
    return bisect_right(history.executions.time_ms, now_ms)


def _true_row(encoder: RowEncoder, row: int) -> bytes:
    history = encoder.history
    order = history.executions.order[row]
    bot = history.orders.bot[order]
    name = "null" if bot == NO_BOT else f'"{history.bots[bot]}"'
    tail = (
        f',"category":"{history.instrument_of(row).category}","account":"{history.user_id}"'
        f',"positionIdx":{history.orders.position_idx[order]},"bot":{name}}}'
    )
    return encoder.row(row)[:-1] + tail.encode()


def _positions(history: AccountHistory, *, now_ms: int) -> list[Flat]:
    return [
        _position(history, position)
        for position in net_positions(history, rows=happened(history, now_ms=now_ms))
        if position.qty
    ]


def _position(history: AccountHistory, position: NetPosition) -> Flat:
    instrument = history.instruments[position.symbol]
    cut = int(10 ** (instrument.price_decimals + AVERAGE_DECIMALS - AVERAGE_DECIMALS_SHOWN))
    return {
        "account": str(history.user_id),
        "category": instrument.category,
        "symbol": instrument.symbol,
        "positionIdx": position.position_idx,
        "side": "Buy" if position.qty > 0 else "Sell",
        "size": plain(abs(position.qty), instrument.qty_decimals),
        "signedSize": plain(position.qty, instrument.qty_decimals),
        "avgPrice": plain((position.average_e12 + cut // 2) // cut, AVERAGE_DECIMALS_SHOWN),
    }


def _bots(history: AccountHistory, *, now_ms: int) -> list[Flat]:
    return [
        _held(history, holding) | {"positionIdx": holding.position_idx}
        for holding in bot_holdings(history, rows=happened(history, now_ms=now_ms))
        if history.instruments[holding.symbol].category != "spot"
    ]


def _spot_holdings(history: AccountHistory, *, now_ms: int) -> list[Flat]:
    return [
        _held(history, holding) | {"coin": history.instruments[holding.symbol].base}
        for holding in bot_holdings(history, rows=happened(history, now_ms=now_ms))
        if history.instruments[holding.symbol].category == "spot"
    ]


def _held(history: AccountHistory, holding: Holding) -> Flat:
    instrument = history.instruments[holding.symbol]
    decimals = MONEY_DECIMALS if instrument.category == "spot" else instrument.qty_decimals
    return {
        "account": str(history.user_id),
        "category": instrument.category,
        "bot": None if holding.bot == NO_BOT else history.bots[holding.bot],
        "symbol": instrument.symbol,
        "size": plain(holding.qty, decimals),
    }


def _cash(history: AccountHistory, *, now_ms: int) -> list[Flat]:
    return [
        {
            "account": str(history.user_id),
            "category": "",
            "type": event.kind,
            "currency": event.coin,
            "transactionTime": str(event.time_ms),
            "change": plain(event.change_e8, MONEY_DECIMALS),
            "wallet": "FUND" if event.is_fund_only else "UNIFIED",
        }
        for event in history.cash
        if event.time_ms <= now_ms
    ]

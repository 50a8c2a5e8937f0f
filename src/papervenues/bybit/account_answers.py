"""Answers about the account other than its executions: key, account, positions."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from papervenues.bybit.envelope import PARAMETERS, RefusalError
from papervenues.bybit.query import category_of, limit_of
from papervenues.bybit.replay import AVERAGE_DECIMALS, NetPosition
from papervenues.bybit.rows import MONEY_DECIMALS, plain
from papervenues.bybit.settings import ApiKey
from papervenues.market import INSTRUMENTS, SYMBOLS, PricePath

POSITIONS_DEFAULT = 20
POSITIONS_MAX = 200
AVERAGE_DECIMALS_SHOWN = 10
LEVERAGE = 10
KEY_CREATED = "2025-01-06T08:00:00Z"


def query_api(key: ApiKey, *, user_id: int) -> bytes:
    """What `/v5/user/query-api` says of the key that asks."""
    trade = [] if key.read_only else ["Order", "Position"]
    return msgspec.json.encode(
        {
            "id": str(user_id * 10 + (0 if key.read_only else 1)),
            "note": "paper read-only" if key.read_only else "paper trade",
            "apiKey": key.key,
            "readOnly": 1 if key.read_only else 0,
            "secret": "",
            "permissions": {
                "ContractTrade": trade,
                "Spot": [],
                "Wallet": [],
                "Options": [],
                "Derivatives": [] if key.read_only else ["DerivativesTrade"],
                "Exchange": [],
                "Earn": [],
            },
            "ips": ["*"],
            "type": 1,
            "deadlineDay": -1,
            "expiredAt": "1970-01-01T00:00:00Z",
            "createdAt": KEY_CREATED,
            "unified": 0,
            "uta": 1,
            "userID": user_id,
            "isMaster": True,
            "parentUid": "0",
            "vipLevel": "No VIP",
            "kycLevel": "LEVEL_DEFAULT",
            "kycRegion": "",
        }
    )


def account_info() -> bytes:
    """What `/v5/account/info` says: a unified account 2.0 pro with regular margin."""
    return msgspec.json.encode(
        {
            "marginMode": "REGULAR_MARGIN",
            "updatedTime": "1697078946000",
            "unifiedMarginStatus": 6,
            "dcpStatus": "OFF",
            "timeWindow": 0,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }
    )


def position_list(
    query: Mapping[str, str],
    *,
    positions: list[NetPosition],
    paths: tuple[PricePath, ...],
    now_ms: int,
) -> bytes:
    """One page of `/v5/position/list`; flat symbols are listed only when asked by name."""
    category = category_of(query)
    limit = limit_of(query, default=POSITIONS_DEFAULT, maximum=POSITIONS_MAX)
    if category != "linear":
        return msgspec.json.encode({"nextPageCursor": "", "category": category, "list": []})
    symbol, settle = query.get("symbol", ""), query.get("settleCoin", "")
    if not (symbol or settle):
        raise RefusalError(PARAMETERS, "params error: symbol or settleCoin is required")
    if symbol and symbol not in SYMBOLS:
        raise RefusalError(PARAMETERS, "params error: symbol invalid")
    after = _cursor_symbol(query.get("cursor", ""))
    chosen = [
        position
        for position in sorted(positions, key=lambda one: SYMBOLS[one.symbol])
        if (SYMBOLS[position.symbol] == symbol if symbol else position.qty and settle == "USDT")
        and SYMBOLS[position.symbol] > after
    ][:limit]
    rows = [_row(position, mark=paths[position.symbol].at(now_ms)) for position in chosen]
    cursor = f"{SYMBOLS[chosen[-1].symbol]},{chosen[-1].updated_ms},0" if chosen else ""
    answer = {"nextPageCursor": quote(cursor, safe=""), "category": category, "list": rows}
    return msgspec.json.encode(answer)


def average_price(position: NetPosition) -> str:
    """The average entry price as text, rounded."""
    decimals = INSTRUMENTS[position.symbol].price_decimals + AVERAGE_DECIMALS
    return _shown(position.average_e12, decimals, AVERAGE_DECIMALS_SHOWN)


def side_word(qty: int) -> str:
    """The venue's word for the side of a signed quantity."""
    return "Buy" if qty > 0 else "Sell" if qty < 0 else ""


def _shown(number: int, decimals: int, wanted: int) -> str:
    """A scaled integer as text, rounded to fewer decimals."""
    cut = int(10 ** (decimals - wanted))
    return plain((number + cut // 2) // cut, wanted)


def _cursor_symbol(cursor: str) -> str:
    symbol, *rest = cursor.split(",")
    if cursor and (len(rest) != 2 or symbol not in SYMBOLS):
        raise RefusalError(PARAMETERS, "params error: cursor invalid")
    return symbol


def _row(position: NetPosition, *, mark: int) -> dict[str, str | int | bool]:
    instrument = INSTRUMENTS[position.symbol]
    size = abs(position.qty)
    decimals = instrument.value_decimals + AVERAGE_DECIMALS
    gain = position.qty * (mark * 10**AVERAGE_DECIMALS - position.average_e12)
    value = size * mark
    margin = plain(value // LEVERAGE, instrument.value_decimals)
    return {
        "positionIdx": 0,
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": instrument.symbol,
        "side": side_word(position.qty),
        "size": plain(size, instrument.qty_decimals),
        "avgPrice": average_price(position),
        "positionValue": _shown(size * position.average_e12, decimals, MONEY_DECIMALS),
        "tradeMode": 0,
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "leverage": str(LEVERAGE),
        "markPrice": plain(mark, instrument.price_decimals),
        "breakEvenPrice": average_price(position),
        "liqPrice": "",
        "bustPrice": "",
        "positionIM": margin,
        "positionMM": plain(value // 100, instrument.value_decimals),
        "positionIMByMp": margin,
        "positionMMByMp": plain(value // 100, instrument.value_decimals),
        "positionBalance": "0",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "sessionAvgPrice": "",
        "delta": "",
        "gamma": "",
        "vega": "",
        "theta": "",
        "unrealisedPnl": _shown(gain, decimals, MONEY_DECIMALS),
        "curRealisedPnl": "",
        "cumRealisedPnl": "",
        "adlRankIndicator": 2 if position.qty else 0,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(instrument.launch_ms),
        "openTime": position.opened_ms,
        "updatedTime": str(position.updated_ms),
        "seq": position.seq,
        "tpslMode": "Full",
    }

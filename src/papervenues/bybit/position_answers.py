"""`GET /v5/position/list` and `GET /v5/position/get-closed-positions`.

A symbol that is asked for by name is listed even when flat, in hedge mode with both legs, the
empty one first. Asked for by settle coin, only what is open is listed.
"""

from collections.abc import Sequence

import msgspec

from papervenues.bybit.account_book import AccountBook
from papervenues.bybit.asked import Asked
from papervenues.bybit.envelope import PARAMETERS, Listing, RefusalError
from papervenues.bybit.legs import Leg, price_of, to_e8, wide_value
from papervenues.bybit.query import category_of, limit_of
from papervenues.bybit.values import MONEY_DECIMALS, plain
from papervenues.market import Instrument, PricePath, instrument_number

LIMIT_DEFAULT = 20
LIMIT_MAX = 200
LEVERAGE = 10
MAINTENANCE_DIVISOR = 100
Row = dict[str, object]
Place = tuple[str, int, int]  # symbol, index, instrument number


def position_list(asked: Asked) -> Listing:
    """One page of positions, by symbol."""
    query, category = asked.query, category_of(asked.query)
    limit = limit_of(query, default=LIMIT_DEFAULT, maximum=LIMIT_MAX)
    symbol, settle = query.get("symbol", ""), query.get("settleCoin", "")
    if category == "linear" and not (symbol or settle):
        raise RefusalError(PARAMETERS, "params error: symbol or settleCoin is required")
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    if category == "spot":
        places: list[Place] = []
    elif symbol:
        places = _of_symbol(asked, book, category, symbol)
    else:
        places = _open(book, category, base=query.get("baseCoin", ""), settle=settle)
    after = _after(query.get("cursor", ""), places)
    chosen = places[after : after + limit]
    rows = [
        position_row(book, number, index, paths=asked.venue.paths, now_ms=asked.now_ms)
        | asked.venue.position_extras.get((asked.signer.account, number, index), {})
        for _, index, number in chosen
    ]
    cursor = _cursor(book, chosen[-1]) if chosen else ""
    return Listing([msgspec.json.encode(row) for row in rows], cursor, head={"category": category})


def position_row(
    book: AccountBook, number: int, index: int, *, paths: Sequence[PricePath], now_ms: int
) -> Row:
    """One leg of one instrument as the venue lists it."""
    leg = book.legs.get((number, index)) or Leg(book.history.instruments[number])
    mark = paths[number].at(now_ms)
    return _identity(leg, index) | _worth(leg, mark=mark) | _rest(leg)


def side_word(qty: int) -> str:
    """The venue's word for the side of a signed quantity."""
    return "Buy" if qty > 0 else "Sell" if qty < 0 else ""


def _identity(leg: Leg, index: int) -> Row:
    instrument = leg.instrument
    return {
        "positionIdx": index,
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": instrument.symbol,
        "side": side_word(leg.qty),
        "size": plain(abs(leg.qty), instrument.qty_decimals),
        "avgPrice": price_of(instrument, abs(leg.qty), leg.cost) or "0",
        "tradeMode": 0,
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "leverage": "" if instrument.category == "option" else str(LEVERAGE),
    }


def _worth(leg: Leg, *, mark: int) -> Row:
    instrument = leg.instrument
    value = to_e8(wide_value(instrument, abs(leg.qty), price=mark), instrument)
    margin = plain(value // LEVERAGE, MONEY_DECIMALS)
    maintenance = plain(value // MAINTENANCE_DIVISOR, MONEY_DECIMALS)
    return {
        "positionValue": plain(to_e8(leg.cost, instrument), MONEY_DECIMALS),
        "markPrice": plain(mark, instrument.price_decimals),
        "breakEvenPrice": price_of(instrument, abs(leg.qty), leg.cost),
        "liqPrice": "",
        "bustPrice": "",
        "positionIM": margin,
        "positionMM": maintenance,
        "positionIMByMp": margin,
        "positionMMByMp": maintenance,
        "positionBalance": "0",
        "unrealisedPnl": plain(leg.gain_at(mark), MONEY_DECIMALS),
    }


def _rest(leg: Leg) -> Row:
    instrument = leg.instrument
    is_option, is_usdc = instrument.category == "option", instrument.settle == "USDC"
    session = price_of(instrument, abs(leg.qty), leg.session_cost) if is_usdc else ""
    greek = "0" if is_option else ""
    return {
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "sessionAvgPrice": session,
        "delta": greek,
        "gamma": greek,
        "vega": greek,
        "theta": greek,
        "curRealisedPnl": plain(leg.realised_e8 if leg.qty else 0, MONEY_DECIMALS),
        "cumRealisedPnl": "" if is_option else plain(leg.realised_all_e8, MONEY_DECIMALS),
        "adlRankIndicator": 2 if leg.qty else 0,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(leg.first_ms or instrument.launch_ms),
        "openTime": leg.opened_ms if leg.qty else 0,
        "updatedTime": str(leg.updated_ms or instrument.launch_ms),
        "seq": leg.seq,
        "tpslMode": "Full",
    }


def _of_symbol(asked: Asked, book: AccountBook, category: str, symbol: str) -> list[Place]:
    number = instrument_number(book.history.instruments, category, symbol)
    if number is None:
        raise RefusalError(PARAMETERS, "params error: symbol invalid")
    legs = [book.legs.get((number, index)) for index in (1, 2)]
    has_legs = any(leg is not None and leg.qty for leg in legs)
    by_default = has_legs or (book.history.is_hedged and category == "linear")
    is_hedged = asked.venue.is_hedged.get((asked.signer.account, number), by_default)
    indexes = [1, 2] if is_hedged else [0]

    def size(index: int) -> int:
        leg = book.legs.get((number, index))
        return 0 if leg is None else abs(leg.qty)

    # The empty leg comes first, which trips those who read the first row only.
    ordered = sorted(indexes, key=lambda index: (size(index) != 0, index))
    return [(symbol, index, number) for index in ordered]


def _open(book: AccountBook, category: str, *, base: str, settle: str) -> list[Place]:
    def is_asked(instrument: Instrument) -> bool:
        return (
            instrument.category == category
            and base in ("", instrument.base)
            and settle in ("", instrument.settle)
        )

    return sorted(
        (leg.instrument.symbol, index, number)
        for (number, index), leg in book.legs.items()
        if leg.qty and is_asked(leg.instrument)
    )


def _cursor(book: AccountBook, place: Place) -> str:
    symbol, index, number = place
    leg = book.legs.get((number, index))
    return f"{symbol}%2C{leg.updated_ms if leg else 0}%2C{index}"


def _after(cursor: str, places: list[Place]) -> int:
    """How many places lie before the next page."""
    if not cursor:
        return 0
    symbol, *rest = cursor.split(",")
    if len(rest) != 2 or not all(text.isascii() and text.isdigit() for text in rest):
        raise RefusalError(PARAMETERS, "params error: cursor invalid")
    last = (symbol, int(rest[1]))
    for count, place in enumerate(places):
        if place[:2] == last:
            return count + 1
    return sum(place[:2] <= last for place in places)

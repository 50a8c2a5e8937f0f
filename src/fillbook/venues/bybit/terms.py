"""What are the terms of the contracts that Bybit lists now?

Only linear contracts are read yet. A step that cannot be read is unknown (None), which never keeps
a fill from being booked; the row itself goes along as it came.
"""

from decimal import Decimal

import msgspec

from fillbook.domain import money
from fillbook.domain.instrument import ContractTerms
from fillbook.venues.bybit.listings import read_listing
from fillbook.venues.bybit.session import Session

INSTRUMENTS_PATH = "/v5/market/instruments-info"
ROWS_PER_PAGE = 1000
# Without a status the venue lists what is traded; what is announced must be asked for.
_STATUSES: tuple[tuple[tuple[str, str], ...], ...] = ((), (("status", "PreLaunch"),))
_ONE = Decimal(1)


class _Prices(msgspec.Struct):
    tickSize: str = ""  # noqa: N815 - the venue's own spelling


class _Lots(msgspec.Struct):
    qtyStep: str = ""  # noqa: N815
    minOrderQty: str = ""  # noqa: N815


class _Instrument(msgspec.Struct):
    symbol: str
    contractType: str = ""  # noqa: N815
    baseCoin: str = ""  # noqa: N815
    quoteCoin: str = ""  # noqa: N815
    settleCoin: str = ""  # noqa: N815
    priceFilter: _Prices | None = None  # noqa: N815
    lotSizeFilter: _Lots | None = None  # noqa: N815


_INSTRUMENT = msgspec.json.Decoder(_Instrument)


async def contract_terms(session: Session) -> list[ContractTerms]:
    """The linear contracts, traded and announced."""
    found: dict[str, ContractTerms] = {}
    for status in _STATUSES:
        words = (("category", "linear"), ("limit", str(ROWS_PER_PAGE)), *status)
        for raw in await read_listing(session, INSTRUMENTS_PATH, words):
            terms = read_terms("linear", bytes(raw))
            if terms is not None:
                found.setdefault(terms.symbol, terms)
    return list(found.values())


def read_terms(category: str, body: bytes) -> ContractTerms | None:
    """The terms in one row; None when it names no contract."""
    try:
        row = _INSTRUMENT.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not row.symbol or row.contractType.startswith("Inverse"):
        return None
    prices, lots = row.priceFilter or _Prices(), row.lotSizeFilter or _Lots()
    return ContractTerms(
        category=category,
        symbol=row.symbol,
        kind="linear",
        base=row.baseCoin,
        quote=row.quoteCoin,
        settle=row.settleCoin or row.quoteCoin,
        multiplier=_ONE,
        price_step=_step(prices.tickSize),
        qty_step=_step(lots.qtyStep),
        qty_min=_step(lots.minOrderQty),
        body=body,
    )


def _step(text: str) -> Decimal | None:
    try:
        value = money.amount(text)
    except ValueError:
        return None
    return value if value is not None and value > 0 else None

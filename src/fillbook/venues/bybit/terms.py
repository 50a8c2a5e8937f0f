"""What are the terms of the contracts that Bybit lists now?

Contracts count one coin each, but inverse ones, which count one US dollar each: so every multiplier
is 1, and the kind tells how a value is reckoned. The spot market says how finely a coin is traded
(``basePrecision``) where others have a step. A step that cannot be read is unknown (None), which
never keeps a fill from being booked; the row itself goes along as it came.
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from fillbook.domain import money
from fillbook.domain.instrument import ContractKind, ContractTerms
from fillbook.venues.bybit.listings import read_listing
from fillbook.venues.bybit.session import Session

INSTRUMENTS_PATH = "/v5/market/instruments-info"
ROWS_PER_PAGE = 1000
# Without a status the venue lists what is traded; what is announced must be asked for. The spot
# market comes as one page, and options by base coin.
_LIMIT = (("limit", str(ROWS_PER_PAGE)),)
_TRADED_AND_ANNOUNCED = (_LIMIT, (*_LIMIT, ("status", "PreLaunch")))
_ASKED: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = {
    "linear": _TRADED_AND_ANNOUNCED,
    "inverse": _TRADED_AND_ANNOUNCED,
    "spot": ((),),
}
_KINDS: dict[str, ContractKind] = {
    "linear": "linear",
    "inverse": "inverse",
    "spot": "spot",
    "option": "option",
}
_ONE = Decimal(1)


class _Prices(msgspec.Struct):
    tickSize: str = ""  # noqa: N815 - the venue's own spelling


class _Lots(msgspec.Struct):
    qtyStep: str = ""  # noqa: N815
    basePrecision: str = ""  # noqa: N815
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


async def contract_terms(
    session: Session, categories: Iterable[str], *, option_coins: Iterable[str]
) -> list[ContractTerms]:
    """The contracts of some categories, traded and announced."""
    of_options = tuple((*_LIMIT, ("baseCoin", coin)) for coin in option_coins)
    found: dict[tuple[str, str], ContractTerms] = {}
    for category in categories:
        for words in of_options if category == "option" else _ASKED.get(category, ()):
            asked = (("category", category), *words)
            for raw in await read_listing(session, INSTRUMENTS_PATH, asked):
                terms = read_terms(category, bytes(raw))
                if terms is not None:
                    found.setdefault((category, terms.symbol), terms)
    return list(found.values())


def read_terms(category: str, body: bytes) -> ContractTerms | None:
    """The terms in one row; None when it names no contract."""
    try:
        row = _INSTRUMENT.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    is_inverse = row.contractType.startswith("Inverse")
    if not row.symbol or (row.contractType and is_inverse != (category == "inverse")):
        return None
    prices, lots = row.priceFilter or _Prices(), row.lotSizeFilter or _Lots()
    return ContractTerms(
        category=category,
        symbol=row.symbol,
        kind=_KINDS[category],
        base=row.baseCoin,
        quote=row.quoteCoin,
        settle=row.settleCoin or row.quoteCoin,
        multiplier=_ONE,
        price_step=_step(prices.tickSize),
        qty_step=_step(lots.qtyStep or lots.basePrecision),
        qty_min=_step(lots.minOrderQty),
        body=body,
    )


def _step(text: str) -> Decimal | None:
    try:
        value = money.amount(text)
    except ValueError:
        return None
    return value if value is not None and value > 0 else None

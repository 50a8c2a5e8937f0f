"""What a coin was worth: over which instants a stated price holds, and which one counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from fillbook.accounting.known import Known
from fillbook.accounting.valuation import Prices, value_of, valued
from fillbook.domain.statement import Price, Terms

STARTED = datetime(2024, 1, 1, tzinfo=UTC)


def at(minute: int) -> datetime:
    return STARTED + timedelta(minutes=minute)


def price(starts: int, ends: int, said: str | None, *, coin: str = "MNT") -> Price:
    """A price in USDT from one minute to another."""
    return Price(coin, "USDT", at(starts), at(ends), None if said is None else Decimal(said))


CASES: dict[str, tuple[list[Price], list[int | None]]] = {
    "nothing stated": ([], [None, None]),
    "one price": ([price(1, 3, "2")], [None, 2, 2, None]),
    "two in a row": ([price(0, 2, "1"), price(2, 4, "2")], [1, 1, 2, 2, None]),
    "a gap between two": ([price(0, 1, "1"), price(2, 3, "2")], [1, None, 2, None]),
    "the last stated counts": ([price(0, 4, "1"), price(1, 3, "2")], [1, 2, 2, 1, None]),
    "stated before, but wider": ([price(1, 3, "2"), price(0, 4, "1")], [1, 1, 1, 1, None]),
    "stated again": ([price(0, 2, "1"), price(0, 2, "5")], [5, 5, None]),
    "stated again, it is the last": (
        [price(0, 4, "1"), price(1, 3, "2"), price(0, 4, "5")],
        [5, 5, 5, 5, None],
    ),
    "taken back": ([price(0, 2, "1"), price(0, 2, None)], [None, None]),
    "taken back, what was before shows": (
        [price(0, 4, "1"), price(1, 3, "2"), price(1, 3, None)],
        [1, 1, 1, 1, None],
    ),
    "taken back, then stated": (
        [price(0, 2, "1"), price(0, 2, None), price(0, 2, "3")],
        [3, 3, None],
    ),
    "taken back without having been stated": ([price(0, 2, "1"), price(0, 3, None)], [1, 1, None]),
    "an empty interval": ([price(0, 3, "1"), price(1, 1, "9")], [1, 1, 1, None]),
    "a turned interval": ([price(0, 3, "1"), price(2, 1, "9")], [1, 1, 1, None]),
    "worth nothing": ([price(0, 1, "0")], [0, None]),
    "another coin": ([price(0, 3, "1", coin="BNB")], [None, None]),
}


@pytest.mark.parametrize("case", CASES)
def test_prices_hold_from_one_instant_to_another(case: str) -> None:
    """Their ends are outside; the last stated one that covers the instant counts."""
    stated, expected = CASES[case]

    found = [value_of(stated, "MNT", "USDT", at(minute)) for minute in range(len(expected))]
    assert expected == found
    before = at(0) - timedelta(microseconds=1)
    assert value_of(stated, "MNT", "USDT", before) is None


def test_a_price_is_not_turned_round() -> None:
    """What a coin costs in a currency says nothing exact about the reverse."""
    stated = Prices([price(0, 9, "3")])

    assert stated.price_of("USDT", "MNT", at(1)) is None
    assert stated.price_of("MNT", "USDC", at(1)) is None


def test_prices_laid_out_are_still_the_prices_stated() -> None:
    """In the order stated; laid out once, they are handed on as they are."""
    stated = [price(0, 2, "1"), price(0, 2, None), price(2, 3, "4")]
    prices = Prices.of(stated)

    assert stated == list(prices)
    assert (stated[1], tuple(stated[:2])) == (prices[1], prices[:2])
    assert Prices.of(prices) is prices


def test_what_is_known_lays_its_prices_out_once() -> None:
    """Whatever sequence was handed in."""
    known = Known(Terms("linear", "BTCUSDT"), prices=[price(0, 2, "1")])

    assert isinstance(known.prices, Prices)


def test_many_overlapping_prices_agree_with_a_plain_search() -> None:
    """The oracle looks at every statement, the last one first."""
    random = Random(7)
    for _ in range(200):
        stated = [
            price(start := random.randrange(12), start + random.randrange(4), said)
            for said in random.choices([None, "1", "2", "3"], k=random.randrange(12))
        ]
        prices = Prices(stated)

        for minute in range(-1, 16):
            assert _plainly(stated, at(minute)) == prices.price_of("MNT", "USDT", at(minute))


def _plainly(stated: list[Price], instant: datetime) -> Decimal | None:
    overruled = set()
    for said in reversed(stated):
        interval = (said.starts_at, said.ends_at)
        if interval in overruled:
            continue
        overruled.add(interval)
        if said.price is not None and said.starts_at <= instant < said.ends_at:
            return said.price
    return None


AMOUNTS = {
    ("1.5", "USDT"): "1.5",
    ("1.5", "MNT"): "4.50000000000000000000000000000000000045",
    ("-1.5", "MNT"): "-4.50000000000000000000000000000000000045",
    ("0.00", "XYZ"): "0",
    ("1.5", "XYZ"): None,
    (None, "MNT"): None,
    (None, "USDT"): None,
}


@pytest.mark.parametrize(("amount", "coin"), AMOUNTS)
def test_an_amount_is_valued_exactly_or_not_at_all(amount: str | None, coin: str) -> None:
    """Every digit of the product stands; nothing of any coin is worth nothing."""
    stated = [price(0, 9, "3.0000000000000000000000000000000000003")]
    given, expected = (
        None if text is None else Decimal(text) for text in (amount, AMOUNTS[amount, coin])
    )

    assert expected == valued(given, coin, currency="USDT", prices=stated, at=at(1))

"""Whatever the exchange does wrong, alone or mixed: the book is exact, or says where it is not."""

import random

import pytest

from papervenues.bybit import Settings
from papervenues.fault_table import FAULTS, STREAM
from tests.sync.book import opened, paper
from tests.sync.fault_oracle import must_be_exact_or_say_why, read_on

WIDE = ("linear", "inverse", "spot", "option")
# The share that a fault gets when it strikes alone; what stays for the run strikes late.
SHARES = {"stalled_body": "0.01", "slow_body": "0.02", "address_banned": "0.02"}
SHARE = "0.1"
SHARES_OF_ROWS = "0.03"
ALONE = sorted(name for name, kind in FAULTS.items() if kind.acts != STREAM)
# These wait by the wall clock for a stalled line, which many mixtures could not afford.
SLOW = frozenset(("stalled_body", "slow_body", "address_banned"))
MIXED = [name for name in ALONE if name not in SLOW]
MIXTURES = 200
FAULTS_MIXED_MAX = 6


def _share(name: str) -> str:
    rows = FAULTS[name].acts in ("row", "history")
    return f"{name}={SHARES.get(name, SHARES_OF_ROWS if rows else SHARE)}"


def mixture(seed: int) -> Settings:
    """Several faults with shares of their own, on a history and an account drawn by the seed."""
    chance = random.Random(seed)
    names = chance.sample(MIXED, chance.randint(2, FAULTS_MIXED_MAX))
    shares = [f"{name}={chance.choice(('0.01', '0.03', '0.1'))}" for name in names]
    return paper(
        *shares,
        days=chance.randint(2, 9),
        executions=chance.randint(60, 240),
        bots=chance.randint(1, 3),
        seed=seed,
        categories=WIDE if chance.random() < 0.5 else ("linear",),
        hedge=chance.random() < 0.25,
    )


async def hold(database_url: str, settings: Settings) -> None:
    """Read such an exchange to its end and hold the book against the truth."""
    async with opened(database_url, settings) as book:
        await must_be_exact_or_say_why(book, settings, await read_on(book, settings))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
async def test_a_fault_alone(database_url: str, name: str) -> None:
    """Each fault of the table, alone."""
    settings = paper(_share(name), executions=250, days=9, categories=WIDE)
    await hold(database_url, settings)


@pytest.mark.parametrize("seed", range(10))
async def test_a_mixture(database_url: str, seed: int) -> None:
    """Some faults at once, drawn by a seed."""
    await hold(database_url, mixture(seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, MIXTURES // 2))
async def test_many_mixtures(database_url: str, seed: int) -> None:
    """The same for many seeds; the rest of them are in the file beside this one."""
    await hold(database_url, mixture(seed))

"""A few known bugs, put back for real: somebody notices each of them.

The commit decides which ones, so that every commit tries others. `scripts/mutants` hunts them all.
"""

import subprocess

import pytest

from tests.mutants.__main__ import sampled
from tests.mutants.layer import hunted_in_a_workshop
from tests.mutants.mutant import ROOT, Edit, Mutant, all_mutants
from tests.mutants.report import line
from tests.mutants.workshop import NotImported, workshop

COUNT = 8
# A canary: a bug that every test of money must notice, and a change that nobody can.
LOUD = Mutant(
    name="loud",
    rows=("D12",),
    title="no amount can be read",
    edits=(
        Edit(
            "src/fillbook/domain/money.py",
            "    value = Decimal(text)\n",
            "    value = Decimal(text) + 1\n",
        ),
    ),
    tests=("tests/unit/test_money.py",),
    quick=True,
)
SILENT = Mutant(
    name="silent",
    rows=("D12",),
    title="the same in other words",
    edits=(
        Edit(
            "src/fillbook/domain/money.py",
            "    value = Decimal(text)\n",
            "    value = Decimal(str(text))\n",
        ),
    ),
    tests=("tests/unit/test_money.py",),
    quick=True,
)
BROKEN = Mutant(
    name="broken",
    rows=("D12",),
    title="a file that cannot be imported",
    edits=(
        Edit("src/fillbook/domain/money.py", "DIGITS_MAX = 76\n", "DIGITS_MAX = seventy_six\n"),
    ),
    tests=("tests/unit/test_money.py",),
    quick=True,
)


def _commit() -> str:
    """The commit that is tested; nothing outside of a repository."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_sample_is_caught() -> None:
    """Each by the tests that its record names; on the sound tree this run asks them anyway."""
    quick = [mutant for mutant in all_mutants() if mutant.quick]
    outcomes = hunted_in_a_workshop(
        sampled(quick, count=COUNT, seed=_commit()), named_only=True, baseline=False
    )

    assert [] == [line(one) for one in outcomes if not one.caught]
    assert COUNT == len(outcomes)


@pytest.mark.slow
def test_the_hunt_tells_a_loud_bug_from_a_silent_change() -> None:
    """The one is caught, the other is not: the tests really meet what was put into the copy."""
    outcomes = hunted_in_a_workshop([LOUD, SILENT], named_only=True)

    assert {"loud": "named tests", "silent": "nobody"} == {
        one.mutant.name: one.stage for one in outcomes
    }


@pytest.mark.slow
def test_a_copy_imports_itself_and_nothing_else() -> None:
    """The mutated file of the copy, also for a program with a bare environment; or it says so."""
    with workshop() as shop:
        with shop.bench(LOUD) as bench:
            bench.proven(("src/fillbook/domain/money.py", "src/papervenues/draws.py"))
            with pytest.raises(NotImported):
                bench.proven(("tests/conftest.py",))
        with pytest.raises(NotImported, match="seventy"), shop.bench(BROKEN):
            pass

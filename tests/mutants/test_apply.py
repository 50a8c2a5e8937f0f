"""Each known bug can be put back into the tree as it is, and would be noticed if it could not."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.mutant import ROOT, Edit, Mutant, NotApplicable, all_mutants, named

MUTANTS = all_mutants()
MUTANTS_MIN = 45
ROWS_MIN = 40
# Sections of the failure catalogue, and how many rows each has.
CATALOGUE = {"X": 6, "A": 31, "B": 25, "C": 9, "D": 14, "E": 17, "F": 8, "G": 20, "U": 40}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_tree(mutant: Mutant) -> None:
    """What it looks for stands there once; what comes of it is other code that compiles."""
    for name, text in mutant.texts(ROOT).items():
        assert text != (ROOT / name).read_text(encoding="utf-8")
        if name.endswith(".py"):
            ast.parse(text, filename=name)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_names_what_is_there(mutant: Mutant) -> None:
    """Rows of the catalogue, product files, and tests to ask first."""
    assert mutant.rows
    assert all(int(row[1:]) in range(1, CATALOGUE[row[0]] + 1) for row in mutant.rows)
    assert all(name.startswith("src/fillbook/") for name in mutant.files)
    assert mutant.tests
    for test in mutant.tests:
        path, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}" in (ROOT / path).read_text(encoding="utf-8")


def test_names_are_unique_and_enough_rows_are_put_back() -> None:
    """No two mutants share a name or an edit; the figure that is promised is kept."""
    names = Counter(mutant.name for mutant in MUTANTS)
    edits = Counter(mutant.edits for mutant in MUTANTS)

    assert [] == [name for name, times in names.items() if times > 1]
    assert [] == [edit for edit, times in edits.items() if times > 1]
    assert len(MUTANTS) >= MUTANTS_MIN
    assert len({row for mutant in MUTANTS for row in mutant.rows if row[0] != "U"}) >= ROWS_MIN


def test_a_mutant_is_found_by_its_name_and_by_its_rows() -> None:
    """A name means that mutant alone; a row means all that have it; what is neither is said."""
    assert ["C01"] == [mutant.name for mutant in named(["C01"])]
    assert {"C01", "C02"} == {mutant.name for mutant in named(["C01", "X4"])}
    assert MUTANTS == named([])
    with pytest.raises(NotApplicable, match="Z99"):
        named(["Z99"])


@pytest.mark.parametrize("text", ["", "one two one"])
def test_an_edit_that_does_not_fit_is_refused(text: str, tmp_path: Path) -> None:
    """Neither what is not there nor what is there twice is replaced."""
    file = tmp_path / "file.py"
    file.write_text(text)
    with pytest.raises(NotApplicable, match="times"):
        Edit("file.py", "one", "two").of(file.read_text())

"""Money is never a float: not as a literal, not as a call, not as a type."""

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.source import PACKAGE, Finding, SourceFile, apply, example, files

NUMPY_FLOATS = frozenset(
    {"double", "float16", "float32", "float64", "float128", "floating", "half", "longdouble"}
)
# These give floats whatever they are handed.
FLOAT_FUNCTIONS = frozenset({"exp", "fsum", "hypot", "log", "log10", "log2", "pow", "sqrt"})


def floats(source: SourceFile) -> Iterator[Finding]:
    tree = source.tree
    refusals = set(_names_in_isinstance(tree))
    for node in ast.walk(tree):
        what = _float_in(node)
        if what is not None and id(node) not in refusals:
            line = getattr(node, "lineno", 1)
            yield Finding(source.path, line, f"{what}: money is Decimal, text or integer")


def _float_in(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=float()):
            return "a float literal"
        case ast.Name(id="float"):
            return "float"
        case ast.Constant(value=str(text)) if text.strip() in {"float", "float | None"}:
            return "float as a quoted type"
        case ast.Attribute(attr=name) if name in NUMPY_FLOATS:
            return name
        case ast.Attribute(value=ast.Name(id="math"), attr=name) if name in FLOAT_FUNCTIONS:
            return f"math.{name}"
    return None


def _names_in_isinstance(tree: ast.Module) -> Iterator[int]:
    """Asking whether something is a float, in order to refuse it, is no use of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "isinstance":
                yield from (id(inside) for inside in ast.walk(node))
        elif isinstance(node, ast.MatchClass):
            yield id(node.cls)


def money_files() -> list[SourceFile]:
    """The two lowest floors, what the ledger keeps, and what reads a venue's amounts."""
    floors = files(f"{PACKAGE}/domain", f"{PACKAGE}/accounting")
    ledger = [file for file in files(f"{PACKAGE}/ledger") if not file.stem.startswith("_")]
    parsers = [file for file in files(f"{PACKAGE}/venues") if file.stem == "parse"]
    return floors + ledger + parsers


def test_there_is_money_to_look_at() -> None:
    """The rule below looks at the nouns, the verbs and the ledger."""
    paths = {file.path.rsplit("/", 1)[0] for file in money_files()}

    assert {f"{PACKAGE}/domain", f"{PACKAGE}/accounting", f"{PACKAGE}/ledger"} <= paths


def test_no_float_touches_money() -> None:
    """Nothing that handles amounts names a float."""

    assert apply(floats, money_files()) == []


@pytest.mark.parametrize(
    "text",
    [
        "fee = 0.1",
        "fee = float(text)",
        "def f(fee: float) -> None: ...",
        "def f() -> list[float]: ...",
        'def f(fee: "float") -> None: ...',
        "import numpy as np\nfees = np.zeros(3, dtype=np.float64)",
        "fees = array.astype(float)",
        "import math\nx = math.sqrt(2)",
        "x = 1e3",
    ],
)
def test_a_float_is_found(text: str) -> None:
    """Each way to let one in is caught."""

    assert len(apply(floats, [example(text)])) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "if isinstance(value, float):\n    raise TypeError",
        "x = Decimal('0.1')",
        "import math\nx = math.isqrt(9)",
        '"""A floating rate, as text: 0.1."""',
    ],
)
def test_what_is_no_float_is_left_alone(text: str) -> None:
    """Refusing a float, exact numbers and prose are fine."""

    assert apply(floats, [example(text)]) == []

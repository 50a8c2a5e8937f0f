"""The project's own files as the tidy rules see them: paths, text, syntax trees, full names.

A rule is a function from one file to findings. It is tried on a string that breaks it before it is
trusted with the tree.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "src/fillbook"

FOLDERS_NOT_OURS = frozenset(
    {
        ".git",
        ".hypothesis",
        ".import_linter_cache",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        "__pycache__",
        "artifacts",
        "dist",
        "htmlcov",
        "node_modules",
        "runtime",
    }
)
# Secrets of whoever works here; never looked at, never tracked.
FILES_NOT_OURS = frozenset({".env"})
TEXT_BYTES_MAX = 4_000_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file: its path from the root of the checkout, with slashes, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @property
    def stem(self) -> str:
        return Path(self.path).stem


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a rule is broken, and how."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


Rule = Callable[[SourceFile], Iterable[Finding]]


def files(*folders: str, suffixes: Iterable[str] = (".py",)) -> list[SourceFile]:
    """Our files under these folders (all of the checkout when none is named), sorted by path."""
    wanted = frozenset(suffixes)
    starts = [ROOT / folder for folder in folders] or [ROOT]
    found = [path for start in starts for path in _walk(start) if path.suffix in wanted]
    return [_read(path) for path in sorted(found)]


def every_text_file() -> list[SourceFile]:
    """Each file of ours that is text, whatever its suffix."""
    return [file for path in sorted(_walk(ROOT)) if (file := _read_text(path)) is not None]


def apply(rule: Rule, sources: Iterable[SourceFile]) -> list[str]:
    """Everything a rule finds, as lines that an editor can follow."""
    return [str(finding) for source in sources for finding in rule(source)]


def example(text: str, *, path: str = f"{PACKAGE}/domain/example.py") -> SourceFile:
    """A made-up file, to show that a rule catches what it is for."""
    return SourceFile(path, text)


def full_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each dotted name in use, aliases undone: `dt.now` may be `datetime.datetime.now`."""
    origins = _origins(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            dotted = _dotted(node)
            if dotted is not None:
                head, _, rest = dotted.partition(".")
                origin = origins.get(head, head)
                yield node.lineno, f"{origin}.{rest}" if rest else origin


def imported_modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each module or name that is imported, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            yield node.lineno, node.module
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def _walk(start: Path) -> Iterator[Path]:
    if not start.is_dir():
        return
    for path in start.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            if path.name not in FOLDERS_NOT_OURS and not path.name.endswith(".egg-info"):
                yield from _walk(path)
        elif path.is_file() and path.name not in FILES_NOT_OURS:
            yield path


def _read(path: Path) -> SourceFile:
    return SourceFile(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def _read_text(path: Path) -> SourceFile | None:
    if path.stat().st_size > TEXT_BYTES_MAX:
        return None
    try:
        return _read(path)
    except UnicodeDecodeError:
        return None


def _origins(tree: ast.Module) -> dict[str, str]:
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname is not None:
                    origins[alias.asname] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return origins


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None

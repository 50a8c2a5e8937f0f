"""The shape of files and functions: short, named for a question, with their purpose stated."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.source import Finding, SourceFile, apply, every_text_file, example, files

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
VAGUE_NAMES = frozenset(
    {"base", "common", "helper", "helpers", "manager", "misc", "service", "util", "utils"}
)
# Put together here, so that this file does not find itself.
LEFT_UNDONE = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
CODE_SUFFIXES = (".py", ".sql", ".ts", ".svelte", ".css")


def long_files(source: SourceFile) -> Iterator[Finding]:
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield Finding(source.path, 1, f"{lines} lines, at most {FILE_LINES_MAX}")


def long_functions(source: SourceFile) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            lines = node.end_lineno - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                what = f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}"
                yield Finding(source.path, node.lineno, what)


def purposeless_modules(source: SourceFile) -> Iterator[Finding]:
    if not ast.get_docstring(source.tree):
        yield Finding(source.path, 1, "a module's docstring states its purpose")


def vague_names(source: SourceFile) -> Iterator[Finding]:
    for part in Path(source.path).with_suffix("").parts:
        if part.strip("_") in VAGUE_NAMES:
            yield Finding(source.path, 1, f"`{part}` says nothing: name the question it answers")


def left_undone(source: SourceFile) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        for word in LEFT_UNDONE:
            if word in line.replace(":", " ").replace("(", " ").split():
                yield Finding(source.path, number, "do it now, or write it down elsewhere")


def test_files_are_short() -> None:
    """No file has more than 400 lines."""

    assert apply(long_files, files(suffixes=CODE_SUFFIXES)) == []


def test_a_long_file_is_found() -> None:
    """One line too many is one finding; the last line allowed is none."""

    assert len(apply(long_files, [example("x = 1\n" * 401)])) == 1
    assert apply(long_files, [example("x = 1\n" * 400)]) == []


def test_functions_are_short() -> None:
    """No function has more than 60 lines."""

    assert apply(long_functions, files()) == []


def test_a_long_function_is_found() -> None:
    """Nested and asynchronous functions are measured too."""
    body = "        x = 1\n" * 60
    text = f"class A:\n    async def f(self):\n{body}"

    assert apply(long_functions, [example(text)]) == [
        "src/fillbook/domain/example.py:2: f has 61 lines, at most 60"
    ]


def test_modules_state_their_purpose() -> None:
    """Every Python file begins with a docstring."""

    assert apply(purposeless_modules, files()) == []


def test_a_module_without_purpose_is_found() -> None:
    """A comment or an empty string is no docstring."""

    assert len(apply(purposeless_modules, [example("# about\nx = 1\n")])) == 1
    assert len(apply(purposeless_modules, [example('""\n')])) == 1


def test_names_are_telling() -> None:
    """No file or folder has one of the names that say nothing."""

    assert apply(vague_names, files(suffixes=CODE_SUFFIXES)) == []


def test_a_vague_name_is_found() -> None:
    """An underscore does not hide it, and a folder counts."""

    assert len(apply(vague_names, [example("", path="src/fillbook/ledger/_utils.py")])) == 1
    assert len(apply(vague_names, [example("", path="src/fillbook/common/fees.py")])) == 1
    assert apply(vague_names, [example("", path="src/fillbook/ledger/database.py")]) == []


def test_nothing_is_left_undone() -> None:
    """No file carries a note that something is still to be done."""

    assert apply(left_undone, every_text_file()) == []


def test_a_note_of_work_left_is_found() -> None:
    """With a colon, a name in brackets, or alone."""
    for word in LEFT_UNDONE:
        for line in (f"# {word}: later", f"# {word}(ann) later", f"// {word}"):
            assert len(apply(left_undone, [example(line)])) == 1

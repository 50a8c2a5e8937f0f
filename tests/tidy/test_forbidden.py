"""What has no place anywhere: code from data, and addresses of package registries."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.tidy.source import (
    Finding,
    SourceFile,
    apply,
    every_text_file,
    example,
    files,
    full_names,
    imported_modules,
)

# Each turns bytes from outside into running code.
CODE_FROM_DATA_MODULES = frozenset(
    {"_pickle", "cloudpickle", "dill", "marshal", "pickle", "shelve"}
)
CODE_FROM_DATA_CALLS = frozenset(
    {"eval", "exec", "yaml.load", "yaml.full_load", "yaml.unsafe_load"}
)

# Where packages come from is the business of whoever installs; pins carry hashes, not places.
REGISTRY = re.compile(
    r"https?://[\w.-]*(?:"
    r"pypi\.(?:org|python\.org)|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|npmmirror\.com"
    r"|crates\.io|proxy\.golang\.org|rubygems\.org|anaconda\.org|deb\.debian\.org"
    r")",
    re.IGNORECASE,
)


def code_from_data(source: SourceFile) -> Iterator[Finding]:
    for line, name in imported_modules(source.tree):
        if name in CODE_FROM_DATA_MODULES:
            yield Finding(source.path, line, f"{name} runs what it reads")
    names = set(full_names(source.tree))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            for name in CODE_FROM_DATA_CALLS:
                if (node.func.lineno, name) in names and _last_name(node.func) in name:
                    yield Finding(source.path, node.lineno, f"{name} runs what it reads")


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return "\0"


def registries(source: SourceFile) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        if REGISTRY.search(line):
            yield Finding(source.path, number, "the address of a package registry")


def test_no_data_becomes_code() -> None:
    """Nothing is unpickled or evaluated, in the product, its tests or its tools."""

    assert apply(code_from_data, files()) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "x = eval('1')",
        "exec(text)",
        "import yaml\nx = yaml.load(text)",
        "from yaml import load\nx = load(text)",
    ],
)
def test_code_from_data_is_found(text: str) -> None:
    """Each way is caught."""

    assert len(apply(code_from_data, [example(text)])) >= 1


def test_safe_reading_is_left_alone() -> None:
    """Names that only look alike are fine."""
    text = "import ast\nx = ast.literal_eval('1')\ny = model.eval()\nz = yaml.safe_load(t)"

    assert apply(code_from_data, [example(text)]) == []


def test_no_file_names_a_registry() -> None:
    """No file of ours says where packages are fetched from."""

    assert apply(registries, every_text_file()) == []


@pytest.mark.parametrize("host", ["pypi.org", "files.pythonhosted.org", "registry.npmjs.org"])
def test_a_registry_is_found(host: str) -> None:
    """In lock files, requirement files and prose alike."""
    line = '"resolved": "https:' + f'//{host}/x/-/x-1.0.0.tgz"'

    assert len(apply(registries, [example(line, path="web/package-lock.json")])) == 1

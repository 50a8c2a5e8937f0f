"""What is pinned is what `pyproject.toml` asks for, with hashes, and the same in every file."""

import re
import tomllib
from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.source import ROOT

PIN = re.compile(
    r"^(?P<pin>[A-Za-z0-9][^\s#]*==[^\\\n]*?)\s*\\?\n(?P<rest>(?:[ \t]+.*\n)*)", re.MULTILINE
)
# Which tables of pyproject.toml each file pins.
PINNED = {
    "core": (),
    "demo": ("build",),
    "dev": ("build", "dev"),
    "bench": ("bench",),
}
# In an environment without the project.
APART = {"clients": ("clients",)}
FILES = (*PINNED, *APART)


def pins(text: str) -> dict[str, str]:
    """Each pinned requirement, with what follows it in the file."""
    return {match["pin"]: match["rest"] for match in PIN.finditer(text)}


def unhashed(text: str) -> list[str]:
    return [pin for pin, rest in pins(text).items() if "--hash=sha256:" not in rest]


def unmet(wanted: Iterable[str], text: str) -> Iterator[str]:
    """The wanted requirements that no pin meets."""
    found = [Requirement(pin) for pin in pins(text)]
    for line in wanted:
        need = Requirement(line)
        name = canonicalize_name(need.name)
        if not any(
            canonicalize_name(pin.name) == name
            and all(need.specifier.contains(one.version) for one in pin.specifier)
            for pin in found
        ):
            yield line


def pinned(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def wanted(name: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    core: list[str] = [] if name in APART else project["project"]["dependencies"]
    groups = (PINNED | APART)[name]
    return core + [line for group in groups for line in project["dependency-groups"][group]]


def test_what_is_asked_for_is_pinned() -> None:
    """Each range in pyproject.toml is met by a pin; otherwise run `just pins`."""
    missing = {name: [*unmet(wanted(name), pinned(name))] for name in FILES}

    assert missing == {name: [] for name in FILES}


def test_a_range_that_no_pin_meets_is_found() -> None:
    """A missing package counts, and so does a version outside the range."""
    text = "rich==14.1.0 \\\n    --hash=sha256:00\nPy_Thing==2.0 ; python_version < '3.12' \\\n"

    assert [*unmet(["rich>=14", "py-thing<3"], text)] == []
    assert [*unmet(["rich>=15", "typer"], text)] == ["rich>=15", "typer"]


def test_every_pin_has_a_hash() -> None:
    """Nothing is installed that could be another file tomorrow."""
    assert {name: unhashed(pinned(name)) for name in FILES} == {name: [] for name in FILES}


def test_a_pin_without_hash_is_found() -> None:
    """The hash must follow its own pin."""
    text = "one==1 \\\n    --hash=sha256:00\ntwo==2\n    # via one\n"

    assert unhashed(text) == ["two==2"]


def test_the_files_agree() -> None:
    """What runs is what was tested: each file holds the pins of the smaller one."""
    core, demo, dev = (set(pins(pinned(name))) for name in ("core", "demo", "dev"))

    assert core - demo == set()
    assert demo - dev == set()
    assert len(core) > 20

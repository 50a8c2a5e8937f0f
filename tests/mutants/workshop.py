"""A copy of the tree for each mutant, and an interpreter that imports nothing else.

The tree is copied once at the start, so that whoever edits it meanwhile changes no result; each
mutant gets a copy of that. A copy has an environment of its own, whose packages are those of this
one but for Fillbook, which is the copy's: so a program that a test starts with a bare environment
meets the mutant as well. `proven` asks that interpreter what it imports.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.mutants.mutant import ROOT, Mutant

COPIED = ("src", "tests", "docs", "scripts", "pyproject.toml", "README.md", ".env.example")
LEFT_OUT = shutil.ignore_patterns("node_modules", ".hypothesis", "*.tmp")
ASK_SECONDS_MAX = 60
TREES = "fillbook-mutants-tree-"
# Where an interpreter finds a file of a package. A module is imported, to see that it can be.
ASKED = """
import sys
from importlib import import_module
from pathlib import Path
package, rest = sys.argv[1:]
file = Path(import_module(package).__file__).parent / rest
if file.suffix == ".py":
    words = Path(package, rest).with_suffix("").parts
    module = import_module(".".join(words[:-1] if words[-1] == "__init__" else words))
    assert Path(module.__file__) == file, module.__file__
sys.stdout.write(str(file))
"""


class NotImported(AssertionError):
    """The interpreter of a copy imports something else than the copy, or cannot import it."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A copy of the tree with its own interpreter."""

    root: Path
    python: Path

    def proven(self, files: Iterable[str]) -> None:
        """Raise unless this interpreter imports the copy's own files, as they stand there."""
        for name in files:
            package, rest = _as_imported(name)
            done = subprocess.run(
                [self.python, "-c", ASKED, package, rest],
                cwd="/",
                env={"PATH": os.environ["PATH"]},
                capture_output=True,
                text=True,
                timeout=ASK_SECONDS_MAX,
                check=False,
            )
            if done.returncode or Path(done.stdout) != self.root / name:
                raise NotImported(f"{name} is imported from {done.stdout}{done.stderr[-500:]}")


def _as_imported(name: str) -> tuple[str, str]:
    """The top package of a source file, and the rest of its path."""
    _, package, *rest = Path(name).parts
    return package, str(Path(*rest))


@dataclass(frozen=True, slots=True)
class Workshop:
    """The tree as it was at the start, in a folder that is gone at the end."""

    folder: Path

    @contextmanager
    def bench(self, mutant: Mutant | None = None) -> Iterator[Bench]:
        """A copy with a mutant in it, or a sound one."""
        place = Path(mkdtemp(dir=self.folder))
        try:
            bench = Bench(place / "tree", _interpreter(place))
            shutil.copytree(self.folder / "sound", bench.root)
            for name, text in ({} if mutant is None else mutant.texts(bench.root)).items():
                _write(bench.root / name, text)
            bench.proven(("src/fillbook/errors.py", *(mutant.files if mutant else ())))
            yield bench
        finally:
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def workshop() -> Iterator[Workshop]:
    """Copy the tree once."""
    folder = Path(mkdtemp(prefix=f"{TREES}{os.getpid()}-"))
    folder.chmod(0o755)
    try:
        for name in COPIED:
            source, target = ROOT / name, folder / "sound" / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=LEFT_OUT)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        yield Workshop(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    """Change a file, and forget what was compiled of it."""
    path.write_text(text, encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()


def _interpreter(place: Path) -> Path:
    """An environment whose Fillbook is the copy's, and whose other packages are this one's."""
    home = place / "env"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = home / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (home / "bin").mkdir()
    base = Path(sys.base_prefix) / "bin"
    (home / "pyvenv.cfg").write_text(f"home = {base}\ninclude-system-site-packages = false\n")
    python = home / "bin" / "python"
    python.symlink_to(Path(sys.executable).resolve())
    paths = [place / "tree" / "src", Path(sysconfig.get_path("purelib"))]
    (packages / "tree.pth").write_text("".join(f"{path}\n" for path in paths))
    return python

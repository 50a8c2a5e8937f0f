"""The dashboard's build: what it needs, what it leaves out, and what happens where it fails."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import hatch_build
import pytest

ROOT = Path(hatch_build.__file__).parent
WEB = ROOT / "web"
SCRIPT_BYTES_MAX = 90 * 1024
CLOSED_PORT = "http://127.0.0.1:9"
SENTENCE = re.compile(r"The dashboard was not built \(npm ci: .+\): Fillbook works without it, ")


@pytest.fixture(scope="module")
def dist() -> Path:
    """The page as it is built from the sources that stand here now."""
    hatch_build.build(ROOT)
    return ROOT / hatch_build.TARGET


def copy_of_project(folder: Path) -> Path:
    """What the build reads, in a place of its own."""
    shutil.copytree(WEB, folder / "web", ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.copyfile(ROOT / "hatch_build.py", folder / "hatch_build.py")
    return folder


def test_a_current_build_is_left_alone(dist: Path) -> None:
    """A second build has nothing to do."""

    before = (dist / "index.html").stat().st_mtime_ns

    assert not hatch_build.build(ROOT)
    assert before == (dist / "index.html").stat().st_mtime_ns


def test_any_changed_source_makes_the_build_old(dist: Path, tmp_path: Path) -> None:
    """A changed, added or renamed source asks for a new build; line ends and tests don't."""

    project = copy_of_project(tmp_path)
    shutil.copytree(dist, project / hatch_build.TARGET)
    source = project / "web/src/main.ts"
    text = source.read_bytes()
    seen = [hatch_build.is_current(project)]
    for change in (text.replace(b"\n", b"\r\n"), text + b"\n// changed\n", text):
        source.write_bytes(change)
        seen.append(hatch_build.is_current(project))
    (project / "web/tests/more.test.ts").write_text("", "utf-8")
    seen.append(hatch_build.is_current(project))
    source.rename(source.with_name("other.ts"))
    seen.append(hatch_build.is_current(project))

    assert [True, True, False, True, True, False] == seen


def test_a_package_without_sources_keeps_its_build(dist: Path, tmp_path: Path) -> None:
    """Where only the built page was shipped, it counts as current."""

    shutil.copytree(dist, tmp_path / hatch_build.TARGET)

    assert hatch_build.is_current(tmp_path)
    assert not hatch_build.is_current(tmp_path / "elsewhere")


def test_scripts_stay_within_their_budget(dist: Path) -> None:
    """All scripts together are at most 90 KB gzipped."""

    scripts = list(dist.rglob("*.js"))
    size = sum(len(gzip.compress(script.read_bytes(), 6)) for script in scripts)

    assert scripts
    assert size <= SCRIPT_BYTES_MAX


def test_the_page_holds_nothing_that_its_policy_refuses(dist: Path) -> None:
    """No inline script, no inline style, no address with a leading slash or another host."""

    page = (dist / "index.html").read_text("utf-8")
    addresses = re.findall(r"""(?:src|href)="([^"]*)\"""", page)

    assert [] == re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page)
    assert addresses
    assert all(address.startswith("./") for address in addresses)


def test_styles_load_from_the_same_server_only(dist: Path) -> None:
    """Whatever a stylesheet loads lies beside it; the font is the one file that it needs."""

    loaded = [
        address
        for sheet in dist.rglob("*.css")
        for address in re.findall(r"url\(([^)]*)\)", sheet.read_text("utf-8"))
    ]

    assert len(loaded) == 1
    assert re.fullmatch(r"\./inter-latin-wght-normal-[\w-]+\.woff2", loaded[0])


def test_the_terms_of_what_is_carried_are_shipped(dist: Path) -> None:
    """The font and the two libraries come with their licences."""

    terms = (dist / "licences.txt").read_text("utf-8")

    assert "sil open font license" in terms.lower()
    assert {"Inter", "uPlot", "Svelte"} <= set(terms.split())


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    """Every locked package has a hash; none says where it was downloaded from."""

    lock = json.loads((WEB / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert packages
    assert [] == [name for name, entry in packages.items() if "resolved" in entry]
    assert [] == [
        name for name, entry in packages.items() if not entry["integrity"].startswith("sha512-")
    ]


def test_decimals_coverage_and_warnings_hold() -> None:
    """The page's own pure modules pass their tests, on the node of the build."""

    node, _ = hatch_build.node_command()
    tests = sorted(str(path) for path in (WEB / "tests").glob("*.test.ts"))
    done = subprocess.run(
        [str(node), "--test", *tests], cwd=WEB, capture_output=True, text=True, check=False
    )

    assert tests
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_network_the_installation_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where packages cannot be fetched, one sentence says so and nothing is raised."""

    project = copy_of_project(tmp_path)
    monkeypatch.setenv("npm_config_registry", CLOSED_PORT)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")

    sentence = hatch_build.build_or_say(project)

    assert sentence is not None
    assert SENTENCE.match(sentence), sentence
    assert not (project / hatch_build.TARGET).exists()


@pytest.mark.slow
def test_types_are_proven_and_two_builds_are_identical(dist: Path, tmp_path: Path) -> None:
    """A build elsewhere, with the type check, yields the same files byte for byte."""

    project = copy_of_project(tmp_path)
    done = subprocess.run(
        [sys.executable, "hatch_build.py", "--check"],
        cwd=project,
        env={**os.environ, "NODE_ENV": "development"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    built = project / hatch_build.TARGET
    assert contents(dist) == contents(built)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }

"""The image: pinned, unprivileged, and made of files that are there."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from fillbook import __version__
from tests.tidy.source import ROOT

FROM = re.compile(r"^FROM (?P<image>\S+)", re.MULTILINE)
COPY = re.compile(r"^COPY (?!--from)(?P<words>.+)$", re.MULTILINE)
USER = re.compile(r"^USER (?P<user>\S+)$", re.MULTILINE)
PINNED = re.compile(r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z-]+")
DOCKERFILES = ("Dockerfile", "deploy/pgbouncer/Dockerfile")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def copied(name: str) -> list[str]:
    """What a Dockerfile copies from its context."""
    return [word for match in COPY.finditer(text_of(name)) for word in match["words"].split()[:-1]]


def left_outside(path: str, rules: list[str]) -> bool:
    """Whether .dockerignore keeps a path of the context outside; the last rule that fits counts."""
    outside = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        parts = Path(path).parts
        above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        anywhere = pattern.removeprefix("**/")
        if any(fnmatch(one, pattern) for one in above) or (
            pattern.startswith("**/") and any(fnmatch(part, anywhere) for part in parts)
        ):
            outside = not rule.startswith("!")
    return outside


def ignored() -> list[str]:
    lines = text_of(".dockerignore").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", DOCKERFILES)
def test_it_is_pinned_and_unprivileged(name: str) -> None:
    """Each base has a full version; the last user is a number that is not root's."""
    text = text_of(name)
    users = [match["user"] for match in USER.finditer(text)]

    images = [match["image"] for match in FROM.finditer(text)]
    assert [] == [image for image in images if not PINNED.fullmatch(image)]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[-1])
    assert not re.search(r"^ADD |curl|wget|latest|sudo|chmod 777", text, re.MULTILINE)
    assert "HEALTHCHECK" in text


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_is_copied_is_there(name: str) -> None:
    """Each source exists in the context, and is not kept outside of it."""
    context = (ROOT / name).parent
    rules = ignored() if name == "Dockerfile" else []

    assert len(copied(name)) > 0
    assert [] == [one for one in copied(name) if not (context / one).exists()]
    assert [] == [one for one in copied(name) if left_outside(one, rules)]


@pytest.mark.parametrize(
    "path",
    [".env", ".git/config", "tests/conftest.py", "artifacts/x", ".venv/bin/python"],
)
def test_secrets_and_rubbish_stay_outside(path: str) -> None:
    """The context is a list of what is needed, so that a new file is outside by itself."""
    rules = ignored()

    assert "*" == rules[0]
    assert left_outside(path, rules)
    assert not left_outside("src/fillbook/__init__.py", rules)
    assert left_outside("src/fillbook/__pycache__/x.pyc", rules)


def test_packages_come_with_hashes() -> None:
    """What is installed from outside is checked; what was built is installed alone."""
    text = text_of("Dockerfile").replace("\\\n", " ")
    installs = re.findall(r"pip install [^&\n]+", text)

    assert 3 == len(installs)
    assert [] == [
        one for one in installs
        if "--require-hashes -r requirements/" not in one and "--no-deps --no-index" not in one
    ]  # fmt: skip


def test_the_door_of_the_image_is_the_command(tmp_path: Path) -> None:
    """`python main.py VERB` is `fillbook VERB`, exit codes included."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *words], check=False, capture_output=True,
            text=True, cwd=tmp_path, env={"HOME": str(tmp_path), "TERM": "dumb"},
        )  # fmt: skip

    assert f"fillbook {__version__}\n" == run("--version").stdout
    helped = run("backfill", "--help")
    assert (0, True) == (helped.returncode, "--months" in helped.stdout)
    refused = run("db", "restore", "none.tar")
    assert (2, "fillbook: There is no backup none.tar.\n") == (refused.returncode, refused.stderr)

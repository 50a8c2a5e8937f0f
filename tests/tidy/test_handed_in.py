"""The clock and the configuration are handed in: nothing below the faces fetches them itself."""

from collections.abc import Iterator

import pytest

from tests.tidy.source import PACKAGE, Finding, SourceFile, apply, example, files, full_names

WALL_CLOCKS = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "time.ctime",
        "time.gmtime",
        "time.localtime",
        "time.time",
        "time.time_ns",
    }
)
CONFIGURATION = frozenset({"os.environ", "os.environb", "os.getenv", "os.putenv"})

# The top floor, and the one place where the real clock is tied to everything else.
MAY_READ_THE_CLOCK = (f"{PACKAGE}/faces/", f"{PACKAGE}/doors/", f"{PACKAGE}/wiring/")
# A server process is started with the environment of its starter, as any child is.
MAY_READ_CONFIGURATION = (
    f"{PACKAGE}/faces/",
    f"{PACKAGE}/doors/",
    f"{PACKAGE}/wiring/",
    f"{PACKAGE}/settings/",
    f"{PACKAGE}/__main__.py",
    f"{PACKAGE}/ledger/_server_user.py",
)


def own_clocks(source: SourceFile) -> Iterator[Finding]:
    if source.path.startswith(MAY_READ_THE_CLOCK):
        return
    for line, name in full_names(source.tree):
        if name in WALL_CLOCKS:
            yield Finding(source.path, line, f"{name}: take the clock as an argument")


def own_configuration(source: SourceFile) -> Iterator[Finding]:
    if source.path.startswith(MAY_READ_CONFIGURATION):
        return
    for line, name in full_names(source.tree):
        if name in CONFIGURATION:
            yield Finding(source.path, line, f"{name}: settings reach this floor as arguments")


def test_the_clock_is_handed_in() -> None:
    """No wall clock is read below the faces, but where everything is tied together."""

    assert apply(own_clocks, files(PACKAGE)) == []


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\nnow = datetime.datetime.now(datetime.UTC)",
        "from datetime import UTC, datetime\nnow = datetime.now(UTC)",
        "import datetime as dt\nnow = dt.datetime.utcnow()",
        "from datetime import date as day\ntoday = day.today()",
        "import time\nnow = time.time()",
        "from time import time\nclock = time",
        "import time as t\nnow = t.time_ns()",
        "from datetime import datetime\ndef f(clock=datetime.now): ...",
    ],
)
def test_a_clock_of_its_own_is_found(text: str) -> None:
    """Under any alias, called or only named."""

    assert len(apply(own_clocks, [example(text)])) == 1


def test_a_stopwatch_is_no_clock() -> None:
    """Measuring how long something takes is allowed anywhere."""

    assert apply(own_clocks, [example("import time\nbegun = time.monotonic()")]) == []


def test_the_faces_may_read_the_clock() -> None:
    """Where the clock comes from is the business of the top floor."""
    text = "import time\nnow = time.time()"

    assert apply(own_clocks, [example(text, path=f"{PACKAGE}/faces/cli/app.py")]) == []


def test_configuration_is_handed_in() -> None:
    """No environment variable is read below the settings."""

    assert apply(own_configuration, files(PACKAGE)) == []


@pytest.mark.parametrize(
    "text",
    [
        "import os\nkey = os.environ['KEY']",
        "from os import environ\nkey = environ.get('KEY')",
        "from os import getenv as read\nkey = read('KEY')",
    ],
)
def test_configuration_of_its_own_is_found(text: str) -> None:
    """Under any alias."""

    assert len(apply(own_configuration, [example(text)])) == 1

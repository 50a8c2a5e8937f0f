"""What is said by hand is booked with who, when and why, changes the figures, and can be undone."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.command import Ended, fillbook, paper_venue

SMALL = ("--executions", "200", "--days", "10", "--end", "2026-11-20T12:00:00Z")
HISTORY = ("--from", "2026-11-10T12:00:00Z", "--to", "2026-11-20T12:00:00Z")


class Told:
    """A home with a small book, and the command in it."""

    def __init__(self, home: Path, given: Mapping[str, str]) -> None:
        self.home, self.given = home, given

    def __call__(self, *words: str, **more: str) -> Ended:
        """Run a command to its end."""
        return fillbook(*words, home=self.home, given={**self.given, **more})

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """The rows of a report."""
        ended = self("report", *words, "--format", "json")
        assert ended.code == 0, ended.err
        rows: list[dict[str, Any]] = json.loads(ended.out)["rows"]
        return rows


@pytest.fixture
def told(home: Path) -> Iterator[Told]:
    """A backfilled home; its venue answers until the end of the test."""
    with paper_venue(*SMALL) as login:
        command = Told(home, login)
        done = command("backfill", *HISTORY)
        assert done.code == 0, done.err
        yield command


def test_an_execution_is_given_to_another_bot_and_back(told: Told) -> None:
    """The figures follow, the log says what changed, and the book still verifies."""
    newest = told.rows("events", "--limit", "200")
    closing = next(row for row in newest if row["event"] == "closed")
    before = told.rows("trades", "--limit", "1000")

    given = told(
        "assign", closing["execution_id"], "--bot", "other_001", "--new-bot",
        "--because", "wrong window",
    )  # fmt: skip
    after = told.rows("trades", "--limit", "1000")
    stated = told.rows("statements")
    restated = told.rows("restatements")
    verified = told("verify")
    undone = told("assign", closing["execution_id"], "--undo", "--because", "it was right")

    assert given.code == 0, given.err
    assert "other_001" in given.out
    assert "something else now" in given.out
    assert after != before
    assert [(row["kind"], row["reason"], row["state"]) for row in stated] == [
        ("assign", "wrong window", "standing")
    ]
    assert {row["stated_reason"] for row in restated} == {"wrong window"}
    assert verified.code == 0, verified.out
    assert undone.code == 0, undone.err
    assert told.rows("trades", "--limit", "1000") == before
    assert [row["state"] for row in told.rows("statements")] == ["withdrawal", "undone"]


def test_a_void_a_correction_and_an_opening_can_be_undone(told: Told) -> None:
    """Afterwards every figure is as before, and each act stays on record."""
    before = told.rows("matches", "--limit", "1000")
    event = told.rows("events", "--limit", "200")[-1]
    execution, symbol = event["execution_id"], event["symbol"]
    acts = (
        ("void", execution),
        ("correct", execution, "--set", "price=1", "--set", "fee=0"),
        ("opening-balance", symbol, "-2", "--price", "3", "--bot", "other_001"),
    )
    for command, *words in acts:
        done = told(command, *words, "--because", "a test")
        assert done.code == 0, done.err
        assert told.rows("matches", "--limit", "1000") != before
        undone = told(command, words[0], "--undo", "--because", "no longer")
        assert undone.code == 0, undone.err
        assert told.rows("matches", "--limit", "1000") == before

    assert [row["state"] for row in told.rows("statements")] == ["withdrawal", "undone"] * 3
    assert told("verify").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("assign", "nothing", "--bot", "b", "--because", "w"), "There is no execution"),
        (("assign", "nothing", "--because", "w"), "--bot BOT"),
        (("assign", "nothing", "--bot", "b", "--reason", "mood", "--because", "w"), "no reason"),
        (("correct", "nothing", "--set", "mood=1", "--because", "w"), "FIELD=VALUE"),
        (("correct", "nothing", "--set", "qty=0", "--because", "w"), "above zero"),
        (("void", "nothing", "--because", " "), "--because"),
        (("opening-balance", "BTCUSDT", "1", "--leg", "up", "--because", "w"), "A leg is one of"),
        (("opening-balance", "BTCUSDT", "x", "--because", "w"), "not a number"),
        (("opening-balance", "BTCUSDT", "1", "--at", "2020-01-01", "--because", "w"), "outside"),
        (("opening-balance", "BTCUSDT", "--undo", "--because", "w"), "0 opening balances"),
        (("correct", "x", "--set", "fee=1", "--set", "fee=2", "--because", "w"), "given twice"),
        (("intent", "id", "--reason", "entry"), "--bot BOT"),
        (("intent", "id", "--bot", "b"), "No bot is known"),
        (("intent", "id", "--bot", "Unasigned"), "the nearest: unassigned"),
        (("intent", "id", "--undo"), "No intent stands"),
        (("bots", "add", "unassigned"), "stands for nobody"),
        (
            (
                "price",
                "A",
                "B",
                "1",
                "--from",
                "2026-02-02",
                "--to",
                "2026-01-02",
                "--because",
                "w",
            ),
            "empty",
        ),
        (("void", "nothing", "--because", "w", "--account", "second"), "There is no account named"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str, shared: Told) -> None:
    """In one sentence, with exit code 2, and nothing is booked."""
    ended = shared(*words)

    assert (ended.code, len(ended.err.splitlines())) == (2, 1), ended
    assert said in ended.err


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A home with a small book that no test changes."""
    home = tmp_path_factory.mktemp("shared")
    with paper_venue(*SMALL) as login:
        command = Told(home, login)
        assert command("backfill", *HISTORY).code == 0
        yield command
        command("db", "stop")


def test_settings_make_bots_known_and_ids_readable(told: Told) -> None:
    """A pattern is stated once, restates what it reads, and `none` takes it back."""
    ids = {row["order_id"] for row in told.rows("events", "--limit", "1000")}
    pattern = {"CLIENT_TAG_PATTERN": r"(?P<bot>[a-z]+).*", "REGISTERED_BOTS": "quiet_001, b"}

    first = told("sync", **pattern)
    bots = {row["bot_id"]: row["known_as"] for row in told.rows("bots")}
    again = told("sync", **pattern)
    without = told("sync")
    stated = [(row["kind"], row["stated_by"], row["state"]) for row in told.rows("statements")]
    back = told("sync", CLIENT_TAG_PATTERN="none")

    assert (first.code, again.code, without.code, back.code) == (0, 0, 0, 0), first
    assert ids != set()
    assert bots["quiet_001"] == "setting"
    assert "seen, not registered" in bots.values()
    assert stated == [("tag_pattern", "settings", "standing")]
    assert [row["state"] for row in told.rows("statements")] == ["withdrawal", "undone"]
    assert told("verify").code == 0


def test_a_bot_is_registered(home: Path) -> None:
    """By name, before there is any account; later only what is given is changed."""
    first = fillbook("bots", "add", "grid_001", "--name", "Grid", "--mode", "paper", home=home)
    second = fillbook("bots", "add", "grid_001", "--name", "Grid 1", home=home)
    given = fillbook("bots", "add", "grid_001", "--status", "paused", home=home)
    listed = json.loads(fillbook("bots", "--format", "json", home=home).out)["rows"]

    assert (first.code, second.code, given.code) == (0, 0, 0), first
    assert [tuple(row.values())[:6] for row in listed] == [
        ("grid_001", "Grid 1", "", "paused", "paper", "registered")
    ]


def test_an_intent_is_given_and_taken_back(told: Told) -> None:
    """By --undo, once; a bot that nobody knows is refused, and the nearest name is said."""
    (bot, *_) = (row["bot_id"] for row in told.rows("bots"))

    slip = told("intent", "a-b", "--bot", bot + "x")
    given = told("intent", "a-b", "--bot", bot)
    undone = told("intent", "a-b", "--undo")
    again = told("intent", "a-b", "--undo")

    assert (slip.code, given.code, undone.code, again.code) == (2, 0, 0, 2), given
    assert f"nearest: {bot}" in slip.err
    assert "No intent stands" in again.err
    assert [(row["said"], row["reason"], row["state"]) for row in told.rows("statements")] == [
        ("whose it is found to be", "registered by hand", "withdrawal"),
        (bot, "registered by hand", "undone"),
    ]


def test_a_second_correction_adds_to_the_first(told: Told) -> None:
    """All that stands corrected is printed, and counts."""
    execution = told.rows("events", "--limit", "200")[-1]["execution_id"]
    correct = ("correct", execution, "--because", "a test")

    first = told(*correct, "--set", "price=7")
    second = told(*correct, "--set", "fee=0")
    (newest, _) = told.rows("statements")

    assert (first.code, second.code) == (0, 0), second
    assert ": price = 7." in first.out
    assert ": fee = 0, price = 7." in second.out
    assert (newest["said"], newest["state"]) == ("fee = 0, price = 7", "standing")


def test_ids_that_nothing_reads_are_said(told: Told) -> None:
    """`test`, `stats` and the reports name how many there are, and what to look at."""
    quiet = told("test")
    url = json.loads(told("db", "status", "--format", "json").out)["url"]
    with psycopg.connect(url) as conn:
        marked = conn.execute(
            "UPDATE derived.lines SET tag_unread = true WHERE execution_key IN ("
            "SELECT execution_key FROM derived.lines WHERE execution_key IS NOT NULL"
            " ORDER BY executed_at LIMIT 3)"
        )
        assert marked.rowcount >= 3
    checked = told("test")
    totals = told("stats")
    unread = told.rows("tags")

    assert (quiet.code, "client ids" in quiet.out) == (0, False)
    assert (checked.code, totals.code) == (0, 0)
    assert "warn bybit client ids" in checked.out
    assert "3 executions" in checked.out
    assert "3 executions have a client id that nothing reads" in totals.out
    assert sum(row["executions"] for row in unread) == 3


def test_an_address_that_cannot_be_is_one_failure(home: Path) -> None:
    """`test` goes on to the end, and its exit code says that something is wrong."""
    given = {"BYBIT_API_KEY": "k", "BYBIT_API_SECRET": "s", "BYBIT_BASE_URL": "http://example.com"}

    ended = fillbook("test", home=home, given=given)

    assert ended.code == 1
    assert "ok   database" in ended.out
    assert "FAIL bybit address" in ended.out
    assert ended.err == ""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("BACKFILL_MONTHS", "many", "a whole number is needed"),
        ("RATE_LIMIT_DELAY", "soon", "a number is needed"),
        ("BYBIT_TESTNET", "perhaps", "write true or false"),
        ("BACKFILL_MONTHS", "0", "it must be greater than or equal to 1"),
        ("CLIENT_TAG_PATTERN", "no group", "(?P<bot>...)"),
    ],
)
def test_a_setting_is_judged_in_plain_words(name: str, value: str, words: str, home: Path) -> None:
    """No word of any library."""
    ended = fillbook("stats", home=home, given={name: value})

    assert ended.code == 2
    assert ended.err == f"fillbook: {name} cannot be used: {words}.\n" or words in ended.err
    assert "Input should" not in ended.err

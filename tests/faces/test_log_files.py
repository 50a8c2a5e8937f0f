"""Log files: bounded, never shared by accident, never in the way, whoever moves them."""

import json
import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from structlog.contextvars import bound_contextvars

import fillbook
from fillbook.errors import UsageError
from fillbook.sync import side_by_side
from fillbook.wiring import logs
from fillbook.wiring.log_files import (
    AGE_MAX,
    ROTATED_MAX,
    RUN_FILES_MAX,
    RUN_FILES_OPEN_MAX,
    Growing,
    RunFiles,
    new_run_file,
)

AT = datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)
CANARY = "log-canary-secret"


def clock() -> datetime:
    """An hour that does not pass."""
    return AT


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What is configured and hidden here ends here."""
    hidden = set(logs._hidden)
    yield
    logs._forget()
    logs._hidden.clear()
    logs._hidden.update(hidden)
    structlog.reset_defaults()


def lines_of(path: Path) -> list[dict[str, object]]:
    """The records of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_two_runs_of_one_second_have_two_files(tmp_path: Path) -> None:
    """Each is made by whoever got it, so that no other program has the same."""
    first, second = new_run_file(tmp_path, AT), new_run_file(tmp_path, AT)

    assert first == tmp_path / "trade_sync" / "trade_sync_20261120_123456.log"
    assert second == tmp_path / "trade_sync" / "trade_sync_20261120_123456_2.log"
    assert first.stat().st_mode & 0o077 == 0


def test_only_so_many_files_of_runs_are_kept(tmp_path: Path) -> None:
    """The oldest go, and what is not ours stays."""
    folder = tmp_path / "trade_sync"
    folder.mkdir()
    (folder / "notes.txt").touch()
    for number in range(RUN_FILES_MAX + 5):
        (folder / f"trade_sync_20250101_{number:06}.log").touch()

    newest = new_run_file(tmp_path, AT)

    kept = sorted(path.name for path in folder.glob("trade_sync_*.log"))
    assert len(kept) == RUN_FILES_MAX
    assert kept[-1] == newest.name
    assert kept[0] == "trade_sync_20250101_000006.log"
    assert (folder / "notes.txt").exists()


def test_a_file_is_rotated_when_it_is_large(tmp_path: Path) -> None:
    """No file is longer than the bound by more than a line, and only so many are kept."""
    file = Growing(tmp_path / "x.log", clock, rotates=True, bytes_max=1000)
    for number in range(1000):
        file.write(json.dumps({"number": number, "filling": "x" * 50}))
    file.close()

    found = sorted(path for path in tmp_path.iterdir() if path.suffix != ".lock")
    assert len(found) == ROTATED_MAX + 1
    assert max(path.stat().st_size for path in found) < 1100
    assert lines_of(tmp_path / "x.log")[-1]["number"] == 999
    newest_before = lines_of(tmp_path / "x.log.1")[-1]["number"]
    assert lines_of(tmp_path / "x.log")[0]["number"] == int(str(newest_before)) + 1


def test_a_file_is_rotated_when_it_is_old(tmp_path: Path) -> None:
    """By what its first line says, so that a restart does not make it young."""
    path = tmp_path / "x.log"
    path.write_text(json.dumps({"timestamp": (AT - AGE_MAX).isoformat()}) + "\n")
    file = Growing(path, clock, rotates=True)

    file.write('{"event": "new"}')
    file.write('{"event": "newer"}')
    file.close()

    assert len(lines_of(tmp_path / "x.log.1")) == 1
    assert [line["event"] for line in lines_of(path)] == ["new", "newer"]


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    """As logrotate does it, without a signal."""
    file = Growing(tmp_path / "x.log", clock)
    file.write("one")
    (tmp_path / "x.log").rename(tmp_path / "x.log.old")

    file.write("two")
    file.close()

    assert (tmp_path / "x.log.old").read_text() == "one\n"
    assert (tmp_path / "x.log").read_text() == "two\n"


def write_many(path: Path, name: str, count: int) -> None:
    """A process that writes lines and rotates."""
    file = Growing(path, clock, rotates=True, bytes_max=20_000)
    for number in range(count):
        file.write(json.dumps({"name": name, "number": number, "filling": "x" * 80}))


def test_two_processes_rotate_one_file_and_lose_nothing(tmp_path: Path) -> None:
    """A standby beside a service: each line is there once, whole."""
    path, count = tmp_path / "x.log", 700
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(path, name, count)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    found = [
        (line["name"], line["number"])
        for file in tmp_path.iterdir()
        if file.suffix != ".lock"
        for line in lines_of(file)
    ]
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert sorted(found) == sorted((name, number) for name in "ab" for number in range(count))
    assert len(list(tmp_path.iterdir())) > 4


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    """What was lost is counted, and said when there is room again."""
    path = tmp_path / "x.log"
    path.symlink_to("/dev/full")
    file = Growing(path, clock)
    file.write("one")
    file.write("two")
    path.unlink()

    file.write('{"event": "three"}')
    file.close()

    assert lines_of(path) == [
        {"event": "log lines were lost", "level": "warning", "count": 2},
        {"event": "three"},
    ]


def test_a_folder_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    """With the setting that names another."""
    (tmp_path / "logs").write_text("a file, not a folder")

    with pytest.raises(UsageError, match="EXCHANGE_SYNC_LOG_DIR"):
        logs.log_to(tmp_path / "logs", level="INFO", started_at=AT)
    with pytest.raises(UsageError, match="EXCHANGE_SYNC_LOG_DIR"):
        logs.log_service(tmp_path / "logs", level="INFO", clock=clock)


def test_the_service_writes_each_run_into_a_file_of_its_own(tmp_path: Path) -> None:
    """All records are in the service's file; those of a run are in the run's file too."""
    path = logs.log_service(tmp_path, level="INFO", clock=clock)
    log = structlog.get_logger()
    log.info("service started")
    for run in ("aaa", "bbb"):
        with bound_contextvars(run=run, account="bybit"):
            log.info("sync started")
            log.info("sync ended", url=f"https://host/?k={CANARY}")
    logs.hide(CANARY)
    with bound_contextvars(run="ccc"):
        log.warning("window not proven", reason=CANARY)

    assert [line["event"] for line in lines_of(path)][:2] == ["service started", "sync started"]
    assert len(lines_of(path)) == 6
    files = sorted((tmp_path / "trade_sync").iterdir())
    assert [{line["run"] for line in lines_of(file)} for file in files] == [
        {"aaa"}, {"bbb"}, {"ccc"},
    ]  # fmt: skip
    assert [len(lines_of(file)) for file in files] == [2, 2, 1]
    assert lines_of(files[0])[0]["account"] == "bybit"
    assert CANARY not in files[2].read_text(encoding="utf-8")
    assert path.name == "exchange_sync.log"


def open_descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_many_runs_at_once_keep_few_files_open(tmp_path: Path) -> None:
    """A run that speaks again goes on in its own file."""
    runs = RunFiles(tmp_path, clock)
    before = open_descriptors()
    for round_ in range(2):
        for number in range(3 * RUN_FILES_OPEN_MAX):
            runs.write(str(number), json.dumps({"run": number, "round": round_}))
    opened = open_descriptors() - before
    runs.close()

    files = list((tmp_path / "trade_sync").iterdir())
    assert opened <= RUN_FILES_OPEN_MAX
    assert len(files) == 3 * RUN_FILES_OPEN_MAX
    assert all(len({line["run"] for line in lines_of(file)}) == 1 for file in files)
    assert all([line["round"] for line in lines_of(file)] == [0, 1] for file in files)


def test_reopening_lets_go_of_the_files(tmp_path: Path) -> None:
    """As a signal asks for it: the next record goes into the file of that name."""
    path = logs.log_service(tmp_path, level="INFO", clock=clock)
    structlog.get_logger().info("one")
    path.rename(tmp_path / "moved")

    logs.reopen()
    structlog.get_logger().info("two")

    assert [line["event"] for line in lines_of(path)] == ["two"]


def test_a_guest_leaves_a_host_alone_that_has_configured_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its lines go where structlog sends them by itself; the engine's go to our files."""
    logs.log_as_guest(tmp_path, level="WARNING", clock=clock)
    logs.hide(CANARY)

    assert not structlog.is_configured()
    structlog.get_logger().info("the host's")
    side_by_side.log.warning("window not proven", reason=CANARY)
    side_by_side.log.info("too quiet")

    assert "the host's" in capsys.readouterr().out
    (line,) = lines_of(tmp_path / "exchange_sync.log")
    assert (line["event"], line["reason"]) == ("window not proven", "[hidden]")


def test_a_guest_leaves_its_hosts_logging_alone(tmp_path: Path) -> None:
    """A program that has configured structlog, before or after, gets its own lines alone."""
    told: list[str] = []

    def keep(_logger: object, _method: str, event: object) -> str:
        told.append(str(event))
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    kept = logs.log_as_guest(tmp_path, level="INFO", clock=clock)
    structlog.get_logger().info("the host's")
    structlog.configure(processors=[keep])
    structlog.get_logger().info("the host's")
    with bound_contextvars(run="aaa"):
        side_by_side.log.info("sync started")
    logs.logger_of(kept).info("ours", took=timedelta(seconds=1))

    assert told == ["{'event': \"the host's\"}"] * 2
    events = [line["event"] for line in lines_of(tmp_path / "exchange_sync.log")]
    assert events == ["sync started", "ours"]
    (of_run,) = (tmp_path / "trade_sync").iterdir()
    assert [line["run"] for line in lines_of(of_run)] == ["aaa"]


def test_a_program_of_ours_configures_structlog(tmp_path: Path) -> None:
    """Also after it was a guest: every logger then writes into its file."""
    logs.log_as_guest(tmp_path / "guest", level="INFO", clock=clock)
    path = logs.log_service(tmp_path, level="INFO", clock=clock)

    structlog.get_logger().info("one")
    side_by_side.log.info("two")

    assert [line["event"] for line in lines_of(path)] == ["one", "two"]


def test_whatever_a_host_may_run_logs_by_our_own_logger() -> None:
    """structlog's own logger would write into the host's log; commands are programs of ours."""
    package = Path(str(fillbook.__file__)).parent
    by_themselves = {
        str(path.relative_to(package).parts[0])
        for path in package.rglob("*.py")
        if "structlog.get_logger(" in path.read_text(encoding="utf-8") and path.name != "_logger.py"
    }

    assert by_themselves == {"faces"}

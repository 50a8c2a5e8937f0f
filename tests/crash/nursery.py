"""A parent that has imported the program already, and forks a real process for each command.

Imports are most of a short command's time. Each child is a process of its own, with its own
environment, folder and output, and runs the program's own `main`; only the imports are shared.

The parent reads one line of JSON for each command and writes one when it begins and one when it has
ended. It ends when its input does.
"""

import asyncio
import importlib
import json
import os
import selectors
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.crash.commands import SECONDS_MAX, Ended

IMPORTED = (
    "fillbook.__main__", "fillbook.faces.cli", "fillbook.faces.cli.fetch",
    "fillbook.faces.cli.follow", "fillbook.wiring", "fillbook.sync.engine", "fillbook.sync.live",
    "fillbook.venues.bybit", "fillbook.ledger.verify", "fillbook.reports.statements",
)  # fmt: skip
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Child:
    """A command that runs."""

    pid: int
    out: Path
    err: Path
    code: "asyncio.Future[int]"
    begun: float = field(default_factory=time.monotonic)

    def signal(self, number: int) -> None:
        """Send a signal; one that has ended hears nothing."""
        if not self.code.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)

    async def ended(self, *, seconds_max: float = SECONDS_MAX) -> Ended:
        """Wait for its end; one that hangs is killed and fails the test."""
        try:
            code = await asyncio.wait_for(asyncio.shield(self.code), seconds_max)
        except TimeoutError:
            self.kill()
            raise AssertionError(
                f"still running after {seconds_max} s: {self.out.read_text()}{self.err.read_text()}"
            ) from None
        took = time.monotonic() - self.begun
        return Ended(code, self.out.read_text(), self.err.read_text(), took)


@dataclass(slots=True)
class Nursery:
    """The parent, seen from the test."""

    process: Process
    folder: Path
    starting: dict[int, "asyncio.Future[int]"] = field(default_factory=dict)
    ending: dict[int, "asyncio.Future[int]"] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=count)

    async def start(self, *words: str, home: Path, environment: Mapping[str, str]) -> Child:
        """Start a command."""
        assert self.process.returncode is None, "the parent of the processes has ended"
        number, loop = next(self.numbers), asyncio.get_running_loop()
        out, err = (self.folder / f"{number}.{name}" for name in ("out", "err"))
        for path in (out, err):
            path.touch()
        self.starting[number] = loop.create_future()
        self.ending[number] = loop.create_future()
        told = {
            "number": number, "words": words, "home": str(home), "environment": dict(environment),
            "out": str(out), "err": str(err),
        }  # fmt: skip
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(told).encode() + b"\n")
        pid = await asyncio.wait_for(self.starting[number], SECONDS_MAX)
        return Child(pid, out, err, self.ending[number])

    async def listen(self) -> None:
        """Hear which began and which ended."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            told = json.loads(line)
            futures = self.ending if "code" in told else self.starting
            futures[told["number"]].set_result(told.get("code", told.get("pid")))
        for future in (*self.starting.values(), *self.ending.values()):
            if not future.done():
                future.set_exception(AssertionError("the parent of the processes has ended"))
                future.exception()  # who waits hears it; nobody need


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """A parent for as long as the block lasts; what still runs at its end is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.nursery", cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    with tempfile.TemporaryDirectory(prefix="fb-out-") as folder:
        one = Nursery(process, Path(folder))
        listening = asyncio.create_task(one.listen())
        try:
            yield one
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()
            await listening


@dataclass(slots=True)
class _Parent:
    """The parent, seen from itself. It has no threads and no loop, which a fork would not carry."""

    waited_for: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    pids: dict[int, int] = field(default_factory=dict)  # by the number of the command

    def serve(self) -> None:
        self.waited_for.register(sys.stdin.fileno(), selectors.EVENT_READ)
        left = b""
        while True:
            for key, _ in self.waited_for.select():
                if key.fd != sys.stdin.fileno():
                    self.bury(key.fd, key.data)
                    continue
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    self.end_all()
                    return
                *lines, left = (left + chunk).split(b"\n")
                for line in lines:
                    self.bear(json.loads(line))

    def bear(self, told: dict[str, object]) -> None:
        number = int(str(told["number"]))
        pid = os.fork()
        if pid == 0:
            _live(told)
        self.pids[number] = pid
        self.waited_for.register(os.pidfd_open(pid), selectors.EVENT_READ, number)
        self.tell(number=number, pid=pid)

    def bury(self, fd: int, number: int) -> None:
        self.waited_for.unregister(fd)
        os.close(fd)
        _, status = os.waitpid(self.pids.pop(number), 0)
        self.tell(number=number, code=os.waitstatus_to_exitcode(status))

    def end_all(self) -> None:
        for pid in self.pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def tell(self, **what: int) -> None:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def _live(told: dict[str, object]) -> None:
    """Become the command."""
    from fillbook.__main__ import main

    words, given = told["words"], told["environment"]
    assert isinstance(words, list)
    assert isinstance(given, dict)
    for fd, path in ((1, told["out"]), (2, told["err"])):
        os.dup2(os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), fd)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(given)
    os.chdir(str(told["home"]))
    sys.argv = ["fillbook", *words]
    code = 70
    try:
        main()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except BaseException:  # noqa: BLE001 - the interpreter's last word, as without a fork
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    _Parent().serve()

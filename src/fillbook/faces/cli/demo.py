"""`fillbook demo`: a paper venue, a backfill, a summary, a proof, the page. No keys, no network.

Everything lives under FILLBOOK_HOME/demo, one folder per history. The first run fixes the history's
end, so that a second run finds all of it booked.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from fillbook import wiring
from fillbook.domain.window import Window, from_milliseconds, milliseconds
from fillbook.errors import FillbookError, VerifyFailed
from fillbook.faces.cli import progress
from fillbook.faces.cli.ask import put_answer, read_report
from fillbook.faces.cli.fetch import fetch
from fillbook.faces.cli.options import Format
from fillbook.faces.cli.run import put, run, say
from fillbook.ledger._pool import Pool
from fillbook.ledger.rebuild import rebuild_outdated
from fillbook.ledger.verify import Verified, verify
from fillbook.reports._report import Query
from fillbook.settings import Login, Settings, load
from fillbook.sync.engine import Passed
from fillbook.wiring import logs

MINUTE = timedelta(minutes=1)
PAPER_ANSWER_BYTES_MAX = 10_000
PAPER_STOP_SECONDS = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """Which history to make."""

    days: int
    bots: int
    executions: int
    seed: int

    @property
    def folder(self) -> str:
        """Its own folder: another history is another book."""
        return f"seed{self.seed}-{self.days}d-{self.bots}bots-{self.executions}"


@dataclass(frozen=True, slots=True)
class Paper:
    """A running paper venue."""

    url: str
    key: str
    secret: str


def run_demo(wish: Wish, *, port: int | None, output: Format) -> None:
    """All of it. Without a port it ends after the summary."""
    settings = load()
    if port is not None:
        from fillbook.faces.server import LOOPBACK, bind  # brings the web server

        bind(LOOPBACK, port).close()  # a taken port is said before the work, not after it
    home = settings.folder / "demo" / wish.folder
    settings = wiring.with_home(settings, home)
    home.mkdir(parents=True, exist_ok=True)
    end = _end_of_history(home / "demo.json", wish)
    logs.log_to(settings.logs, level=settings.log_level, started_at=wiring.now())
    say(f"demo: {wish.bots} bots, {wish.days} days up to {end:%Y-%m-%d %H:%M} UTC, in {home}")
    with paper_venue(wish, end) as paper:
        run(lambda: _demo(settings, wish, end, paper, port=port, output=output))


def _end_of_history(path: Path, wish: Wish) -> datetime:
    """The end that the first run fixed."""
    if path.is_file():
        try:
            return from_milliseconds(json.loads(path.read_text(encoding="utf-8"))["end_ms"])
        except (ValueError, KeyError, TypeError):
            raise FillbookError(f"{path} is damaged: remove its folder and run again.") from None
    end = wiring.now().replace(second=0, microsecond=0) - MINUTE
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(wish) | {"end_ms": milliseconds(end)}), encoding="utf-8")
    draft.replace(path)
    return end


@contextmanager
def paper_venue(wish: Wish, end: datetime) -> Iterator[Paper]:
    """A paper Bybit in a process of its own, stopped at the end."""
    command = [sys.executable, "-m", "papervenues.bybit", "--port", "0"]
    for name in ("days", "bots", "executions", "seed"):
        command += [f"--{name}", str(getattr(wish, name))]
    command += ["--end", str(milliseconds(end)), "--parent", str(os.getpid())]
    process = subprocess.Popen(  # noqa: S603 - our own module, with numbers as arguments
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PAPER_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _address(process: "subprocess.Popen[str]") -> Paper:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline(PAPER_ANSWER_BYTES_MAX)
    if not line:
        said = process.stderr.read(PAPER_ANSWER_BYTES_MAX).strip().splitlines()
        raise FillbookError(f"The paper venue did not start: {said[-1] if said else 'no reason'}")
    found = json.loads(line)
    return Paper(found["url"], found["api_key"], found["api_secret"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to."""

    executions_total: int
    executions_new: int
    requests: int
    seconds: float
    coverage_percent: float
    verify: str


async def _demo(
    settings: Settings,
    wish: Wish,
    end: datetime,
    paper: Paper,
    *,
    port: int | None,
    output: Format,
) -> None:
    # The history's last row may stand at its end, and windows are half-open.
    window = Window(end - timedelta(days=wish.days), end + timedelta(milliseconds=1))
    login = Login("bybit", "bybit", paper.key, SecretStr(paper.secret), base_url=paper.url)
    async with wiring.open_ledger(settings) as pool:
        if await rebuild_outdated(pool, now=wiring.now()):
            say("demo: figures of an older version were laid again")
        with progress.shown(wiring.now) as show:
            passed = await fetch(
                pool, settings, login, kind="backfill", window=window, show=show(login.name)
            )
        say("verifying: the chain, every reading, the coverage, every figure ...")
        verified = await _verify(pool, passed)
        outcome = await _outcome(pool, passed, verified)
        await _print(pool, outcome, output)
        if not verified.ok:
            raise VerifyFailed("; ".join(map(str, verified.findings)))
        if port is not None:
            from fillbook.faces.cli.serve import serve_ledger  # brings the web server

            await serve_ledger(pool, port, name="demo")


async def _verify(pool: Pool, passed: Passed) -> Verified:
    from fillbook.ledger.accounts import all_accounts

    account = next(
        one for one in await all_accounts(pool) if one.account_id == passed.run.account_id
    )
    return await verify(pool, account.account_id, wiring.parser_of(account))


async def _outcome(pool: Pool, passed: Passed, verified: Verified) -> Outcome:
    summary = await read_report(pool, "summary", Query())
    percent = summary.basis.percent
    return Outcome(
        executions_total=verified.executions,
        executions_new=passed.run.booked.executions_new,
        requests=passed.run.requests,
        seconds=round(passed.seconds.total_seconds(), 2),
        coverage_percent=0.0 if percent is None else float(percent),
        verify="ok" if verified.ok else "; ".join(map(str, verified.findings)),
    )


async def _print(pool: Pool, outcome: Outcome, output: Format) -> None:
    if output is Format.JSON:
        put(json.dumps(asdict(outcome)))
        return
    put_answer(await read_report(pool, "summary", Query()), output)
    put("")
    put(
        f"{outcome.executions_total} executions booked, {outcome.executions_new} of them new,"
        f" in {outcome.seconds:.1f} s and {outcome.requests} requests."
    )
    if not outcome.executions_new:
        put("Everything was booked already; nothing was added.")
    put(f"Coverage: {outcome.coverage_percent:.2f} % of the time asked for is proven.")
    put(f"Verify: {outcome.verify}")

"""What the page about the library tells the reader to run works as printed."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.docs.marked_blocks import environment, marked_blocks, run_blocks
from tests.docs.test_examples import folder, paper_venue
from tests.tidy.source import ROOT

__all__ = ["folder"]

PAGE = (ROOT / "docs" / "how-to" / "as-a-library.md").read_text(encoding="utf-8")
PYTHON = re.compile(
    r"^<!-- runnable(?:: (?P<file>[a-z.]+))? -->\n```python\n(?P<script>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SECONDS_MAX = 60
STOP_SECONDS_MAX = 15


@pytest.mark.slow
def test_the_page_runs_as_printed(folder: Path) -> None:
    """The snippets, the application, and the log that they write."""
    with paper_venue() as settings:
        environ = environment(FILLBOOK_HOME=str(folder / "book"), **settings)
        ran = run_blocks(marked_blocks(PAGE), folder, environ)
        assert ran.code == 0, ran.said
        assert "status=completed" in ran.said
        said = "".join(script_output(script, folder, environ) for script in scripts())
        (app,) = [found["script"] for found in PYTHON.finditer(PAGE) if found["file"]]
        (folder / "app.py").write_text(app)
        state = served_state(folder, environ)

    assert re.search(r"completed \d+ new executions, [1-9]\d* trades ended", said), said
    assert re.search(r"[1-9]\d* executions told\ncompleted 0 booked", said), said
    assert "position updated" in said
    assert state == {"state": "running", "error": None, "ready": True}
    log = (folder / "book" / "logs" / "exchange_sync.log").read_text(encoding="utf-8")
    events = {json.loads(line)["event"] for line in log.splitlines()}
    assert {"sync started", "sync ended", "sync summary", "trades stored"} <= events
    assert settings["BYBIT_API_SECRET"] not in log


def scripts() -> list[str]:
    """The marked Python blocks that are whole programs."""
    return [found["script"] for found in PYTHON.finditer(PAGE) if not found["file"]]


def script_output(script: str, folder: Path, environ: dict[str, str]) -> str:
    """What a program says."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environ, capture_output=True, text=True,
        timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def served_state(folder: Path, environ: dict[str, str]) -> dict[str, object]:
    """Serve the application until its sync is ready, and stop it as a supervisor would."""
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "app:app", "--port", "0", "--host", "127.0.0.1"],
        cwd=folder, env=environ, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stderr is not None
        url = ""
        while not url:
            line = server.stderr.readline()
            assert line, "the server ended"
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            url = found[0] if found else ""
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            with urllib.request.urlopen(f"{url}/sync") as answer:  # noqa: S310 - our own address
                state: dict[str, object] = json.loads(answer.read())
            if state["ready"] or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        return state
    finally:
        server.terminate()
        server.communicate(timeout=STOP_SECONDS_MAX)
        assert server.returncode in (0, -15)

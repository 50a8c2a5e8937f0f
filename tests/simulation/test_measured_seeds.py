"""Some seeds under a tracer: how much of the engine, the connector and the kernel they run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import OTHER_SERVER
from tests.simulation.commit_seeds import ROOT, measured_seeds
from tests.simulation.holding import ITEM_SECONDS_MAX

MEASURED = ("sync", "venues/bybit", "accounting")
# 89.9 % were measured. Some 100 lines of these folders belong to no pass: matching a whole history
# by columns (fifo.match), and candles.
COVERED_PERCENT_MIN = 89


@pytest.mark.slow
@pytest.mark.timeout(ITEM_SECONDS_MAX)
def test_seeds_reach_nearly_every_line(server_url: str, results: Path, tmp_path: Path) -> None:
    """Seeds hold under the tracer too, and few lines of what they are about are never run."""
    data = tmp_path / "covered"
    include = ",".join(f"*/fillbook/{part}/*" for part in MEASURED)
    tracing = [
        "coverage",
        "run",
        f"--rcfile={os.devnull}",
        f"--data-file={data}",
        f"--include={include}",
    ]
    seeds = ",".join(map(str, measured_seeds()))
    running = ["-m", "tests.simulation", "--seeds", seeds, "--dump", str(results / "measured.json")]
    environment = os.environ | {OTHER_SERVER: server_url}
    done = subprocess.run(
        [sys.executable, "-m", *tracing, *running],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    shown = tmp_path / "covered.json"
    telling = ["json", f"--rcfile={os.devnull}", f"--data-file={data}", "-q", "-o", str(shown)]
    subprocess.run([sys.executable, "-m", "coverage", *telling], cwd=ROOT, check=True)
    percent = json.loads(shown.read_text())["totals"]["percent_covered"]
    (results / "covered.txt").write_text(f"{percent:.1f}")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert percent >= COVERED_PERCENT_MIN

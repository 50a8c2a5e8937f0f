"""How long commands take to start and answer, beside `python -c pass`.

Run: `python -m benchmarks.commands`. Each command runs several times; the median is reported.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.measured import report

RUNS = 9
COMMANDS = {
    "help": ("-m", "fillbook", "--help"),
    "stats": ("-m", "fillbook", "stats"),
    "db status": ("-m", "fillbook", "db", "status"),
}


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory(prefix="fillbook-bench-") as folder:
        Path(folder).chmod(0o755)
        environ = os.environ | {"FILLBOOK_HOME": folder}
        try:
            _run(("-m", "fillbook", "db", "start"), environ)  # not part of what is measured
            nothing = _milliseconds(("-c", "pass"), environ)
            figures: dict[str, object] = {"python_pass_ms": nothing}
            for name, words in COMMANDS.items():
                figures[f"{name.replace(' ', '_')}_beyond_pass_ms"] = (
                    _milliseconds(words, environ) - nothing
                )
            report("commands", figures)
        finally:
            _run(("-m", "fillbook", "db", "stop"), environ)


def _milliseconds(words: tuple[str, ...], environ: dict[str, str]) -> int:
    _run(words, environ)
    return round(1000 * median(_run(words, environ) for _ in range(RUNS)))


def _run(words: tuple[str, ...], environ: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *words], env=environ, stdout=subprocess.DEVNULL, check=True, timeout=60
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

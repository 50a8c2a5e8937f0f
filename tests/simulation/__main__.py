"""Run seeds, or replay one: `python -m tests.simulation --seeds 1-1000`, `--replay 77`.

The exit status is 1 when a seed violates an invariant, 0 when all hold.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.simulation.databases import database, server
from tests.simulation.many_seeds import be_quiet, in_time, one_line, run_seeds, say
from tests.simulation.simulation import close_stocks


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for."""
    asked = _asked(arguments)
    be_quiet()
    with server() as url:
        if asked.replay is not None:
            return _replayed(asked.replay, url)
        summary = run_seeds(
            _seeds(asked.seeds), url, jobs=asked.jobs, first=asked.first, is_told=True
        )
    for line in summary.lines():
        say(line)
    if asked.json:
        Path(asked.json).write_text(json.dumps(summary.as_json(), indent=1), encoding="utf-8")
    if asked.dump:
        summary.dump(Path(asked.dump))
    return 1 if summary.violations else 0


def _seeds(text: str) -> list[int]:
    """The seeds in `1-100`, `7` or `3,5,9-12`."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def _replayed(seed: int, url: str) -> int:
    """A seed twice, its trace once; whether both runs are the same."""
    with database(url) as own:
        try:
            one, two = (in_time(seed, own, keep_trace=True) for _ in range(2))
        finally:
            close_stocks()
    say(*one.trace)
    say(f"trace {one.trace_hash}, again {two.trace_hash}: "
          f"{'the same' if one.trace_hash == two.trace_hash else 'NOT THE SAME'}")  # fmt: skip
    if one.violation:
        say(f"VIOLATED seed={seed} {one_line(one)}")
    return 1 if one.violation or one.trace_hash != two.trace_hash else 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="1-100", help="such as 7, 1-100 or 3,5,9-12")
    parser.add_argument("--replay", type=int, help="run one seed twice and print its trace")
    parser.add_argument("--first", action="store_true", help="stop at the first violation")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with a database")
    parser.add_argument("--dump", help="write all counts to this file, to be added up")
    parser.add_argument("--json", help="write the summary to this file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

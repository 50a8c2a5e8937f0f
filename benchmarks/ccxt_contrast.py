"""What other clients find of a month's executions, beside a pass of ours on the same history.

Run: `sh scripts/clients`, then `python -m benchmarks.ccxt_contrast [EXECUTIONS]`. The history has
fills, funding, liquidations and deleveraging, on linear contracts. The venue's own books say what
truly happened. The other clients run unmodified in an environment of their own; their seconds are
those of the walk, ours include booking and proving. Our book is verified before a figure is
printed.
"""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks import one_pass
from benchmarks.one_pass import executions_alone
from benchmarks.stage import Paper, booked_ids, paper, server, types_by_id
from benchmarks.tabled import report_rows

EXECUTIONS = 3_000
DAYS = 30
ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "artifacts" / "clients" / "bin" / "python"
PROGRAM = Path(__file__).with_name("other_clients.py")
CLIENT_SECONDS_MAX = 600
WAYS = {
    "ccxt_since": "ccxt, since and paginate",
    "ccxt_windows": "ccxt, windows of 7 days",
    "pybit_windows": "pybit, windows of 7 days",
}
MOVES_POSITION_NOT = frozenset(("Funding", "SessionSettlePnL"))


def main(executions: int) -> None:
    """Measure and report."""
    if not PYTHON.exists():
        sys.exit("The other clients are not installed: run `sh scripts/clients` first.")
    with server() as ledgers, paper(executions, days=DAYS) as venue:
        truth = types_by_id(venue)
        fills = {one for one, type_ in truth.items() if type_ not in MOVES_POSITION_NOT}
        rows = [_row(what, truth, _other(way, venue)) for way, what in WAYS.items()]
        for what, narrowed in (("Fillbook, executions", True), ("Fillbook, every stream", False)):
            rows.append(_row(what, truth, _ours(ledgers.new_ledger(), venue, narrowed=narrowed)))
        figures = {
            "happened": len(truth),
            "of_them_fills": len(fills),
            "by_type": _counted(truth.values()),
        }
        report_rows("executions found", rows, figures)


def _other(way: str, venue: Paper) -> dict[str, Any]:
    done = subprocess.run(
        [PYTHON, PROGRAM, way],
        input=json.dumps(asdict(venue)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=CLIENT_SECONDS_MAX,
    )
    came_to: dict[str, Any] = json.loads(done.stdout)
    return came_to


def _ours(url: str, venue: Paper, *, narrowed: bool) -> dict[str, Any]:
    job = executions_alone(url, venue)
    job = job if narrowed else replace(job, streams=None, categories=None)
    came_to = one_pass.run(job)
    asyncio.run(one_pass.check(url))
    ids = booked_ids(url)
    assert ids == set(types_by_id(venue)), "the book is not what happened"
    return {
        "ids": sorted(ids),
        "errors": [],
        "requests": came_to.requests,
        "requests_all": came_to.requests,
        "seconds": came_to.seconds,
    }


def _row(what: str, truth: Mapping[str, str], said: Mapping[str, Any]) -> dict[str, object]:
    found = set(said["ids"])
    strangers = found.difference(truth)
    assert not strangers, f"{what} found what did not happen: {sorted(strangers)[:3]}"
    missing = [truth[one] for one in truth if one not in found]
    fills = [one for one, type_ in truth.items() if type_ not in MOVES_POSITION_NOT]
    return {
        "way": what,
        "found": len(found),
        "of_fills_percent": round(100 * len(found.intersection(fills)) / len(fills), 1),
        "twice": len(said["ids"]) - len(found),
        "missing": _counted(missing) or "nothing",
        "errors": "; ".join(said["errors"]) or "none",
        "requests": said["requests_all"],
        "seconds": round(said["seconds"], 2),
    }


def _counted(types: Collection[str]) -> str:
    return ", ".join(f"{count} {type_}" for type_, count in Counter(types).most_common())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EXECUTIONS)

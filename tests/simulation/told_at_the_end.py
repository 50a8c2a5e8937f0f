"""What all seeds of a test run came to, said once at its end and kept in `artifacts`."""

import json
from pathlib import Path

from tests.simulation.commit_seeds import ROOT, commit
from tests.simulation.report import Summary

KEPT = ROOT / "artifacts" / "simulation.json"


def lines_of(results: Path) -> list[str]:
    """Add up what the tests have left; nothing when none has run."""
    summary, covered = Summary(), ""
    for path in sorted(results.glob("*.json")):
        summary.merge(Summary.of_json(json.loads(path.read_text(encoding="utf-8"))))
    if not summary.seeds:
        return []
    if (results / "covered.txt").exists():
        covered = (results / "covered.txt").read_text(encoding="utf-8")
    KEPT.parent.mkdir(exist_ok=True)
    told = summary.as_json() | {"commit": commit(), "line_coverage_percent": covered}
    KEPT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    lines = summary.lines()
    if covered:
        lines.append(f"lines run of sync, venues/bybit and accounting: {covered} %")
    return [*lines, f"kept in {KEPT.relative_to(ROOT)}"]

"""What became of the mutants: a table for people, a file for programs."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutants.hunting import Outcome
from tests.mutants.mutant import ROOT

FILE = ROOT / "artifacts" / "mutants.json"
PERCENT = 100
TITLE_LENGTH_MAX = 72
NAME_LENGTH_MAX = 110


def share_caught(outcomes: Sequence[Outcome]) -> float:
    """How many of a hundred were caught."""
    return PERCENT * sum(one.caught for one in outcomes) / len(outcomes) if outcomes else 0.0


def line(outcome: Outcome) -> str:
    """One outcome, for a terminal."""
    by = outcome.caught_by if outcome.caught else f"NOT CAUGHT {outcome.caught_by}"
    title = outcome.mutant.title[:TITLE_LENGTH_MAX]
    return f"{outcome.mutant.name:<6} {title:<{TITLE_LENGTH_MAX}} {outcome.seconds:6.1f} s  {by}"


def summary(outcomes: Sequence[Outcome]) -> str:
    """The share caught, and by whom."""
    by_stage = {stage: sum(one.stage == stage for one in outcomes) for stage in _stages(outcomes)}
    parts = ", ".join(f"{count} by {stage}" for stage, count in by_stage.items())
    caught = sum(one.caught for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    return (
        f"{caught} of {len(outcomes)} mutants caught ({share_caught(outcomes):.1f} %): {parts};"
        f" {seconds:.0f} s of hunting"
    )


def _stages(outcomes: Iterable[Outcome]) -> list[str]:
    return sorted({one.stage for one in outcomes})


def write(outcomes: Sequence[Outcome], path: Path = FILE) -> None:
    """Keep the outcomes where programs find them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "planned": len(outcomes),
        "caught": sum(one.caught for one in outcomes),
        "share_percent": round(share_caught(outcomes), 2),
        "mutants": [
            {
                "name": one.mutant.name,
                "rows": list(one.mutant.rows),
                "title": one.mutant.title,
                "files": list(one.mutant.files),
                "stage": one.stage,
                "caught_by": one.caught_by,
                "seconds": round(one.seconds, 1),
            }
            for one in outcomes
        ],
    }
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table(path: Path = FILE) -> str:
    """The outcomes that were kept, as a table of Markdown."""
    told = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        "| mutant | rows of the catalogue | the bug that is put back | caught by | s |",
        "|---|---|---|---|---|",
    ]
    for one in told["mutants"]:
        by = f"`{_short(one['caught_by'])}`" if one["caught_by"] else "**nobody**"
        cells = (one["name"], ", ".join(one["rows"]), one["title"], by, f"{one['seconds']:.0f}")
        rows.append(f"| {' | '.join(cells)} |")
    head = f"{told['caught']} of {told['planned']} caught, {told['share_percent']} %."
    return "\n".join([head, "", *rows]) + "\n"


def _short(name: str) -> str:
    """A test's name for a cell: a long parameter is cut, and nothing ends the cell."""
    cut = name if len(name) <= NAME_LENGTH_MAX else f"{name[: NAME_LENGTH_MAX - 1]}…"
    return cut.replace("|", "/").replace("`", "'")

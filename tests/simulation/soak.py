"""Hours of tests, layer by layer, with a checkpoint after every slice: `scripts/soak --help`.

The layer that is furthest behind its figure comes next. Nothing is counted twice: a slice is
written down when it has ended, and one that was interrupted is run again. The verdict is "passed"
only when every layer has reached its figure and nothing failed; a layer that ran out of time is
"short".
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation.commit_seeds import ROOT, commit
from tests.simulation.many_seeds import say
from tests.simulation.soak_layers import LAYERS, Layer

FOLDER = ROOT / "artifacts" / "soak"
NIGHT_HOURS, RELEASE_HOURS = 8.0, 48.0
SLICE_SECONDS = 35.0
FAILURES_KEPT = 200
HOUR = 3_600.0
PASSED, FAILED, SHORT = "passed", "failed", "short"


@dataclass(slots=True)
class Progress:
    """How far one layer is."""

    planned: int
    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    broken: int = 0  # slices that ended without a report
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """How much of its figure it has."""
        return self.done / self.planned if self.planned else 1.0

    @property
    def verdict(self) -> str:
        """Passed, failed or short."""
        if self.failed or self.broken:
            return FAILED
        return PASSED if self.done >= self.planned else SHORT

    def add(self, told: dict[str, Any]) -> None:
        """A slice more."""
        self.done += told["done"]
        self.failed += told["failed"]
        self.seconds += told["seconds"]
        _add_detail(self.detail, told["detail"])


@dataclass(slots=True)
class Soak:
    """A soak and where it stands."""

    commit: str
    hours: float
    seed: int
    layers: dict[str, Progress]
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """Of all layers together."""
        verdicts = {progress.verdict for progress in self.layers.values()}
        return next(one for one in (FAILED, SHORT, PASSED) if one in verdicts)

    @property
    def file(self) -> Path:
        """Where it is kept: one file for each commit, length, seed and choice of layers."""
        names = "-".join(self.layers) if len(self.layers) < len(LAYERS) else "all"
        return FOLDER / f"{self.commit[:10] or 'tree'}-{self.hours:g}h-{self.seed}-{names}.json"

    def keep(self) -> None:
        """A checkpoint, written beside the last one and put in its place."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        told = {
            "commit": self.commit, "hours": self.hours, "seed": self.seed,
            "seconds": round(self.seconds, 1), "verdict": self.verdict,
            "layers": {
                name: {
                    "planned": one.planned, "done": one.done, "failed": one.failed,
                    "seconds": round(one.seconds, 1), "broken": one.broken,
                    "rate": round(one.done / one.seconds, 3) if one.seconds else 0.0,
                    "verdict": one.verdict, "detail": one.detail,
                }
                for name, one in self.layers.items()
            },
        }  # fmt: skip
        beside = self.file.with_suffix(".new")
        beside.write_text(json.dumps(told, indent=1), encoding="utf-8")
        beside.replace(self.file)

    def take_up(self) -> None:
        """Go on where an interrupted one of the same kind has stopped."""
        if not self.file.exists():
            return
        told = json.loads(self.file.read_text(encoding="utf-8"))
        self.seconds = told["seconds"]
        for name, one in told["layers"].items():
            words = {key: one[key] for key in ("planned", "done", "failed", "seconds", "broken")}
            self.layers[name] = Progress(**words, detail=one["detail"])

    def next_layer(self) -> Layer | None:
        """The one that is furthest behind; None when all are there."""
        behind = [name for name, one in self.layers.items() if one.done < one.planned]
        alive = [name for name in behind if not self.layers[name].broken]
        if not alive:
            return None
        return LAYERS[min(alive, key=lambda name: self.layers[name].share)]

    def lines(self) -> list[str]:
        """A table."""
        head = f"{'layer':<11}{'planned':>9}{'done':>9}{'failed':>8}{'a second':>10}  verdict"
        rows = [
            f"{name:<11}{one.planned:>9}{one.done:>9}{one.failed:>8}"
            f"{one.done / one.seconds if one.seconds else 0:>10.2f}  {one.verdict}"
            for name, one in self.layers.items()
        ]
        return [head, *rows, f"{self.seconds / HOUR:.2f} h of {self.hours:g} h: {self.verdict}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, or replay a seed of one."""
    asked = _asked(arguments)
    if asked.slice:
        return _slice(*asked.slice)
    if asked.replay:
        return _replay(asked.replay)
    hours = {"night": NIGHT_HOURS, "release": RELEASE_HOURS}.get(asked.profile, asked.hours)
    soak = planned(hours, asked.seed, asked.layer, is_release=asked.profile == "release")
    soak.take_up()
    run(soak)
    say(*soak.lines())
    say(f"kept in {soak.file.relative_to(ROOT)}")
    return 0 if soak.verdict == PASSED else 1


def planned(hours: float, seed: int, names: Sequence[str], *, is_release: bool = False) -> Soak:
    """The figures of a soak: a night's, in proportion to its hours, or a release's."""
    layers = {}
    for name in names or LAYERS:
        layer = LAYERS[name]
        if is_release or layer.is_whole:
            figure = layer.release
        else:
            figure = max(1, round(layer.night * hours / NIGHT_HOURS))
        layers[name] = Progress(figure)
    return Soak(commit(), hours, seed, layers)


def run(soak: Soak) -> None:
    """Slice after slice until everything is done or the time is over."""
    while soak.seconds < soak.hours * HOUR and (layer := soak.next_layer()) is not None:
        progress = soak.layers[layer.name]
        count = min(_slice_size(layer, progress), progress.planned - progress.done)
        begun = time.monotonic()
        told = _sliced(layer, count, soak.seed + progress.done)
        soak.seconds += time.monotonic() - begun
        if told is None:
            progress.broken += 1
        else:
            if layer.is_whole:  # it knows how many there are
                progress.planned = told["planned"]
            progress.add(told)
        soak.keep()
        say(f"{layer.name}: {progress.done} of {progress.planned}, {progress.failed} failed")


def _slice_size(layer: Layer, progress: Progress) -> int:
    if layer.is_whole or not progress.done:
        return layer.first_slice
    return max(1, int(progress.done / progress.seconds * SLICE_SECONDS))


def _sliced(layer: Layer, count: int, seed: int) -> dict[str, Any] | None:
    """A slice in a process of its own; None when it ended without a report."""
    with tempfile.TemporaryDirectory(prefix="fillbook-soak-") as folder:
        told = Path(folder) / "told.json"
        words = ["--slice", layer.name, str(count), str(seed), str(told)]
        subprocess.run(
            [sys.executable, "-m", "tests.simulation.soak", *words], cwd=ROOT, check=False
        )
        if not told.exists():
            return None
        found: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
        return found


def _slice(name: str, count: str, seed: str, file: str) -> int:
    report = LAYERS[name].run(int(count), int(seed))
    Path(file).write_text(json.dumps(report.as_json(), default=str), encoding="utf-8")
    return 0


def _replay(what: str) -> int:
    """`SEED@COMMIT`: the seed means something on that commit only."""
    seed, _, wanted = what.partition("@")
    if wanted and not commit().startswith(wanted):
        say(f"this is commit {commit()[:10]}: check out {wanted} first")
        return 2
    words = [sys.executable, "-m", "tests.simulation", "--replay", seed]
    return subprocess.run(words, cwd=ROOT, check=False).returncode


def _add_detail(kept: dict[str, Any], told: dict[str, Any]) -> None:
    """Counts are added up, lists are joined to a bound, other words are replaced."""
    for name, value in told.items():
        before = kept.get(name)
        if isinstance(value, dict) and all(isinstance(one, int | float) for one in value.values()):
            kept[name] = dict(Counter(before or {}) + Counter(value))
        elif isinstance(value, list):
            kept[name] = [*(before or []), *value][:FAILURES_KEPT]
        elif isinstance(value, float) and isinstance(before, int | float):
            kept[name] = before + value
        else:
            kept[name] = value


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--hours", type=float, default=1.0, help="any length; figures scale")
    length.add_argument("--profile", choices=("night", "release"), help="8 or 48 hours")
    parser.add_argument("--layer", action="append", choices=sorted(LAYERS), default=[])
    parser.add_argument("--seed", type=int, default=2_000_000, help="the first seed")
    parser.add_argument("--replay", metavar="SEED@COMMIT", help="run one seed twice, and compare")
    parser.add_argument("--slice", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

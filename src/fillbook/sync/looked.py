"""What a look at a book has found, and what has to be remembered of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fillbook.domain.breaks import Break, Finding, Subject, Way
from fillbook.domain.window import Window
from fillbook.ledger.breaks import Before, Compared
from fillbook.ledger.comparing import MOMENT, ByCategory, Due, Hints


def _looked_for(subject: Subject, around: Window) -> list[Window]:
    """Lines are looked for in all of their time, orders by when they were made, began or ended."""
    if subject.way == "cash":
        return [around]
    return [
        Window(around.starts_at, around.starts_at + MOMENT),
        Window(around.ends_at - MOMENT, around.ends_at),
    ]


@dataclass(slots=True)
class Found:
    """What was found so far."""

    account_id: int
    findings: dict[Subject, Finding] = field(default_factory=dict)
    compared: list[Compared] = field(default_factory=list)
    dues: list[Due] = field(default_factory=list)
    agreed: int = 0
    refused: dict[tuple[Way, str], str] = field(default_factory=dict)  # by way and measure
    hints: Hints = field(default_factory=Hints)
    before: dict[Subject, Before] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Take a finding in."""
        self.agreed += finding.verdict == "agrees"
        self.findings[finding.subject] = finding

    def of(self, verdict: str) -> list[Finding]:
        """The findings of one verdict."""
        return [one for one in self.findings.values() if one.verdict == verdict]

    def unsettled(self, cut: Iterable[Finding]) -> dict[Way, ByCategory]:
        """The time in which something is to be looked at again, though no break asks for it."""
        again: dict[Way, ByCategory] = {}
        for one in (*self.of("deferred"), *cut):
            if one.around is not None:
                pieces = again.setdefault(one.subject.way, {}).setdefault(one.subject.category, [])
                pieces += _looked_for(one.subject, one.around)
        return again

    def heals(self, one: Break) -> bool:
        """Whether a break is none any more."""
        if (one.subject.way, one.subject.measure) in self.refused:
            return False
        finding = self.findings.get(one.subject)
        if finding is not None:
            return finding.verdict == "agrees"
        return one.subject.measure not in ("quantity", "balance", "pnl")

"""Three ways to lay the same history: at once, chunk by chunk, and as it arrives."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from fillbook.accounting.known import Known
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import (
    Alarm,
    Fill,
    Funding,
    FundingShare,
    LaidLeg,
    Line,
    Match,
    StretchState,
    Trip,
    Unattached,
)
from fillbook.accounting.opening_balance import narrowed


@dataclass(frozen=True, slots=True)
class Kept:
    """All that laying has added to one book."""

    lines: list[Line] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    funding: list[FundingShare] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)


@dataclass(slots=True)
class Kit:
    """A leg with all that was laid on it so far."""

    stretch: StretchState
    books: dict[str, Kept] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    unattached: list[Unattached] = field(default_factory=list)

    def add(self, laid: LaidLeg) -> None:
        """Keep what one call adds."""
        self.stretch = laid.stretch
        self.alarms.extend(laid.alarms)
        self.unattached.extend(laid.unattached)
        for book in laid.books:
            kept = self.books.setdefault(book.owner, Kept())
            kept.lines.extend(book.lines)
            kept.matches.extend(book.matches)
            kept.funding.extend(book.funding)
            kept.trips.extend(book.trips)

    def content(self) -> object:
        """What must be the same however the history was laid, also in a database."""
        books = {owner: kept for owner, kept in self.books.items() if kept.lines}
        return books, self.alarms, self.unattached


Way = Callable[[StretchState, Sequence[Fill], Sequence[Funding], Known], Kit]


def at_once(
    new: StretchState, fills: Sequence[Fill], flows: Sequence[Funding], known: Known
) -> Kit:
    """All in one call, in any order of arrival."""
    kit = Kit(new)
    kit.add(lay(new, fills, flows, known))
    return kit


def in_chunks(
    new: StretchState, fills: Sequence[Fill], flows: Sequence[Funding], known: Known
) -> Kit:
    """Search the opening in all chunks first, then lay them one after another."""
    chunks = list(_chunks(fills, flows))
    stretch = new
    for part, _ in chunks:
        stretch = narrowed(stretch, part, known)
    kit = Kit(replace(stretch, is_searched=True))
    for part, paid in chunks:
        laid = lay(kit.stretch, part, paid, known)
        assert not laid.restart
        kit.add(laid)
    return kit


def as_it_arrives(
    new: StretchState, fills: Sequence[Fill], flows: Sequence[Funding], known: Known
) -> Kit:
    """Append each chunk; begin again where the opening turns out to be another."""
    kit = Kit(new)
    seen: tuple[list[Fill], list[Funding]] = ([], [])
    for part, paid in _chunks(fills, flows):
        seen[0].extend(part)
        seen[1].extend(paid)
        resumes = kit.stretch.is_new or kit.stretch.may_resume_at(_instants(part, paid)[0])
        laid = lay(kit.stretch, part, paid, known) if resumes else None
        if laid is None or laid.restart:
            kit = at_once(new, *seen, known)
        else:
            kit.add(laid)
    return kit


def _chunks(
    fills: Sequence[Fill], flows: Sequence[Funding]
) -> Iterator[tuple[list[Fill], list[Funding]]]:
    """Pieces of one instant and of two, in turn, oldest first; no instant is split."""
    instants = _instants(fills, flows)
    if not instants:
        yield [], []  # what was stated is laid all the same
    while instants:
        for length in (1, 2):
            piece, instants = instants[:length], instants[length:]
            if piece:
                yield (
                    [fill for fill in fills if fill.at in piece],
                    [flow for flow in flows if flow.at in piece],
                )


def _instants(fills: Sequence[Fill], flows: Sequence[Funding]) -> list[datetime]:
    return sorted({fill.at for fill in fills} | {flow.at for flow in flows})

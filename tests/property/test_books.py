"""The kernel against the oracle: whole histories at once."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from fillbook.accounting.leg import Fill, Line
from fillbook.domain.money import EXACT
from tests.property.histories import NEW_STRETCH, STARTED, History, histories
from tests.property.oracle import Oracle, replay
from tests.property.resuming import Rows, laid_at_once, state_of

# Each share is rounded twice, at 18 decimals or more; a match bears a few of them.
ROUNDING = Fraction(1, 10**16)

HISTORIES = histories(openings=st.integers(-4, 4), steps=st.integers(0, 2))


def told(history: History) -> tuple[Rows, list[Fill], Oracle]:
    """The rows, the fills in the order the kernel chose, and the oracle's account of that order."""
    rows = laid_at_once(NEW_STRETCH, history.fills, history.flows)
    by_key = {fill.key: fill for fill in history.fills}
    places = {
        (line.at, line.rank): by_key[line.key]
        for book in rows.books.values()
        for line in book.lines
        if line.key is not None
    }
    fills = [places[place] for place in sorted(places)]
    opening = rows.stretch.opening_qty
    known = opening is not None
    oracle = replay(
        fills, history.flows if known else (), opening=Fraction(opening) if opening else Fraction()
    )
    return rows, fills, oracle


@given(HISTORIES)
def test_matches_equal_the_oracle(history: History) -> None:
    """Entry, exit, direction, quantity and gross of every match are the oracle's, exactly."""
    rows, _, oracle = told(history)

    expected = sorted(
        (
            (pair.owner, pair.entry, pair.exit, pair.direction, pair.qty, pair.gross)
            for pair in oracle.pairs
        ),
        key=repr,
    )
    actual = sorted(
        (
            (
                owner,
                match.entry.key,
                match.exit.key,
                match.direction,
                Fraction(match.end) - Fraction(match.start),
                None if match.gross is None else Fraction(match.gross),
            )
            for owner, book in rows.books.items()
            for match in book.matches
        ),
        key=repr,
    )
    assert expected == actual


@given(HISTORIES)
def test_costs_of_a_match_equal_the_oracle(history: History) -> None:
    """Fees and funding of every match are the oracle's, but for the rounding of shares."""
    rows, _, oracle = told(history)
    matches = {
        (owner, match.entry.key, match.exit.key): match
        for owner, book in rows.books.items()
        for match in book.matches
    }

    for pair in oracle.pairs:
        match = matches[pair.owner, pair.entry, pair.exit]
        assert (pair.entry_fee is None, pair.exit_fee is None) == (
            match.entry_fee is None,
            match.exit_fee is None,
        )
        for exact, booked in (
            (pair.entry_fee, match.entry_fee),
            (pair.exit_fee, match.exit_fee),
            (pair.funding, match.funding),
        ):
            if exact is not None and booked is not None:
                assert abs(exact - Fraction(booked)) < ROUNDING


@given(HISTORIES)
def test_positions_and_alarms_equal_the_oracle(history: History) -> None:
    """Open lots of every owner, foreign closes, chain breaks and unattached funding agree."""
    rows, _, oracle = told(history)
    if rows.stretch.opening_qty is None:
        assert [flow.key for flow in rows.unattached] == [
            flow.key for flow in sorted(history.flows, key=lambda flow: (flow.at, flow.key))
        ]
        return

    for owner, book in rows.books.items():
        state = state_of(book)
        matched = min(state.bought, state.sold)
        expected = [(lot.key, lot.qty) for lot in oracle.lots if lot.owner == owner]
        actual = [
            (line.key, Fraction(line.end) - Fraction(max(line.start, matched)))
            for line in state.open_lines
        ]
        assert expected == actual
        assert oracle.positions().get(owner, 0) == Fraction(state.position)
    alarms = {
        kind: [alarm.key for alarm in rows.alarms if alarm.kind == kind]
        for kind in ("foreign_close", "chain_break")
    }
    assert {"foreign_close": oracle.foreign, "chain_break": oracle.breaks} == alarms
    assert oracle.unattached == [flow.key for flow in rows.unattached]


@given(HISTORIES)
def test_units_are_conserved(history: History) -> None:
    """Lines tile [0, total) on both sides, and opened - closed = open lots."""
    rows, _, _ = told(history)

    for book in rows.books.values():
        state = state_of(book)
        for side, total in ((1, state.bought), (-1, state.sold)):
            reached = Fraction(0)
            for line in book.lines:
                if line.side == side:
                    assert reached == Fraction(line.start) < Fraction(line.end)
                    reached = Fraction(line.end)
            assert reached == Fraction(total)
        matched = sum(Fraction(match.end) - Fraction(match.start) for match in book.matches)
        assert matched == Fraction(min(state.bought, state.sold))


@given(HISTORIES)
def test_books_add_up_to_the_account(history: History) -> None:
    """After every fill the owners' positions add up to the account's net position."""
    rows, fills, _ = told(history)
    if rows.stretch.opening_qty is None:
        return
    lines = sorted(
        (line for book in rows.books.values() for line in book.lines),
        key=lambda line: (line.at, line.rank),
    )
    booked = account = Fraction(rows.stretch.opening_qty)
    lines = [line for line in lines if line.key is not None]
    for fill in fills:
        account += fill.side * Fraction(fill.qty)
        while lines and lines[0].key == fill.key:
            line = lines.pop(0)
            booked += line.side * (Fraction(line.end) - Fraction(line.start))
        assert account == booked
    assert lines == []


@given(HISTORIES)
def test_fees_telescope_to_the_total(history: History) -> None:
    """Of every execution: fees on matched units + fees on open units = the fee, exactly."""
    rows, fills, _ = told(history)
    borne = {fill.key: Fraction(0) for fill in fills}
    for book in rows.books.values():
        for match in book.matches:
            for line, fee in ((match.entry, match.entry_fee), (match.exit, match.exit_fee)):
                if fee is not None and line.key is not None:
                    borne[line.key] += Fraction(fee)
        state = state_of(book)
        matched = min(state.bought, state.sold)
        for line in state.open_lines:
            if line.fee is not None and line.key is not None:
                borne[line.key] += open_fee(line, matched)

    for fill in fills:
        if fill.fee is not None:
            assert Fraction(fill.fee) == borne[fill.key]


def open_fee(line: Line, matched: Decimal) -> Fraction:
    """The fee on the units of a line that are still open, rounded as the kernel rounds it."""
    assert line.fee is not None
    qty = Fraction(line.execution_qty)
    first = Fraction(line.share_start) + max(Fraction(0), Fraction(matched) - Fraction(line.start))
    last = Fraction(line.share_start) + Fraction(line.end) - Fraction(line.start)
    return rounded(Fraction(line.fee), last / qty) - rounded(Fraction(line.fee), first / qty)


def rounded(total: Fraction, part: Fraction) -> Fraction:
    """total x part at 18 decimals, or at the total's own; Python rounds halves to even too."""
    scale = 18
    while (total * 10**scale).denominator != 1:
        scale += 1
    return Fraction(round(total * part * 10**scale), 10**scale)


@given(HISTORIES)
def test_funding_telescopes_to_the_total(history: History) -> None:
    """Owners' parts add up to each payment, and a part's matched and open units to the part."""
    rows, _, _ = told(history)
    if rows.stretch.opening_qty is None:
        return
    met = {flow.key: Fraction(flow.amount) for flow in history.flows}
    for flow in rows.unattached:
        assert met.pop(flow.key) == Fraction(flow.amount)
    for book in rows.books.values():
        state = state_of(book)
        matched = Fraction(min(state.bought, state.sold))
        on_open = Fraction(0)
        for part in book.funding:
            met[part.key] -= Fraction(part.amount)
            start, end = Fraction(part.start), Fraction(part.end)
            done = max(Fraction(0), min(matched, end) - start) / (end - start)
            on_open += Fraction(part.amount) - rounded(Fraction(part.amount), done)
        on_matches = sum((Fraction(match.funding) for match in book.matches), Fraction(0))
        total = sum((Fraction(part.amount) for part in book.funding), Fraction(0))
        assert total == on_matches + on_open
    assert all(rest == 0 for rest in met.values())


@given(HISTORIES)
def test_quantities_stay_exact(history: History) -> None:
    """Whatever the digits, the shares of a fill add up to its quantity, digit by digit."""
    rows, fills, _ = told(history)
    shares = {fill.key: Fraction(0) for fill in fills}
    for book in rows.books.values():
        for line in book.lines:
            if line.key is not None:
                shares[line.key] += Fraction(EXACT.subtract(line.end, line.start))

    assert {fill.key: Fraction(fill.qty) for fill in fills} == shares
    assert all(line.at > STARTED for book in rows.books.values() for line in book.lines if line.key)

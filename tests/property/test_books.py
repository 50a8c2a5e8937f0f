"""The kernel against the oracle: whole histories at once."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given

from fillbook.accounting.leg import Fill, Line
from fillbook.domain.money import EXACT
from fillbook.domain.statement import Terms
from tests.property.histories import STARTED, History, any_histories
from tests.property.oracle import Entry, Oracle, opening_lot, replay
from tests.property.resuming import Rows, laid_at_once, state_of

# Each share is rounded twice, at 18 decimals or more; a match bears a few of them.
ROUNDING = Fraction(1, 10**16)

HISTORIES = any_histories(lossless=True)


def told(history: History) -> tuple[Rows, list[Fill], Oracle]:
    """The rows, the fills in the order the kernel chose, and the oracle's account of that order."""
    rows = laid_at_once(history.stretch, history.fills, history.flows, history.known)
    by_key = {fill.key: fill for fill in history.fills}
    places = {
        (line.at, line.rank): by_key[line.key]
        for book in rows.books.values()
        for line in book.lines
        if line.key is not None
    }
    fills = [places[place] for place in sorted(places)]
    terms = history.known.terms
    openings = [
        opening_lot(owner, line, terms)
        for owner, book in rows.books.items()
        for line in book.lines
        if line.evidence == "opening_balance"
    ]
    assert bool(rows.stretch.opening_qty) == bool(openings)
    oracle = replay(
        fills,
        history.flows if rows.stretch.opening_qty is not None else (),
        opening=openings[0] if openings else None,
        holds=history.holds,
        terms=terms,
    )
    return rows, fills, oracle


def named(line: Line) -> Entry:
    """A fill's key, or what units without a fill are called."""
    return line.key or line.evidence


@given(HISTORIES)
def test_matches_equal_the_oracle(history: History) -> None:
    """Entry, exit, direction, quantity and gross of every match are the oracle's, exactly."""
    rows, _, oracle = told(history)
    rounds = history.known.terms.kind == "inverse"

    expected = sorted(
        (
            (pair.owner, pair.entry, pair.exit, pair.direction, pair.qty, rounds or pair.gross)
            for pair in oracle.pairs
        ),
        key=repr,
    )
    actual = sorted(
        (
            (
                owner,
                named(match.entry),
                match.exit.key,
                match.direction,
                Fraction(match.end) - Fraction(match.start),
                rounds or (None if match.gross is None else Fraction(match.gross)),
            )
            for owner, book in rows.books.items()
            for match in book.matches
        ),
        key=repr,
    )
    assert expected == actual


@given(HISTORIES)
def test_costs_of_a_match_equal_the_oracle(history: History) -> None:
    """Fees, funding, and inverse gross of every match are the oracle's, but for the rounding."""
    rows, _, oracle = told(history)
    matches = {
        (owner, named(match.entry), match.exit.key): match
        for owner, book in rows.books.items()
        for match in book.matches
    }

    for pair in oracle.pairs:
        match = matches[pair.owner, pair.entry, pair.exit]
        for exact, booked in (
            (pair.gross, match.gross),
            (pair.entry_fee, match.entry_fee),
            (pair.exit_fee, match.exit_fee),
            (pair.funding, match.funding),
        ):
            assert (exact is None) == (booked is None)
            if exact is not None and booked is not None:
                assert abs(exact - Fraction(booked)) < ROUNDING


@given(HISTORIES)
def test_positions_and_alarms_equal_the_oracle(history: History) -> None:
    """Open lots of every owner, foreign closes and chain breaks agree."""
    rows, _, oracle = told(history)
    if rows.stretch.opening_qty is None:
        assert (rows.books, rows.alarms) == ({}, [])
        return

    for owner, book in rows.books.items():
        state = state_of(book)
        matched = min(state.bought, state.sold)
        expected = [(lot.key, lot.qty) for lot in oracle.lots if lot.owner == owner]
        actual = [
            (named(line), Fraction(line.end) - Fraction(max(line.start, matched)))
            for line in state.open_lines
        ]
        assert expected == actual
        assert oracle.positions().get(owner, 0) == Fraction(state.position)
        assert not state.position * history.holds < 0
    alarms = {
        kind: [alarm.key for alarm in rows.alarms if alarm.kind == kind]
        for kind in ("foreign_close", "chain_break")
    }
    assert {"foreign_close": oracle.foreign, "chain_break": oracle.breaks} == alarms


@given(HISTORIES)
def test_costs_of_no_units_are_kept(history: History) -> None:
    """Fees without a quantity, and funding that met no position or has no price, in order."""
    rows, _, oracle = told(history)
    if rows.stretch.opening_qty is None:
        met_none = {flow.key for flow in history.flows}
    else:
        met_none = set(oracle.unattached)

    expected = [
        ("funding", flow.key, flow.at, flow.amount)
        for flow in history.flows
        if flow.key in met_none
    ]
    expected += [
        ("fee", fill.key, fill.at, fill.fee)
        for fill in history.fills
        if fill.qty == 0 and fill.fee != 0
    ]
    assert sorted(expected, key=lambda cost: (cost[2], cost[1])) == [
        (cost.kind, cost.key, cost.at, cost.amount) for cost in rows.unattached
    ]


@given(HISTORIES)
def test_every_share_names_its_rule(history: History) -> None:
    """The owner's evidence of a line is the first rule by which the oracle gave it units."""
    rows, fills, oracle = told(history)
    by_key = {fill.key: fill for fill in fills}
    lines = [(owner, line) for owner, book in rows.books.items() for line in book.lines]

    assert oracle.rules == {
        (line.key, owner): line.owner_evidence for owner, line in lines if line.key is not None
    }
    for _, line in lines:
        if line.key is not None:
            assert by_key[line.key].tag_unread == line.tag_unread
        elif line.evidence == "opening_balance":
            stated = rows.stretch.opening_evidence == "stated"
            assert ("stated" if stated else "opening_balance") == line.owner_evidence
        else:
            assert line.owner_evidence == "outside_holdings"
            assert (line.price, line.fee) == (None, Decimal(0))


@given(HISTORIES)
def test_round_trips_equal_the_oracle(history: History) -> None:
    """A trip ends where its owner is flat; trips tile the line, so each match lies in one."""
    rows, _, oracle = told(history)

    actual = [
        (owner, Fraction(trip.start), Fraction(trip.end), trip.ended_at)
        for owner, book in rows.books.items()
        for trip in book.trips
    ]
    assert sorted(oracle.trips) == sorted(actual)
    for book in rows.books.values():
        bounds = [Decimal(0), *(trip.end for trip in book.trips)]
        assert bounds[:-1] == [trip.start for trip in book.trips]
        for match in book.matches:
            inside = [t for t in book.trips if t.start <= match.start and match.end <= t.end]
            assert len(inside) == (match.start < bounds[-1])


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
    lines: dict[tuple[datetime, int], list[Line]] = {}
    for book in rows.books.values():
        for line in book.lines:
            lines.setdefault((line.at, line.rank), []).append(line)
    opening = [place for place in lines if place[1] < 0]
    booked = sum((signed(line) for place in opening for line in lines.pop(place)), Fraction(0))
    account = Fraction(rows.stretch.opening_qty)
    assert account == booked
    for fill, place in zip(fills, sorted(lines), strict=True):
        account += fill.side * Fraction(fill.qty)
        if history.holds and account * history.holds < 0:
            account = Fraction(0)
        booked += sum(map(signed, lines[place]), Fraction(0))
        assert account == booked


def signed(line: Line) -> Fraction:
    return line.side * (Fraction(line.end) - Fraction(line.start))


@given(HISTORIES)
def test_cash_is_conserved(history: History) -> None:
    """What came in less what went out is what was earned and what the open units cost, exactly."""
    rows, _, _ = told(history)
    terms = history.known.terms
    for book in rows.books.values():
        if any(cash_of(line, terms) is None for line in book.lines):
            continue  # a cost that nobody knows
        state = state_of(book)
        matched = min(state.bought, state.sold)
        cash = sum((cash_of(line, terms) or Fraction(0) for line in book.lines), Fraction(0))
        earned = sum((Fraction(match.gross or 0) for match in book.matches), Fraction(0))
        tied = sum(
            (cash_of(line, terms, matched) or Fraction(0) for line in state.open_lines),
            Fraction(0),
        )
        assert cash == earned + tied


def cash_of(line: Line, terms: Terms, since: Decimal = Decimal(0)) -> Fraction | None:
    """What the units of a line from `since` on brought in, in the coin that settles."""
    if terms.kind != "inverse":
        if line.price is None:
            return None
        units = Fraction(line.end) - Fraction(max(line.start, since))
        return -line.side * units * Fraction(line.price) * Fraction(terms.multiplier)
    return None if line.value is None else line.side * portion(line, line.value, since)


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
    return portion(line, line.fee, matched)


def portion(line: Line, total: Decimal, since: Decimal) -> Fraction:
    """A total of the whole execution on the units of its line from `since` on."""
    qty = Fraction(line.execution_qty)
    first = Fraction(line.share_start) + max(Fraction(0), Fraction(since) - Fraction(line.start))
    last = Fraction(line.share_start) + Fraction(line.end) - Fraction(line.start)
    return rounded(Fraction(total), last / qty) - rounded(Fraction(total), first / qty)


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
    met = {flow.key: Fraction(flow.amount or 0) for flow in history.flows}
    for cost in rows.unattached:
        if cost.kind == "funding":
            assert met.pop(cost.key) == Fraction(cost.amount or 0)
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


@given(HISTORIES)
def test_what_a_book_has_earned_is_the_sum_of_its_matches(history: History) -> None:
    """Each match says what all matches up to it came to, and how many of them nobody can value."""
    rows, _, _ = told(history)
    for book in rows.books.values():
        earned, unvalued = Decimal(0), 0
        for match in book.matches:
            costs = (match.entry_fee, match.exit_fee, match.funding)
            if match.gross is None or None in costs:
                unvalued += 1
            else:
                for amount in (match.gross, *(cost.copy_negate() for cost in costs if cost)):
                    earned = EXACT.add(earned, amount)

            assert (earned, unvalued) == (match.realized, match.unvalued)

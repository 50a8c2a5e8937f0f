"""Every specification table, run through the kernel."""

from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest

from fillbook.accounting.as_fills import as_fill, as_funding
from fillbook.accounting.lay import lay
from fillbook.accounting.leg import LaidLeg, Line, Match, StretchState
from fillbook.domain.execution import Execution
from fillbook.domain.instrument import LegName
from fillbook.domain.money import EXACT, text
from tests.spec.facts import STARTED, executions, payments, shuffled
from tests.spec.tables import Case, Row, cases

CASES = cases(Path(__file__).parent)
NEW = StretchState(LegName("linear", "BTCUSDT", "net"), STARTED)
UNKNOWN = "?"


def laid(case: Case, rows: list[Execution]) -> LaidLeg:
    return lay(NEW, [as_fill(row) for row in rows], [as_funding(row) for row in payments(case)])


def outcome(case: Case, found: LaidLeg) -> dict[str, list[Row]]:
    """What came out, in the form of the tables."""
    names = {row.execution_key: row.execution_id for row in executions(case)}
    paid = {flow.cash_key: flow.flow_id for flow in payments(case)}

    def name(line: Line) -> str:
        return "opening" if line.key is None else names[line.key]

    stretch = found.stretch
    opening = {"qty": _text(stretch.opening_qty), "evidence": stretch.opening_evidence}
    return {
        "trades": [
            {"owner": book.owner, **_trade(match, name(match.entry), name(match.exit))}
            for book in found.books
            for match in book.matches
        ],
        "positions": [
            {"owner": book.owner, "qty": text(position)}
            for book in found.books
            if (position := _position(book.lines))
        ],
        "alarms": [{"kind": alarm.kind, "execution": names[alarm.key]} for alarm in found.alarms],
        "opening": [opening],
        "unattached": [{"payment": paid[flow.key]} for flow in found.unattached],
    }


def _trade(match: Match, entry: str, leave: str) -> Row:
    known = match.entry_fee is not None and match.exit_fee is not None
    fees = [fee for fee in (match.entry_fee, match.exit_fee) if fee is not None]
    return {
        "direction": "long" if match.direction > 0 else "short",
        "entry": entry,
        "exit": leave,
        "qty": text(EXACT.subtract(match.end, match.start)),
        "gross": _text(match.gross),
        "fees": text(sum(fees, Decimal(0))) if known else UNKNOWN,
        "funding": text(match.funding),
        "reason": match.exit_reason,
    }


def _position(lines: tuple[Line, ...]) -> Decimal:
    position = Decimal(0)
    for line in lines:
        signed = EXACT.multiply(EXACT.subtract(line.end, line.start), Decimal(line.side))
        position = EXACT.add(position, signed)
    return position


def _text(value: Decimal | None) -> str:
    return UNKNOWN if value is None else text(value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_case(case: Case) -> None:
    """What goes in comes out as the tables say, whatever the order of arrival."""
    rows = executions(case)
    for arrival in (rows, rows[::-1], shuffled(rows)):
        actual = outcome(case, laid(case, arrival))
        for table in ("trades", "positions", "alarms"):
            _compare(case, table, actual[table])
        for table in ("opening", "unattached"):
            if table in case.tables:
                _compare(case, table, actual[table])


def _compare(case: Case, table: str, actual: list[Row]) -> None:
    """A table that a case leaves out is empty; a column that it leaves out is not looked at."""
    expected = [
        {column: cell for column, cell in row.items() if column} for row in case.rows(table)
    ]
    columns = list(expected[0]) if expected else []
    seen = [{column: row[column] for column in columns} if columns else row for row in actual]
    assert sorted(expected, key=_in_order) == sorted(seen, key=_in_order)


def _in_order(row: Row) -> list[str]:
    return sorted(chain.from_iterable(row.items()))


def test_there_are_cases() -> None:
    """The tables are found and have titles of their own."""
    titles = [case.title for case in CASES]

    assert len(titles) >= 25
    assert len(titles) == len(set(titles))

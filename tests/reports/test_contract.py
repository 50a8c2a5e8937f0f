"""Every report keeps the contract: found by its file, strict in what it takes."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from fillbook import reports
from fillbook.errors import NotFound, UsageError
from fillbook.ledger._pool import open_pool
from fillbook.reports._daily import curve
from fillbook.reports._report import Query, all_reports, ask, cell, find

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_every_public_file_is_a_report() -> None:
    """Named like its file, so that it is found by the question it answers."""

    files = Path(reports.__path__[0]).glob("[a-z]*.py")

    assert [report.name for report in all_reports()] == sorted(file.stem for file in files)
    assert find("summary").name == "summary"
    with pytest.raises(NotFound, match="equity"):
        find("nothing")


async def test_every_answer_is_tables_of_its_fields(database_url: str) -> None:
    """Also of an empty ledger; each column has a title and a kind."""

    async with open_pool(database_url) as pool:
        for report in all_reports():
            answer = await ask(pool, report, Query(), now=NOW)
            columns = [column for table in answer.tables() for column in table.columns]

            assert columns
            assert all(column.title for column in columns)
            assert answer.basis.percent is None


async def test_what_a_report_does_not_heed_is_refused(database_url: str) -> None:
    """In one sentence with the words of the command line."""

    async with open_pool(database_url) as pool:
        with pytest.raises(UsageError) as caught:
            await ask(pool, find("coverage"), Query(symbol="X", bot="b"), now=NOW)

    assert str(caught.value) == "The report coverage does not take: bot, symbol."


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "amount", None),
        (Decimal("1.500"), "amount", "1.5"),
        (Decimal("1E+3"), "amount", "1000"),
        (Decimal("-0E-18"), "amount", "0"),
        (Decimal("51.30"), "percent", "51.30"),
        (NOW, "time", "2026-03-01T00:00:00Z"),
        (7, "count", "7"),
    ],
)
def test_a_cell_is_canonical_text(value: object, kind: str, text: str | None) -> None:
    """The same wherever it is shown."""

    assert cell(value, kind) == text  # type: ignore[arg-type]


def test_the_curve_has_every_day_and_falls_from_its_top() -> None:
    """A day without a match is a day with zero; the first day's loss is a fall from zero."""

    days = curve(
        [
            (date(2026, 2, 27), Decimal(-3), 0),
            (date(2026, 2, 28), Decimal(5), 1),
            (date(2026, 3, 2), Decimal(-1), 0),
        ]
    )

    assert [
        (day.at.day, int(day.net_pnl), int(day.cumulative), int(day.drawdown)) for day in days
    ] == [
        (28, -3, -3, -3),
        (1, 5, 2, 0),
        (2, 0, 2, 0),
        (3, -1, 1, -1),
    ]
    assert curve([]) == ()

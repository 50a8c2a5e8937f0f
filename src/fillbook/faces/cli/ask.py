"""Asking the book from the command line: every report, as a table, as JSON or as CSV."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fillbook import wiring
from fillbook.domain import money
from fillbook.faces.cli.options import Format
from fillbook.faces.cli.run import put, run
from fillbook.faces.cli.tables import put_table
from fillbook.faces.cli.times import read_time
from fillbook.ledger._pool import Pool
from fillbook.reports import _report
from fillbook.reports._report import Answer, Column, Period, Query, Table
from fillbook.settings import load
from fillbook.wiring import logs

# A spreadsheet runs a cell that begins like this.
_PUBLIC = {"starts_at": "from", "ends_at": "to", "basis": "coverage"}  # as the API says it
SLOWEST_SHOWN = 5  # of the windows, where statistics are asked for
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed."""

    account: str | None = None
    bot: str | None = None
    symbol: str | None = None
    exit_reason: str | None = None
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    limit: int | None = None
    cursor: str | None = None
    currency: str | None = None
    trade: str | None = None
    by: Period | None = None
    zone: str | None = None

    def query(self) -> Query:
        """The same as a query."""
        return Query(
            account=self.account,
            bot=self.bot,
            symbol=self.symbol.upper() if self.symbol else None,
            exit_reason=self.exit_reason,
            since=read_time(self.since),
            until=read_time(self.until),
            as_of=read_time(self.as_of),
            limit=self.limit,
            cursor=self.cursor,
            currency=self.currency.upper() if self.currency else None,
            trade=self.trade,
            by=self.by,
            zone=self.zone,
        )


async def read_report(pool: Pool, name: str, query: Query) -> Any:  # noqa: ANN401 - any report's
    """The answer of a report."""
    return await _report.ask(pool, _report.find(name), query, now=wiring.now())


def list_reports() -> None:
    """Every report and what it answers."""
    for report in _report.all_reports():
        put(f"{report.name:<16}{report.title}")


def run_report(name: str, wanted: Wanted, *, output: Format) -> None:
    """Ask one report and print its answer."""
    logs.log_to_console()
    settings = load()
    query = wanted.query()
    _report.find(name)

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            put_answer(await read_report(pool, name, query), output)

    run(work)


def run_stats(wanted: Wanted, *, days: int | None, output: Format) -> None:
    """The summary, the recent runs and their slowest windows."""
    logs.log_to_console()
    settings = load()
    query = wanted.query()
    since = wiring.now() - timedelta(days=days) if days else None

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            summary = Query(account=query.account, bot=query.bot, since=since)
            answers = [
                await read_report(pool, "summary", summary),
                await read_report(pool, "runs", Query(account=query.account, limit=10)),
                await read_report(
                    pool, "slowest", Query(account=query.account, since=since, limit=SLOWEST_SHOWN)
                ),
            ]
        if output is Format.JSON:
            put(json.dumps({k: v for one in answers for k, v in as_json(one).items()}))
            return
        for answer in answers:
            put_answer(answer, output)
        unread = answers[0].totals.unread_tags
        if unread and output is Format.TABLE:
            put(
                f"{unread} executions have a client id that nothing reads, so that nobody knows"
                " whose they are: `fillbook report tags` shows some; see CLIENT_TAG_PATTERN."
            )
        silent = set(settings.bots) - {bot.bot_id for bot in answers[0].bots}
        if silent and output is Format.TABLE:
            put(f"Registered, without a completed trade: {', '.join(sorted(silent))}")

    run(work)


def put_answer(answer: Answer, output: Format) -> None:
    """Print an answer."""
    if output is Format.JSON:
        put(json.dumps(as_json(answer)))
    elif output is Format.CSV:
        for place, table in enumerate(answer.tables()):
            if place:
                put("")  # an empty line parts one table from the next
            _put_csv(table)
    else:
        for table in answer.tables():
            put_table(table)
        _put_more(answer)
        _put_basis(answer)


def put_rows(rows: Table, output: Format) -> None:
    """Print one table that is no report's."""
    if output is Format.JSON:
        put(json.dumps({"rows": _plain(rows.rows)}))
    elif output is Format.CSV:
        _put_csv(rows)
    else:
        put_table(rows)


def as_json(answer: object) -> dict[str, Any]:
    """An answer with text for amounts and times, as the API gives it."""
    value = _plain(answer)
    assert isinstance(value, dict)
    return value


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Decimal):
        return money.text(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return {
            _PUBLIC.get(field.name, field.name): _plain(getattr(value, field.name))
            for field in fields(value)
        }
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_plain(inner) for inner in value]
    return value


def _put_csv(table: Table) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_PUBLIC.get(column.name, column.name) for column in table.columns])
    for row in table.rows:
        writer.writerow([_csv_cell(column, row) for column in table.columns])
    sys.stdout.write(out.getvalue())


def _csv_cell(column: Column, row: object) -> str:
    value = getattr(row, column.name)
    if value is None:
        return ""
    text = str(_plain(value)).lower() if isinstance(value, bool) else str(_plain(value))
    if column.kind == "text" and text.startswith(_FORMULA_STARTS):
        return f"'{text}"
    return text


def _put_more(answer: Answer) -> None:
    """A page is not taken for all there is."""
    cursor = getattr(answer, "next_cursor", None)
    if cursor is not None:
        put(f"There are more: --cursor {cursor} goes on.")
    elif getattr(answer, "is_cut", False):
        put(f"There are more: --limit shows up to {_report.ROWS_MAX}.")


def _put_basis(answer: Answer) -> None:
    basis = answer.basis
    if basis.percent is None:
        put("Nothing was asked for yet: try `fillbook backfill`, or `fillbook demo` without keys.")
        return
    gaps = f"{basis.gaps} gaps" if basis.gaps != 1 else "1 gap"
    until = f"{basis.read_until:%Y-%m-%d %H:%M} UTC" if basis.read_until else "never"
    age = "" if basis.age_seconds is None else f", {timedelta(seconds=basis.age_seconds)} ago"
    fresh = f"; and not fresh: {basis.not_fresh}" if basis.not_fresh else ""
    put(
        f"Proven: {basis.percent:.2f} % of the time asked for, {gaps};"
        f" read until {until}{age}{fresh}."
    )
    if basis.alarms:
        put(f"{basis.alarms} fills do not fit their position chain: a fill is missing or changed.")

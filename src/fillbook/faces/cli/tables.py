"""A report's table for a person's eyes: what matters, rounded for reading, nothing cut.

JSON and CSV have every column with every digit; here ids and constants step back. What is the same
in every row is said once, below.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fillbook.domain import money
from fillbook.faces.cli.run import put
from fillbook.reports._report import Column, Table

COLUMNS_MAX = 10  # a single row with more is shown as lines
PIPE_WIDTH = 500  # a pipe has no width of its own

_ASIDE = frozenset(("trade_id", "run_id", "entry_side", "exit_side", "exit_qty"))
_SAID_BY_ITS_DATE = frozenset(("at", "starts_at", "ends_at"))  # beside a day or period
# On a narrow terminal these step back first, in this order; then columns from the right.
_FIRST_TO_GO = (
    "gross_pnl", "total_commission", "funding", "holding_duration_seconds", "pnl_pct", "mark_at",
    "opened_at", "updated_at", "mark_price", "cost", "entry_time", "entry_reason", "quarantined",
    "revisions", "unvalued", "ended_at", "pages", "entry_qty", "exit_price", "entry_price",
    "order_id", "execution_id", "entry_value", "exit_value", "entry_commission", "exit_commission",
    "caused_by", "statement_id",
)  # fmt: skip
_COLUMN_GAP = 3
_MONEY_WORDS = (
    "pnl", "commission", "funding", "cost", "fee", "expect", "drawdown", "cumulative", "value",
)  # fmt: skip
_CENT = Decimal("0.01")
_EIGHT_PLACES = Decimal("0.00000001")


def put_table(table: Table) -> None:
    """Print one table."""
    title = table.name.replace("_", " ")
    if not table.rows:
        put(f"{title}: none")
        return
    filled = [c for c in table.columns if any(_says(_value(c, row)) for row in table.rows)]
    if len(table.rows) == 1 and len(filled) > COLUMNS_MAX:
        put(title)
        for column in filled:
            put(f"  {column.title:<22}{cell(column, table.rows[0])}")
        return
    same = [c for c in filled if len(table.rows) > 1 and _is_same(c, table.rows)]
    aside = _ASIDE
    if any(c.name in ("day", "period") for c in table.columns):
        aside |= _SAID_BY_ITS_DATE
    shown = [c for c in filled if c not in same and c.name not in aside and _is_main(c)]
    left_out = _put_grid(title, shown or filled, table.rows)
    words = [f"{c.title.lower()} {cell(c, table.rows[0])}" for c in same if c.name not in _ASIDE]
    if words:
        put(f"  every row: {', '.join(words)}")
    if left_out:
        put(f"  left out here: {', '.join(left_out)} (--format csv has all)")


def _put_grid(title: str, columns: Sequence[Column], rows: Sequence[object]) -> list[str]:
    """Print a grid; returns the titles of columns that found no room."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=PIPE_WIDTH)
    fitting = _that_fit(columns, rows, console.width)
    grid = Grid(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in fitting:
        right = column.kind in ("amount", "count", "percent", "duration")
        grid.add_column(column.title, justify="right" if right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell(column, row)) for column in fitting))
    console.print(grid)
    return [column.title.lower() for column in columns if column not in fitting]


def _that_fit(columns: Sequence[Column], rows: Sequence[object], width: int) -> list[Column]:
    """The columns that fit beside each other, the least missed ones left out first."""
    needed = {
        column.name: max(len(column.title), *(len(cell(column, row)) for row in rows)) + _COLUMN_GAP
        for column in columns
    }
    order = [name for name in _FIRST_TO_GO if name in needed]
    order += [column.name for column in reversed(columns) if column.name not in order]
    while sum(needed.values()) > width and len(needed) > 1:
        del needed[order.pop(0)]
    return [column for column in columns if column.name in needed]


def _says(value: object) -> bool:
    """Nothing, an empty text and a plain no need no room."""
    return value is not None and value != "" and value is not False


def _is_main(column: Column) -> bool:
    return "evidence" not in column.name


def _value(column: Column, row: object) -> object:
    return getattr(row, column.name)


def _is_same(column: Column, rows: Sequence[object]) -> bool:
    first = _value(column, rows[0])
    return column.kind in ("text", "time") and all(_value(column, row) == first for row in rows)


def cell(column: Column, row: object) -> str:
    """One value, for reading."""
    value = _value(column, row)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return _amount(column, value)
    if column.kind == "duration" and isinstance(value, int):
        return str(timedelta(seconds=value))
    if isinstance(value, int):
        return f"{value:,}"
    # Nothing that a venue sent may steer the terminal.
    return "".join(
        sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(value)
    )


def _amount(column: Column, value: Decimal) -> str:
    """Money to the cent; prices and quantities with the digits they have, up to eight."""
    if column.kind == "percent" or any(word in column.name for word in _MONEY_WORDS):
        return f"{value.quantize(_CENT):,}"
    return money.text(value if abs(value) >= 1_000_000 else value.quantize(_EIGHT_PLACES))

"""What options of several commands have in common: their names, their help, where help shows them.

Nothing heavy is imported here, so that `--help` answers at once.
"""

from enum import StrEnum
from typing import Annotated

import typer

PANEL_START = "Start here"
PANEL_BOOK = "Fill the book"
PANEL_ASK = "Ask the book"
PANEL_TRUST = "Trust the book"
PANEL_RUN = "Run it"


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


TABLE = Format.TABLE


class By(StrEnum):
    """What a calendar sums up."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


AccountOption = Annotated[str | None, typer.Option(help="Only this account.", metavar="NAME")]
BotOption = Annotated[str | None, typer.Option(help="Only this bot.", metavar="BOT")]
SymbolOption = Annotated[str | None, typer.Option(help="Only this symbol.", metavar="SYMBOL")]
FromOption = Annotated[
    str | None, typer.Option("--from", help="From this time on (UTC unless it says).", metavar="T")
]
ToOption = Annotated[str | None, typer.Option("--to", help="Before this time.", metavar="T")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="As it stood at this instant.", metavar="T")
]
LimitOption = Annotated[int | None, typer.Option(help="At most so many rows.", min=1, max=1000)]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How to print it.")]
CurrencyOption = Annotated[
    str | None, typer.Option(help="The currency that sums are made in.", metavar="COIN")
]
ExitReasonOption = Annotated[str | None, typer.Option(help="Only what ended so.", metavar="REASON")]
TradeOption = Annotated[str | None, typer.Option(help="Only this trade.", metavar="TRADE_ID")]
ByOption = Annotated[By | None, typer.Option(help="What the calendar sums up (day).")]
ZoneOption = Annotated[
    str | None, typer.Option(help="The time zone of its days (UTC).", metavar="ZONE")
]
CursorOption = Annotated[str | None, typer.Option(help="Go on where a page ended.")]

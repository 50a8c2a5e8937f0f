"""`fillbook bots`: which bots are known, and how one is made known before it trades."""

from typing import Annotated

import typer

from fillbook.faces.cli.options import TABLE, AccountOption, BotOption, FormatOption

app = typer.Typer(
    help="The bots: list them, add one.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
)


@app.callback()
def bots(
    context: typer.Context,
    *,
    account: AccountOption = None,
    bot: BotOption = None,
    output: FormatOption = TABLE,
) -> None:
    """Every bot: how it is known, what it has done, and when it was seen."""
    if context.invoked_subcommand is not None:
        return
    from fillbook.faces.cli.ask import Wanted, run_report

    run_report("bots", Wanted(account=account, bot=bot), output=output)


@app.command()
def add(
    bot: Annotated[str, typer.Argument(help="The name in its client ids.")],
    *,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="Free text, such as its strategy.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="Free text; a new bot is active.")] = None,
    mode: Annotated[
        str | None, typer.Option(help="Free text, such as live or paper; a new bot is live.")
    ] = None,
) -> None:
    """Register a bot, or change what is said of it. No figure rests on that.

    What is not given stays as it is.
    """
    from fillbook.faces.cli.stating import run_add_bot
    from fillbook.ledger.bots import BotRow

    run_add_bot(BotRow(bot, name, kind, status, mode))

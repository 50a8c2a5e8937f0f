"""The command line: what can be typed, and its help. What a command does is in the file it names.

Nothing heavy is imported here, so that `--help` answers at once.
"""

from typing import Annotated

import typer

from fillbook.faces.cli import access, accounts, bots, by_hand, database, serving
from fillbook.faces.cli.options import (
    PANEL_ASK,
    PANEL_BOOK,
    PANEL_RUN,
    PANEL_START,
    PANEL_TRUST,
    TABLE,
    AccountOption,
    AsOfOption,
    BotOption,
    ByOption,
    CurrencyOption,
    CursorOption,
    ExitReasonOption,
    Format,
    FormatOption,
    FromOption,
    LimitOption,
    SymbolOption,
    ToOption,
    TradeOption,
    ZoneOption,
)

__all__ = ["Format", "app"]

app = typer.Typer(
    name="fillbook",
    help="Fillbook: every fill, booked once. A ledger of record for automated traders.",
    epilog="Exit codes: 0 done; 1 something is wrong and was said; 2 wrong usage;"
    " 3 partly done, run it again to resume. Settings: docs/reference/settings.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
paper_app = typer.Typer(
    help="Paper venues on loopback that real third-party clients can use.", no_args_is_help=True
)
app.add_typer(database.app, name="db", rich_help_panel=PANEL_RUN)
app.add_typer(paper_app, name="paper", rich_help_panel=PANEL_START)
app.add_typer(accounts.app, name="accounts", rich_help_panel=PANEL_START)
app.add_typer(access.app, name="tokens", rich_help_panel=PANEL_RUN)
app.add_typer(bots.app, name="bots", rich_help_panel=PANEL_ASK)
app.add_typer(by_hand.app)
app.add_typer(serving.app)


def _version(wanted: bool) -> None:
    if wanted:
        from fillbook import __version__

        typer.echo(f"fillbook {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command(rich_help_panel=PANEL_START)
def demo(
    *,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the summary.")] = False,
    days: Annotated[int, typer.Option(help="Days of history.", min=1, max=700)] = 90,
    bots: Annotated[int, typer.Option(help="How many bots trade.", min=1, max=12)] = 3,
    executions: Annotated[
        int, typer.Option(help="About how many executions.", min=100, max=5_000_000)
    ] = 30_000,
    seed: Annotated[int, typer.Option(help="Another seed, another history.", min=0)] = 7,
    port: Annotated[int, typer.Option(help="Port of the page; 0: any free one.", max=65535)] = 8765,
    output: FormatOption = TABLE,
) -> None:
    """See it work, without keys or network: a paper venue, a backfill, and the dashboard.

    Starts a PostgreSQL of its own under FILLBOOK_HOME/demo and a paper Bybit on loopback, backfills
    the history of some bots, prints a summary, verifies the book and serves the page. A second run
    finds everything booked and adds nothing.
    """
    from fillbook.faces.cli.demo import Wish, run_demo

    run_demo(Wish(days, bots, executions, seed), port=None if no_serve else port, output=output)


@paper_app.command(
    "bybit",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def paper_bybit(context: typer.Context) -> None:
    """A paper Bybit on loopback. Options: see `fillbook paper bybit --help`."""
    from fillbook.faces.cli.paper import run_bybit

    raise typer.Exit(run_bybit(context.args))


@app.command("test", rich_help_panel=PANEL_START)
def test_connections() -> None:
    """Check the database and, per account, reachability, clock, key and permissions.

    One line each; what is wrong says what to do next. Exit code 1 if anything fails.
    """
    from fillbook.faces.cli.check import run_checks

    raise typer.Exit(run_checks())


@app.command(rich_help_panel=PANEL_BOOK)
def backfill(
    *,
    months: Annotated[
        int | None, typer.Option(help="How far back (default: BACKFILL_MONTHS, 3).", min=1, max=120)
    ] = None,
    account: AccountOption = None,
    bot: BotOption = None,
    since: FromOption = None,
    until: ToOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Read what is proven once more, to find late rows.")
    ] = False,
) -> None:
    """Fetch history, oldest first, and prove that it is whole.

    Safe to stop and to run again: what is proven is not fetched twice. An account is fetched once
    for all its bots; --bot narrows the summary, not what is proven. Exit code 3 when a window could
    not be proven: run it again.
    """
    from fillbook.faces.cli.fetch import Asked, run_fetch

    asked = Asked(account=account, bot=bot, since=since, until=until, months=months, again=again)
    run_fetch("backfill", asked)


@app.command(rich_help_panel=PANEL_BOOK)
def sync(
    *,
    account: AccountOption = None,
    bot: BotOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on and book what happens, until stopped.")
    ] = False,
) -> None:
    """One incremental pass: from the end of what is proven to now, late rows included.

    With --follow it then listens to the venue's private stream: a fill is booked within a second,
    and windows behind it prove what was heard. Ctrl-C ends it.
    """
    if follow:
        from fillbook.faces.cli.follow import run_follow

        run_follow(account)
        return
    from fillbook.faces.cli.fetch import Asked, run_fetch

    run_fetch("manual", Asked(account=account, bot=bot))


@app.command(rich_help_panel=PANEL_ASK)
def stats(
    *,
    bot: BotOption = None,
    days: Annotated[int | None, typer.Option(help="Only the last so many days.", min=1)] = None,
    account: AccountOption = None,
    output: FormatOption = TABLE,
) -> None:
    """Totals, per bot, per exit reason, the recent sync jobs and their slowest windows."""
    from fillbook.faces.cli.ask import Wanted, run_stats

    run_stats(Wanted(account=account, bot=bot), days=days, output=output)


@app.command(rich_help_panel=PANEL_ASK)
def trades(
    *,
    account: AccountOption = None,
    bot: BotOption = None,
    symbol: SymbolOption = None,
    exit_reason: ExitReasonOption = None,
    since: FromOption = None,
    until: ToOption = None,
    limit: LimitOption = None,
    cursor: CursorOption = None,
    output: FormatOption = TABLE,
) -> None:
    """Completed trades, newest first, with the reasons for entry and exit."""
    from fillbook.faces.cli.ask import Wanted, run_report

    wanted = Wanted(
        account=account, bot=bot, symbol=symbol, exit_reason=exit_reason, since=since, until=until,
        limit=limit, cursor=cursor,
    )  # fmt: skip
    run_report("trades", wanted, output=output)


@app.command(rich_help_panel=PANEL_ASK)
def positions(
    *,
    account: AccountOption = None,
    bot: BotOption = None,
    symbol: SymbolOption = None,
    as_of: AsOfOption = None,
    output: FormatOption = TABLE,
) -> None:
    """What each bot holds, now or at any past instant."""
    from fillbook.faces.cli.ask import Wanted, run_report

    wanted = Wanted(account=account, bot=bot, symbol=symbol, as_of=as_of)
    run_report("positions", wanted, output=output)


@app.command(rich_help_panel=PANEL_TRUST)
def coverage(*, account: AccountOption = None, output: FormatOption = TABLE) -> None:
    """What is proven, per account and stream, and every gap with its reason."""
    from fillbook.faces.cli.ask import Wanted, run_report

    run_report("coverage", Wanted(account=account), output=output)


@app.command(rich_help_panel=PANEL_TRUST)
def reconcile(
    *,
    account: AccountOption = None,
    no_sync: Annotated[
        bool, typer.Option("--no-sync", help="Only show what the last comparison found.")
    ] = False,
    output: FormatOption = TABLE,
) -> None:
    """Compare the book with the venue: positions, closed profits, wallets, counts.

    Asks the venue what it holds, reads history up to that instant, then compares. Each difference
    says its size, since when, its likely cause, what was tried and what to do next. Exit code 3
    when something differs or an account could not be compared.
    """
    from fillbook.faces.cli.reconcile import run_reconcile

    raise typer.Exit(run_reconcile(account, sync=not no_sync, output=output))


@app.command(rich_help_panel=PANEL_ASK)
def report(
    name: Annotated[str | None, typer.Argument(help="Which; without it, all are listed.")] = None,
    *,
    account: AccountOption = None,
    bot: BotOption = None,
    symbol: SymbolOption = None,
    since: FromOption = None,
    until: ToOption = None,
    as_of: AsOfOption = None,
    exit_reason: ExitReasonOption = None,
    currency: CurrencyOption = None,
    trade: TradeOption = None,
    by: ByOption = None,
    zone: ZoneOption = None,
    limit: LimitOption = None,
    cursor: CursorOption = None,
    output: FormatOption = TABLE,
) -> None:
    """Any report by name. An option that a report does not heed is refused."""
    from fillbook.faces.cli.ask import Wanted, list_reports, run_report

    if name is None:
        list_reports()
        return
    wanted = Wanted(
        account=account, bot=bot, symbol=symbol, since=since, until=until, as_of=as_of, limit=limit,
        exit_reason=exit_reason, currency=currency, trade=trade, zone=zone, cursor=cursor,
        by=by.value if by else None,
    )  # fmt: skip
    run_report(name, wanted, output=output)


@app.command(rich_help_panel=PANEL_TRUST)
def verify(*, account: AccountOption = None, output: FormatOption = TABLE) -> None:
    """Recompute the whole book beside what is stored, and compare.

    Follows the hash chain, reads every raw record again, folds the windows into coverage and lays
    every leg from its facts. Exit code 1 on a difference, which is named.
    """
    from fillbook.faces.cli.trust import run_verify

    raise typer.Exit(run_verify(account, output))


@app.command(rich_help_panel=PANEL_TRUST)
def rebuild(*, account: AccountOption = None) -> None:
    """Drop the derived figures and lay them again from the facts."""
    from fillbook.faces.cli.trust import run_rebuild

    run_rebuild(account)


@app.command(rich_help_panel=PANEL_TRUST)
def wipe(
    *,
    account: AccountOption = None,
    yes_delete_all_trades: Annotated[
        bool, typer.Option("--yes-delete-all-trades", help="For scripts: do not ask.")
    ] = False,
) -> None:
    """Delete all trade data, after `DELETE ALL TRADES` was typed. The act stays on record."""
    from fillbook.faces.cli.trust import run_wipe

    run_wipe(account, sure=yes_delete_all_trades)


@app.command(rich_help_panel=PANEL_RUN)
def serve(
    *,
    port: Annotated[int, typer.Option(help="0: any free one.", min=0, max=65535)] = 8765,
) -> None:
    """The API and the dashboard on loopback. Prints the address with a token once."""
    from fillbook.faces.cli.serve import run_serve

    run_serve(port)

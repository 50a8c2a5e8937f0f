"""Commands of the service: what goes on until it is stopped, and how it is."""

from typing import Annotated

import typer

from fillbook.faces.cli.options import PANEL_RUN, TABLE, AccountOption, FormatOption

app = typer.Typer()


@app.command("run", rich_help_panel=PANEL_RUN)
def run_service(
    *,
    account: AccountOption = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the API and the dashboard as well.")
    ] = False,
    port: Annotated[int, typer.Option(help="With --serve; 0: any free one.", max=65535)] = 8765,
) -> None:
    """The service: every account live, windows behind it on schedule, until it is stopped.

    Feeds tell fills within a second; windows prove them. What is due is caught up with once,
    whatever was slept through; what is wrong is said as an alarm until it is over. A second one
    waits until the first is gone. SIGTERM ends it within five seconds, SIGHUP opens the logs anew.
    """
    from fillbook.faces.cli.running import run_service

    run_service(account, port=port if serve else None)


@app.command(rich_help_panel=PANEL_RUN)
def health() -> None:
    """Is the service on this machine well? For containers: exit code 1 when it is not."""
    from fillbook.faces.cli.running import run_health

    run_health()


@app.command(rich_help_panel=PANEL_RUN)
def status(*, account: AccountOption = None, output: FormatOption = TABLE) -> None:
    """Who works, how each account and its feed are, what is due next, and the alarms."""
    from fillbook.faces.cli.ask import Wanted, run_report

    run_report("status", Wanted(account=account), output=output)

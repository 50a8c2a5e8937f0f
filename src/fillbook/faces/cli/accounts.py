"""`fillbook accounts`: what can be typed. How it is done is in `keeping`."""

from typing import Annotated, Literal

import typer

from fillbook.faces.cli.options import TABLE, FormatOption

app = typer.Typer(
    help="The accounts and their keys: list, add, test, pause, resume, remove.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
)

Name = Annotated[str, typer.Argument(help="The account's name.")]


@app.callback()
def accounts(context: typer.Context, *, output: FormatOption = TABLE) -> None:
    """Every account: its state, what its key may do, when it expires, when that was checked."""
    if context.invoked_subcommand is None:
        list_accounts(output=output)


@app.command("list")
def list_accounts(*, output: FormatOption = TABLE) -> None:
    """Every account: its state, what its key may do, when it expires, when that was checked.

    A key of the environment comes before a stored one of the same account. No key is shown, but a
    fingerprint of it.
    """
    from fillbook.faces.cli.keeping import run_list

    run_list(output)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="A name of your choice: letters, digits, _ and -.")],
    *,
    venue: Annotated[str, typer.Option(help="The venue; only bybit so far.")] = "bybit",
    environment: Annotated[
        Literal["mainnet", "testnet", "demo"], typer.Option(help="Where the key was made.")
    ] = "mainnet",
    base_url: Annotated[
        str | None,
        typer.Option(help="Another address of the venue; plain http on loopback only."),
    ] = None,
    allow_trading: Annotated[
        bool, typer.Option("--allow-trading", help="Accept a key that can trade.")
    ] = False,
    key_from: Annotated[
        str | None, typer.Option(help="The environment variable that holds the key.", metavar="VAR")
    ] = None,
    secret_from: Annotated[
        str | None, typer.Option(help="The one that holds its secret.", metavar="VAR")
    ] = None,
) -> None:
    """Ask the venue what a key may do, and store it, sealed.

    Key and secret are asked for without being shown, or read from environment variables: those
    named, else BYBIT_API_KEY and BYBIT_API_SECRET. They are never arguments. A key that can
    withdraw is refused, always. A new key of a known account takes the place of the old one.
    """
    from fillbook.faces.cli.keeping import Wish, run_add

    run_add(
        Wish(name, venue, environment, base_url, allow_trading), key_from=key_from,
        secret_from=secret_from,
    )  # fmt: skip


@app.command("test")
def test_account(name: Name) -> None:
    """Check one account: reachability, clock, key, permissions, expiry. 1 if anything fails."""
    from fillbook.faces.cli.check import run_checks

    raise typer.Exit(run_checks(name))


@app.command()
def pause(name: Name) -> None:
    """Leave the account out of every pass until it is resumed. What is booked stays."""
    from fillbook.faces.cli.keeping import run_pause

    run_pause(name, paused=True)


@app.command()
def resume(name: Name) -> None:
    """Let a paused account go on."""
    from fillbook.faces.cli.keeping import run_pause

    run_pause(name, paused=False)


@app.command()
def remove(name: Name) -> None:
    """Delete the stored key of an account. Its history stays in the ledger."""
    from fillbook.faces.cli.keeping import run_remove

    run_remove(name)


@app.command()
def rekey(
    *,
    old_from: Annotated[
        str | None,
        typer.Option(
            help="The environment variable that holds the secrets key so far, where it is neither"
            " in FILLBOOK_SECRETS_KEY nor in the file.",
            metavar="VAR",
        ),
    ] = None,
) -> None:
    """Seal every stored key with another secrets key.

    With FILLBOOK_SECRETS_KEY set, it is that one; without it, the file gets a new one.
    """
    from fillbook.faces.cli.keeping import run_rekey

    run_rekey(old_from)

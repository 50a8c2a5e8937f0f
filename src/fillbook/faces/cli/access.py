"""`fillbook tokens`: what can be typed, and how it is done: few lines, so both are here."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from fillbook.faces.cli.options import TABLE, FormatOption

if TYPE_CHECKING:
    from fillbook.ledger._pool import Pool

T = TypeVar("T")

app = typer.Typer(
    help="Access tokens of the API, for programs such as a scraper of metrics: list, add, revoke.",
    invoke_without_command=True,
    rich_markup_mode="markdown",
)


@app.callback()
def tokens(context: typer.Context, *, output: FormatOption = TABLE) -> None:
    """Every token that was made: its name, what it may do, when it was made or revoked."""
    if context.invoked_subcommand is None:
        list_tokens(output=output)


@app.command("list")
def list_tokens(*, output: FormatOption = TABLE) -> None:
    """Every token that was made: its name, what it may do, when it was made or revoked.

    No token is shown, but its public beginning, by which it is revoked.
    """
    from fillbook.faces.cli.ask import put_rows
    from fillbook.ledger.tokens import TokenRow, all_tokens
    from fillbook.reports._report import table

    put_rows(table("tokens", TokenRow, _on_the_ledger(all_tokens)), output)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What it is for: prometheus, backup-script.")],
    *,
    scope: Annotated[str, typer.Option(help="What it may do: read, operate or admin.")] = "read",
) -> None:
    """Make a token and print it, once: it is kept as a hash only."""
    from fillbook import wiring
    from fillbook.errors import UsageError
    from fillbook.faces.cli.run import put
    from fillbook.ledger.tokens import SCOPES, make

    chosen = next((known for known in SCOPES if known == scope), None)
    if chosen is None:
        raise UsageError(f"A token's scope is one of {', '.join(SCOPES)}.")
    put(_on_the_ledger(lambda pool: make(pool, name=name, scope=chosen, now=wiring.now())))


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="Its public beginning, as the list shows it.")],
) -> None:
    """Make a token worthless from now on."""
    from fillbook import wiring
    from fillbook.faces.cli.run import put
    from fillbook.ledger.tokens import revoke as revoke_token

    name = _on_the_ledger(lambda pool: revoke_token(pool, prefix, now=wiring.now()))
    put(f"{name} is revoked.")


def _on_the_ledger(work: "Callable[[Pool], Awaitable[T]]") -> T:
    """Do something with the ledger that the environment names."""
    from fillbook import wiring
    from fillbook.faces.cli.run import run
    from fillbook.settings import load
    from fillbook.wiring import logs

    logs.log_to_console()
    settings = load()

    async def done() -> T:
        async with wiring.open_ledger(settings) as pool:
            return await work(pool)

    return run(done)

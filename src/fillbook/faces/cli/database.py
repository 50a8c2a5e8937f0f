"""`fillbook db`: the database itself."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fillbook.faces.cli.options import TABLE, FormatOption

if TYPE_CHECKING:
    from fillbook.settings import Settings

app = typer.Typer(
    help="The database: start, stop, status, migrate, backup, restore.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


def _settings() -> "Settings":
    from fillbook.settings import load

    return load()


@app.command()
def start() -> None:
    """Start the embedded server, and bring its schema up to date.

    It outlives this command: any client can use the address until `fillbook db stop`.
    """
    from fillbook import wiring

    settings = _settings()
    _only_embedded(settings)
    typer.echo(wiring.prepare_database(settings))


@app.command()
def stop() -> None:
    """Stop the embedded server."""
    from fillbook import wiring
    from fillbook.ledger import _embedded

    settings = _settings()
    _only_embedded(settings)
    stopped = _embedded.stop(wiring.embedded_folder(settings))
    typer.echo("Stopped." if stopped else "It was not running.")


@app.command()
def status(
    *,
    output: Annotated[
        Literal["table", "json"], typer.Option("--format", "-f", help="How to print it.")
    ] = "table",
) -> None:
    """Address, versions and size."""
    from fillbook import wiring
    from fillbook.ledger import _migrate
    from fillbook.ledger.server import server_facts

    settings = _settings()
    embedded = settings.external_database is None
    url = wiring.prepare_database(settings) if embedded else wiring.direct_url(settings)
    migrations = _migrate.status(url)
    facts = server_facts(url)
    newest = max((one.version for one in migrations.applied), default=0)
    shown = {
        "url": _shown(settings, url),
        "server_version": facts.version,
        "schema_version": newest,
        "size_bytes": facts.size_bytes,
        "pending": len(migrations.pending),
        "embedded": embedded,
    }
    if output == "json":
        typer.echo(json.dumps(shown))
        return
    for name, value in shown.items():
        typer.echo(f"{name.replace('_', ' '):<16}{value}")
    if migrations.pending:
        typer.echo("Run `fillbook db migrate` to bring the schema up to date.")


@app.command()
def migrate(
    *,
    print_sql: Annotated[
        bool, typer.Option("--print-sql", help="Print the SQL for psql instead of running it.")
    ] = False,
) -> None:
    """Bring the schema up to date. Safe to run twice, and by several at once."""
    from fillbook import wiring
    from fillbook.ledger import _migrate

    settings = _settings()
    if print_sql:
        external = settings.external_database
        typer.echo(_migrate.render_sql(wiring.direct_url(settings) if external else None), nl=False)
        return
    applied = _migrate.migrate(wiring.direct_url(settings), clock=wiring.now)
    for one in applied:
        typer.echo(f"applied {one.version:04} {one.name} in {one.took_ms} ms")
    if not applied:
        typer.echo("The schema is up to date.")


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="The new file; without it, one with the date.")
    ] = None,
    *,
    to: Annotated[
        Path | None,
        typer.Option(help="The folder for it (default: backups under FILLBOOK_HOME)."),
    ] = None,
    keep: Annotated[
        int | None, typer.Option(help="Keep so many of the folder's backups.", min=1, max=10_000)
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Only check this backup; needs no database.", metavar="FILE"),
    ] = None,
    output: FormatOption = TABLE,
) -> None:
    """Write everything into one file: consistent, also while a sync runs.

    Figures are not in it, they are laid again from the facts. Stored keys of venues stay sealed:
    the secrets key is backed up apart. FILLBOOK_BACKUP_PASSPHRASE seals the whole file.
    """
    from fillbook.faces.cli.backup import Wish, run_backup, run_check

    if check is None:
        run_backup(Wish(file, to, keep), output)
    else:
        run_check(check, output)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup, sealed or not.")],
    *,
    output: FormatOption = TABLE,
) -> None:
    """Bring a backup back into an empty database, and prove that it is the same ledger.

    Safe to run again when it was interrupted. Exit code 1 when the result is not what was backed
    up.
    """
    from fillbook.faces.cli.backup import run_restore

    raise typer.Exit(run_restore(file, output))


def _only_embedded(settings: "Settings") -> None:
    from fillbook.errors import UsageError

    if settings.external_database is not None:
        raise UsageError(
            "DATABASE_URL or DB_* point at a server of your own: start and stop it yourself."
        )


def _shown(settings: "Settings", url: str) -> str:
    """The address without its password."""
    from fillbook.ledger._address import scrub

    return url if settings.external_database is None else scrub(url, url)

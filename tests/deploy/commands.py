"""The commands that the program has, as words."""

import importlib

from tests.tidy.test_documented import commands


def known_commands() -> set[str]:
    """Each command by its words, without the program's name."""
    typer_main = importlib.import_module("typer.main")
    app = importlib.import_module("fillbook.faces.cli").app
    found = commands(typer_main.get_command(app))
    return {path.removeprefix("fillbook ") for path in found}

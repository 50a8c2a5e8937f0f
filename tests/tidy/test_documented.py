"""Every command and every setting is documented, and every setting stands in `.env.example`."""

import importlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tests.tidy.source import ROOT, files

REFERENCE = "docs/reference"


def commands(command: Any, *, path: str = "fillbook") -> Iterator[str]:  # noqa: ANN401 - click's
    """Each command below this one, by its full path; what is hidden on purpose is left out."""
    if command.hidden:
        return
    if not hasattr(command, "list_commands"):
        yield path
        return
    context = command.context_class(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from commands(inner, path=f"{path} {name}")


def settings(model: type[BaseSettings]) -> Iterator[str]:
    """The environment variables that this model reads."""
    prefix = model.model_config.get("env_prefix", "")
    for name, field in model.model_fields.items():
        match field.validation_alias:
            case None:
                yield f"{prefix}{name}".upper()
            case str(alias):
                yield alias
            case AliasChoices(choices=choices):
                yield from (choice for choice in choices if isinstance(choice, str))


def undocumented(names: Iterable[str], text: str) -> list[str]:
    """The names that do not occur in the text as whole words."""
    flat = " ".join(text.split())
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", flat)]


def reference() -> str:
    return "\n".join(file.text for file in files(REFERENCE, suffixes=[".md"]))


def test_every_command_is_documented() -> None:
    """Each command that can be typed is found in the reference."""
    typer_main = importlib.import_module("typer.main")
    app = importlib.import_module("fillbook.faces.cli").app

    found = list(commands(typer_main.get_command(app)))

    assert "fillbook demo" in found
    assert undocumented(found, reference()) == []


def test_every_setting_is_documented() -> None:
    """Each variable that is read is found in the reference."""
    model = importlib.import_module("fillbook.settings").Settings

    found = list(settings(model))

    assert "DATABASE_URL" in found
    assert undocumented(found, reference()) == []


def test_every_setting_is_in_the_example() -> None:
    """`.env.example` lists each variable that is read."""
    model = importlib.import_module("fillbook.settings").Settings
    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert undocumented(settings(model), text) == []


def test_the_example_sets_nothing() -> None:
    """Copied as it is, `.env.example` changes no setting."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")

    lines = text.splitlines()
    assert [line for line in lines if line.strip() and not line.startswith("#")] == []


def test_an_undocumented_command_is_found() -> None:
    """Groups are followed to their ends, and a part of a longer name does not count."""
    typer = importlib.import_module("typer")
    typer_main = importlib.import_module("typer.main")
    app, inner = typer.Typer(), typer.Typer()
    app.command("demo")(lambda: None)
    app.add_typer(inner, name="db")
    inner.command("start")(lambda: None)
    inner.command("stop")(lambda: None)

    found = list(commands(typer_main.get_command(app)))

    assert found == ["fillbook demo", "fillbook db start", "fillbook db stop"]
    text = "Run `fillbook demo-data` or\n`fillbook db\nstop`."
    assert undocumented(found, text) == ["fillbook demo", "fillbook db start"]


@pytest.mark.parametrize("documented", ["", "`OTHER_THING_MAX`"])
def test_an_undocumented_setting_is_found(documented: str) -> None:
    """Under its prefix, or under each of its other names."""

    class Example(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="own_")

        thing: str = ""
        aliased: str = Field(default="", validation_alias="OTHER_THING")
        either: str = Field(default="", validation_alias=AliasChoices("ONE", "TWO"))

    found = list(settings(Example))

    assert found == ["OWN_THING", "OTHER_THING", "ONE", "TWO"]
    assert undocumented(found, documented) == found

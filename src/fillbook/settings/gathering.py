"""From where settings come: every name is checked before a value is believed."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError

from fillbook.errors import SettingError
from fillbook.settings.logins import ACCOUNT_PARTS, ACCOUNT_PREFIX, logins_in
from fillbook.settings.values import Settings

OUR_PREFIXES = ("FILLBOOK_", "EXCHANGE_SYNC_", "BYBIT_", "BACKFILL_", "HOURLY_SYNC_")
TEST_PREFIX = "FILLBOOK_TEST_"
_NEEDED = {
    "int_parsing": "a whole number is needed", "decimal_parsing": "a number is needed",
    "bool_parsing": "write true or false",
}  # fmt: skip

# Named in the reference for later: accepted, and said to be without effect by `fillbook test`.
WITHOUT_EFFECT = frozenset(("POSITION_SYNC_INTERVAL_MINUTES",))


def load(environ: Mapping[str, str] | None = None, *, folder: Path | None = None) -> Settings:
    """Gather the settings of this process."""
    given = _gather(os.environ if environ is None else environ, folder or Path.cwd())
    _refuse_unknown(given)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise SettingError(_in_words(error)) from None
    settings._logins = logins_in(settings, given)  # noqa: SLF001 - set once, here
    settings._without_effect = tuple(sorted(WITHOUT_EFFECT & given.keys()))  # noqa: SLF001
    return settings


def _in_words(error: ValidationError) -> str:
    """What is wrong first, in plain words. A value is not shown: it may be a secret."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "a setting"
    said = first["msg"].removeprefix("Value error, ").replace("Input should", "it must")
    return f"{name} cannot be used: {_NEEDED.get(first['type'], said)}."


def _gather(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    given: dict[str, str] = {}
    given |= _toml(folder / "fillbook.toml")
    dotenv = folder / ".env"
    if dotenv.is_file():
        given |= {k: v for k, v in dotenv_values(dotenv, interpolate=False).items() if v}
    given |= {name: value for name, value in environ.items() if value != ""}
    return {name: value for name, value in given.items() if _is_ours(name)}


def _toml(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"fillbook.toml cannot be read: {error}.") from None
    for name, value in found.items():
        if not _is_ours(name) or isinstance(value, dict | list):
            raise SettingError(f"fillbook.toml: {name} is no setting; use the variables' names.")
    return {name: str(value) for name, value in found.items()}


def _names() -> frozenset[str]:
    aliases = (field.validation_alias for field in Settings.model_fields.values())
    return frozenset(alias for alias in aliases if isinstance(alias, str)) | WITHOUT_EFFECT


def _is_ours(name: str) -> bool:
    return name in _names() or name.startswith(OUR_PREFIXES)


def _refuse_unknown(given: Mapping[str, str]) -> None:
    _refuse_two_intervals(given)
    for name in sorted(given):
        is_account = name.startswith(ACCOUNT_PREFIX) and name.endswith(ACCOUNT_PARTS)
        if not (name in _names() or name.startswith(TEST_PREFIX) or is_account):
            raise SettingError(f"There is no setting {name}: see docs/reference/settings.md.")


def _refuse_two_intervals(given: Mapping[str, str]) -> None:
    """One interval, whichever of its two names says it."""
    minutes = given.get("EXCHANGE_SYNC_INTERVAL_MINUTES", "")
    seconds = given.get("SYNC_INTERVAL_SECONDS", "")
    both_whole = minutes.isdigit() and seconds.isdigit()
    if minutes and seconds and not (both_whole and int(minutes) * 60 == int(seconds)):
        raise SettingError(
            f"EXCHANGE_SYNC_INTERVAL_MINUTES ({minutes}) and SYNC_INTERVAL_SECONDS ({seconds})"
            " say different things: set one of them."
        )

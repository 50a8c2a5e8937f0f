"""Settings: from the environment, a `.env` file in the working folder, and `fillbook.toml`.

The environment wins over `.env`, `.env` over the file. A name of ours that does not exist, or two
settings that contradict each other, is an error that names them: a typo must not pass as a default.
"""

import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from dotenv import dotenv_values
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from fillbook.domain.client_tag import compiled
from fillbook.errors import SettingError

OUR_PREFIXES = ("FILLBOOK_", "EXCHANGE_SYNC_", "BYBIT_", "BACKFILL_", "HOURLY_SYNC_")
ACCOUNT_PREFIX = "FILLBOOK_ACCOUNT_"
ACCOUNT_PARTS = ("VENUE", "KEY", "SECRET", "BASE_URL", "TESTNET")
TEST_PREFIX = "FILLBOOK_TEST_"
_NEEDED = {
    "int_parsing": "a whole number is needed", "decimal_parsing": "a number is needed",
    "bool_parsing": "write true or false",
}  # fmt: skip

# Named in the reference for later: accepted, and said to be without effect by `fillbook test`.
WITHOUT_EFFECT = frozenset((
    "BYBIT_WS_URL", "EXCHANGE_SYNC_INTERVAL_MINUTES", "EXCHANGE_SYNC_ENABLED",
    "SYNC_INTERVAL_SECONDS", "POSITION_SYNC_INTERVAL_MINUTES",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Login:
    """A key to an account, under a name that its owner gave."""

    name: str
    venue: str
    key: str
    secret: SecretStr
    testnet: bool
    base_url: str | None


class Settings(BaseSettings):
    """Every setting, by the variable that sets it."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    home: Path | None = Field(
        None,
        validation_alias="FILLBOOK_HOME",
        description="The folder of database, logs and demo; without it, the user's data folder.",
    )
    database_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="A PostgreSQL of your own, 15 or newer. Wins over all of DB_*.",
    )
    database_direct_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_DIRECT_URL",
        description="The same database without a pooler in between, for migrations.",
    )
    database_prepare: bool = Field(
        default=True,
        validation_alias="FILLBOOK_DATABASE_PREPARE",
        description="Prepare statements; false behind a pgbouncer older than 1.21.",
    )
    db_host: str | None = Field(
        None, validation_alias="DB_HOST", description="The server's host; without it, localhost."
    )
    db_port: int | None = Field(
        None,
        validation_alias="DB_PORT",
        description="The server's port; without it, 5432.",
        ge=1,
        le=65535,
    )
    db_user: str | None = Field(
        None, validation_alias="DB_USER", description="The user; without it, postgres."
    )
    db_pass: SecretStr | None = Field(
        None,
        validation_alias="DB_PASS",
        description="The password; without it, POSTGRES_PASSWORD, else postgres.",
    )
    db_name: str | None = Field(
        None, validation_alias="DB_NAME", description="The database; without it, alphapulse."
    )
    postgres_password: SecretStr | None = Field(
        None,
        validation_alias="POSTGRES_PASSWORD",
        description="The password where DB_PASS is not set.",
    )

    exchanges: str = Field(
        "bybit",
        validation_alias="EXCHANGE_SYNC_EXCHANGES",
        description="The exchanges to sync, with commas between them; only bybit is there so far.",
    )
    bybit_api_key: str | None = Field(
        None,
        validation_alias="BYBIT_API_KEY",
        description="The key of the account named bybit; a key that can withdraw is refused.",
    )
    bybit_api_secret: SecretStr | None = Field(
        None, validation_alias="BYBIT_API_SECRET", description="The secret of that key."
    )
    bybit_testnet: bool = Field(
        default=False,
        validation_alias="BYBIT_TESTNET",
        description="Whether the key was made for Bybit's testnet.",
    )
    bybit_base_url: str | None = Field(
        None,
        validation_alias="BYBIT_BASE_URL",
        description="Another address of Bybit, or of a paper venue: plain http on loopback only.",
    )
    registered_bots: str = Field(
        "",
        validation_alias="REGISTERED_BOTS",
        description="Bots to list even before they have traded, with commas between them.",
    )
    client_tag_pattern: str | None = Field(
        None,
        validation_alias="CLIENT_TAG_PATTERN",
        description="How your bots write client ids: a regular expression with a group `bot`, and"
        " `reason` if there is one; tried before the known formats. `none` takes it back.",
    )

    backfill_months: int = Field(
        3,
        validation_alias="BACKFILL_MONTHS",
        description="How far back a backfill goes where nothing else is asked for.",
        ge=1,
        le=120,
    )
    backfill_batch_days: Decimal | None = Field(
        None,
        validation_alias="BACKFILL_BATCH_DAYS",
        description="The longest window to ask for, in days; without it, the venue's longest.",
        gt=0,
        le=366,
    )
    overlap_hours: Decimal | None = Field(
        None,
        validation_alias="HOURLY_SYNC_OVERLAP_HOURS",
        description="The least that each pass reads again of what is proven, in hours.",
        ge=0,
        le=168,
    )
    rate_limit_delay: Decimal | None = Field(
        None,
        validation_alias="RATE_LIMIT_DELAY",
        description="The shortest pause between two requests, in seconds.",
        ge=0,
        le=60,
    )
    bybit_rate: int | None = Field(
        None,
        validation_alias="BYBIT_RATE_LIMIT_PER_SECOND",
        description="The most requests a second to one endpoint, however many Bybit allows.",
        ge=1,
        le=1000,
    )

    log_level: str = Field(
        "INFO",
        validation_alias="EXCHANGE_SYNC_LOG_LEVEL",
        description="How much is logged: DEBUG, INFO, WARNING or ERROR.",
    )
    log_dir: Path = Field(
        Path("logs"),
        validation_alias="EXCHANGE_SYNC_LOG_DIR",
        description="The folder of the logs; a relative one lies under FILLBOOK_HOME.",
    )

    _logins: tuple[Login, ...] = PrivateAttr(())
    _without_effect: tuple[str, ...] = PrivateAttr(())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load` gathered, so that every name has been checked."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("use DEBUG, INFO, WARNING or ERROR")
        return level.upper()

    @field_validator("client_tag_pattern")
    @classmethod
    def _readable(cls, pattern: str | None) -> str | None:
        return "" if pattern == "none" else pattern and compiled(pattern).pattern

    @property
    def logins(self) -> tuple[Login, ...]:
        """The keys that were given, by the name of their account."""
        return self._logins

    @property
    def without_effect(self) -> tuple[str, ...]:
        """Settings that were given and that nothing reads yet."""
        return self._without_effect

    @property
    def folder(self) -> Path:
        """Where Fillbook keeps its own things."""
        return (self.home or default_home()).expanduser().absolute()

    @property
    def logs(self) -> Path:
        """Where log files go."""
        return self.log_dir if self.log_dir.is_absolute() else self.folder / self.log_dir

    @property
    def external_database(self) -> str | None:
        """The address of a database of the user's own; None for the embedded one."""
        if self.database_url:
            return self.database_url.get_secret_value()
        parts = (self.db_host, self.db_port, self.db_user, self.db_pass, self.db_name)
        if all(part is None for part in (*parts, self.postgres_password)):
            return None
        secret = self.db_pass or self.postgres_password
        password = quote(secret.get_secret_value() if secret else "postgres", safe="")
        host, user = self.db_host or "localhost", quote(self.db_user or "postgres", safe="")
        name = quote(self.db_name or "alphapulse", safe="")
        return f"postgresql://{user}:{password}@{host}:{self.db_port or 5432}/{name}"

    @property
    def bots(self) -> tuple[str, ...]:
        """Bots that are listed even before they have traded."""
        return tuple(name.strip() for name in self.registered_bots.split(",") if name.strip())

    @property
    def window_max(self) -> timedelta | None:
        """The longest window to ask for."""
        days = self.backfill_batch_days
        return None if days is None else timedelta(microseconds=int(days * 86_400_000_000))

    @property
    def overlap_min(self) -> timedelta | None:
        """The least that every sync reads again."""
        hours = self.overlap_hours
        return None if hours is None else timedelta(microseconds=int(hours * 3_600_000_000))

    @property
    def pause_min(self) -> timedelta | None:
        """The shortest pause between two requests."""
        delay = self.rate_limit_delay
        return None if delay is None else timedelta(microseconds=int(delay * 1_000_000))


def default_home() -> Path:
    """The user's data folder; root's services have theirs in /var/lib."""
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/lib/fillbook")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "fillbook"
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "fillbook"


def load(environ: Mapping[str, str] | None = None, *, folder: Path | None = None) -> Settings:
    """Gather the settings of this process."""
    given = _gather(os.environ if environ is None else environ, folder or Path.cwd())
    _refuse_unknown(given)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise SettingError(_in_words(error)) from None
    logins = (*_own_logins(settings), *_named_logins(given))
    _refuse_doubles(logins)
    settings._logins = logins  # noqa: SLF001 - set once, here
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


def _own_logins(settings: Settings) -> list[Login]:
    """Key and secret of an exchange alone make an account, named after the exchange."""
    key, secret = settings.bybit_api_key, settings.bybit_api_secret
    wanted = {name.strip().lower() for name in settings.exchanges.split(",") if name.strip()}
    if unknown := wanted - {"bybit"}:
        names = ", ".join(sorted(unknown))
        raise SettingError(f"EXCHANGE_SYNC_EXCHANGES names {names}: only bybit is there so far.")
    if (key is None) != (secret is None):
        missing = "BYBIT_API_SECRET" if secret is None else "BYBIT_API_KEY"
        raise SettingError(f"{missing} is missing: key and secret go together.")
    if key is None or secret is None or "bybit" not in wanted:
        return []
    return [Login("bybit", "bybit", key, secret, settings.bybit_testnet, settings.bybit_base_url)]


def _named_logins(given: Mapping[str, str]) -> list[Login]:
    found: dict[str, dict[str, str]] = {}
    for name, value in given.items():
        if not name.startswith(ACCOUNT_PREFIX):
            continue
        part = next(part for part in ACCOUNT_PARTS if name.endswith(f"_{part}"))
        label = name.removeprefix(ACCOUNT_PREFIX).removesuffix(f"_{part}").lower()
        found.setdefault(label, {})[part] = value
    return [_named_login(label, parts) for label, parts in sorted(found.items())]


def _named_login(label: str, parts: Mapping[str, str]) -> Login:
    for part in ("KEY", "SECRET"):
        if part not in parts:
            raise SettingError(f"{ACCOUNT_PREFIX}{label.upper()}_{part} is missing.")
    venue = parts.get("VENUE", "bybit").lower()
    if venue != "bybit":
        raise SettingError(f"{ACCOUNT_PREFIX}{label.upper()}_VENUE: there is no venue {venue} yet.")
    testnet = parts.get("TESTNET", "false").lower() in ("1", "true", "yes", "on")
    return Login(
        label, venue, parts["KEY"], SecretStr(parts["SECRET"]), testnet, parts.get("BASE_URL")
    )


def _refuse_doubles(logins: tuple[Login, ...]) -> None:
    names = [login.name for login in logins]
    for name in names:
        if names.count(name) > 1:
            raise SettingError(f"Two accounts are named {name}: give one of them another name.")

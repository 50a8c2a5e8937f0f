"""Every setting: its variable, its kind, its default and what it means."""

import os
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from pydantic import Field, PrivateAttr, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from fillbook.domain.client_tag import compiled
from fillbook.settings.logins import Login

INTERVAL_SECONDS = 1800  # of the service, where nothing is set


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
        repr=False,
        description="The key of the account named bybit: a read-only one is enough, one that can"
        " withdraw is refused.",
    )
    bybit_api_secret: SecretStr | None = Field(
        None, validation_alias="BYBIT_API_SECRET", description="The secret of that key."
    )
    bybit_testnet: bool = Field(
        default=False,
        validation_alias="BYBIT_TESTNET",
        description="Whether the key was made for Bybit's testnet.",
    )
    bybit_demo: bool = Field(
        default=False,
        validation_alias="BYBIT_DEMO",
        description="Whether the key was made for Bybit's demo trading.",
    )
    bybit_base_url: str | None = Field(
        None,
        validation_alias="BYBIT_BASE_URL",
        description="Another address of Bybit, or of a paper venue: plain http on loopback only.",
    )
    bybit_ws_url: str | None = Field(
        None,
        validation_alias="BYBIT_WS_URL",
        description="Another address of Bybit's private stream; plain ws on loopback only.",
    )
    allow_trading_keys: bool = Field(
        default=False,
        validation_alias="FILLBOOK_ALLOW_TRADING_KEYS",
        description="Use keys of these variables even though they can trade.",
    )
    secrets_key: SecretStr | None = Field(
        None,
        validation_alias="FILLBOOK_SECRETS_KEY",
        description="What stored keys are sealed with: 32 bytes in base64; without it, the file"
        " `secrets/secrets.key` under FILLBOOK_HOME, which is made when it is first needed.",
    )
    backup_passphrase: SecretStr | None = Field(
        None,
        validation_alias="FILLBOOK_BACKUP_PASSPHRASE",
        description="What backups are sealed with and opened by: 12 characters or more.",
    )
    backup_passphrase_file: Path | None = Field(
        None,
        validation_alias="FILLBOOK_BACKUP_PASSPHRASE_FILE",
        description="The same in a file that only its owner can read.",
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

    sync_enabled: bool = Field(
        default=True,
        validation_alias="EXCHANGE_SYNC_ENABLED",
        description="Whether the service reads by itself; false: only what is asked for.",
    )
    interval_minutes: int | None = Field(
        None,
        validation_alias="EXCHANGE_SYNC_INTERVAL_MINUTES",
        description="How often the service reads windows behind the feeds, in minutes; without it,"
        " SYNC_INTERVAL_SECONDS, else 30 minutes.",
        ge=1,
        le=1440,
    )
    interval_seconds: int | None = Field(
        None,
        validation_alias="SYNC_INTERVAL_SECONDS",
        description="The same in seconds. Both set to different times is an error.",
        ge=10,
        le=86_400,
    )
    sweep_hour: int = Field(
        3,
        validation_alias="FILLBOOK_SWEEP_HOUR",
        description="The hour, UTC, of the daily sweep, which also reads the last days once more.",
        ge=0,
        le=23,
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
    def interval(self) -> timedelta:
        """How often the service reads windows behind the feeds."""
        if self.interval_minutes is not None:
            return timedelta(minutes=self.interval_minutes)
        return timedelta(seconds=self.interval_seconds or INTERVAL_SECONDS)

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

"""Which keys are given in settings, and to which accounts they lead."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from fillbook.errors import SettingError

ACCOUNT_PREFIX = "FILLBOOK_ACCOUNT_"
ACCOUNT_PARTS = ("VENUE", "KEY", "SECRET", "BASE_URL", "TESTNET", "ENVIRONMENT")
ENVIRONMENTS = ("mainnet", "testnet", "demo")
VENUES = ("bybit",)

Source = Literal["environment", "stored"]

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Login:
    """A key to an account, under a name that its owner gave. Its representation shows no key."""

    name: str
    venue: str
    key: str = field(repr=False)
    secret: SecretStr
    environment: str = "mainnet"
    base_url: str | None = None
    may_trade: bool = False  # its owner said that a key that can trade may be used
    source: Source = "environment"
    stream_url: str | None = None


class Given(Protocol):
    """The settings that make the account which is named after its exchange."""

    @property
    def exchanges(self) -> str: ...
    @property
    def bybit_api_key(self) -> str | None: ...
    @property
    def bybit_api_secret(self) -> SecretStr | None: ...
    @property
    def bybit_testnet(self) -> bool: ...
    @property
    def bybit_demo(self) -> bool: ...
    @property
    def bybit_base_url(self) -> str | None: ...
    @property
    def bybit_ws_url(self) -> str | None: ...
    @property
    def allow_trading_keys(self) -> bool: ...


def logins_in(settings: Given, given: Mapping[str, str]) -> tuple[Login, ...]:
    """Every key that is given, by the name of its account."""
    may_trade = settings.allow_trading_keys
    logins = (*_own_logins(settings), *_named_logins(given, may_trade=may_trade))
    names = [login.name for login in logins]
    for login in logins:
        if names.count(login.name) > 1:
            raise SettingError(
                f"Two accounts are named {login.name}: give one of them another name."
            )
    return logins


def refuse_other_host(environment: str, base_url: str | None, *, named: str) -> None:
    """An address says by itself which environment it serves: the two must agree.

    A key of a testnet that is filed as one of the mainnet would mix two accounts in one book.
    """
    host = (urlsplit(base_url).hostname or "") if base_url else ""
    if not host.startswith("api"):
        return
    serves = "testnet" if "-testnet." in host else "demo" if "-demo." in host else "mainnet"
    if serves != environment:
        raise SettingError(
            f"{named}: {host} serves {serves} and the account is said to be of {environment}:"
            " make them agree."
        )


def _own_logins(settings: Given) -> list[Login]:
    """Key and secret of an exchange alone make an account, named after the exchange."""
    key, secret = settings.bybit_api_key, settings.bybit_api_secret
    wanted = {name.strip().lower() for name in settings.exchanges.split(",") if name.strip()}
    if unknown := wanted - set(VENUES):
        names = ", ".join(sorted(unknown))
        raise SettingError(f"EXCHANGE_SYNC_EXCHANGES names {names}: only bybit is there so far.")
    if settings.bybit_testnet and settings.bybit_demo:
        raise SettingError(
            "BYBIT_TESTNET and BYBIT_DEMO are both true: a key is made for one of them."
        )
    environment = (
        "testnet" if settings.bybit_testnet else "demo" if settings.bybit_demo else "mainnet"
    )
    refuse_other_host(environment, settings.bybit_base_url, named="BYBIT_BASE_URL")
    if (key is None) != (secret is None):
        missing = "BYBIT_API_SECRET" if secret is None else "BYBIT_API_KEY"
        raise SettingError(f"{missing} is missing: key and secret go together.")
    if key is None or secret is None or "bybit" not in wanted:
        return []
    base_url, may_trade = settings.bybit_base_url, settings.allow_trading_keys
    login = Login("bybit", "bybit", key, secret, environment, base_url, may_trade)
    return [replace(login, stream_url=settings.bybit_ws_url)]


def _named_logins(given: Mapping[str, str], *, may_trade: bool) -> list[Login]:
    found: dict[str, dict[str, str]] = {}
    for name, value in given.items():
        if not name.startswith(ACCOUNT_PREFIX):
            continue
        part = next(part for part in ACCOUNT_PARTS if name.endswith(f"_{part}"))
        label = name.removeprefix(ACCOUNT_PREFIX).removesuffix(f"_{part}").lower()
        found.setdefault(label, {})[part] = value
    return [
        _named_login(label, parts, may_trade=may_trade) for label, parts in sorted(found.items())
    ]


def _named_login(label: str, parts: Mapping[str, str], *, may_trade: bool) -> Login:
    prefix = f"{ACCOUNT_PREFIX}{label.upper()}"
    for part in ("KEY", "SECRET"):
        if part not in parts:
            raise SettingError(f"{prefix}_{part} is missing.")
    venue = parts.get("VENUE", "bybit").lower()
    if venue not in VENUES:
        raise SettingError(f"{prefix}_VENUE: there is no venue {venue} yet.")
    environment = _environment(prefix, parts)
    base_url = parts.get("BASE_URL")
    refuse_other_host(environment, base_url, named=f"{prefix}_BASE_URL")
    secret = SecretStr(parts["SECRET"])
    return Login(label, venue, parts["KEY"], secret, environment, base_url, may_trade)


def _environment(prefix: str, parts: Mapping[str, str]) -> str:
    """Which world a key was made for, said once or twice but never in two ways."""
    said = parts.get("ENVIRONMENT")
    if said is not None and said.lower() not in ENVIRONMENTS:
        raise SettingError(f"{prefix}_ENVIRONMENT is one of {', '.join(ENVIRONMENTS)}.")
    testnet = parts.get("TESTNET")
    if testnet is not None and testnet.lower() not in (*_YES, *_NO):
        raise SettingError(f"{prefix}_TESTNET cannot be used: write true or false.")
    if testnet is None:
        return (said or "mainnet").lower()
    is_testnet = testnet.lower() in _YES
    if said is not None and (said.lower() == "testnet") != is_testnet:
        raise SettingError(
            f"{prefix}_ENVIRONMENT ({said}) and {prefix}_TESTNET ({testnet}) say different things:"
            " set one of them."
        )
    return (said or ("testnet" if is_testnet else "mainnet")).lower()

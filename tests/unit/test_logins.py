"""Keys in settings: which accounts they make, and what contradicts itself."""

from pathlib import Path

import pytest

from fillbook.errors import SettingError
from fillbook.settings import Login, load

OWN = {"BYBIT_API_KEY": "key-canary", "BYBIT_API_SECRET": "secret-canary"}
MORE = {"FILLBOOK_ACCOUNT_TWO_KEY": "k-two", "FILLBOOK_ACCOUNT_TWO_SECRET": "s-two"}


def logins(folder: Path, **given: str) -> tuple[Login, ...]:
    return load(given, folder=folder).logins


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ({}, "mainnet"),
        ({"BYBIT_TESTNET": "true"}, "testnet"),
        ({"BYBIT_DEMO": "true"}, "demo"),
        ({"BYBIT_DEMO": "true", "BYBIT_BASE_URL": "https://api-demo.bybit.com"}, "demo"),
        ({"BYBIT_BASE_URL": "http://127.0.0.1:1"}, "mainnet"),
    ],
)
def test_the_own_key_has_an_environment(
    given: dict[str, str], environment: str, tmp_path: Path
) -> None:
    """Mainnet, unless one of two switches says otherwise."""

    assert [one.environment for one in logins(tmp_path, **OWN, **given)] == [environment]


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ({}, "mainnet"),
        ({"ENVIRONMENT": "Demo"}, "demo"),
        ({"TESTNET": "true"}, "testnet"),
        ({"TESTNET": "true", "ENVIRONMENT": "testnet"}, "testnet"),
        ({"TESTNET": "false", "ENVIRONMENT": "demo"}, "demo"),
    ],
)
def test_a_named_key_has_an_environment(
    given: dict[str, str], environment: str, tmp_path: Path
) -> None:
    """Said once or twice."""
    named = {f"FILLBOOK_ACCOUNT_TWO_{part}": value for part, value in given.items()}

    (found,) = logins(tmp_path, **MORE, **named)

    assert (found.name, found.environment) == ("two", environment)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"BYBIT_DEMO": "true", "BYBIT_TESTNET": "true"}, "both true"),
        ({"BYBIT_BASE_URL": "https://api-testnet.bybit.com"}, "serves testnet"),
        (
            {"BYBIT_DEMO": "true", "BYBIT_BASE_URL": "https://api.bybit.com"},
            "serves mainnet",
        ),
        (MORE | {"FILLBOOK_ACCOUNT_TWO_ENVIRONMENT": "moon"}, "one of mainnet"),
        (MORE | {"FILLBOOK_ACCOUNT_TWO_TESTNET": "maybe"}, "true or false"),
        (
            MORE
            | {
                "FILLBOOK_ACCOUNT_TWO_TESTNET": "true",
                "FILLBOOK_ACCOUNT_TWO_ENVIRONMENT": "demo",
            },
            "different things",
        ),
        ({"FILLBOOK_ACCOUNT_BYBIT_KEY": "k", "FILLBOOK_ACCOUNT_BYBIT_SECRET": "s"}, "named bybit"),
        ({"FILLBOOK_ACCOUNT_TWO_KEY": "k"}, "FILLBOOK_ACCOUNT_TWO_SECRET is missing"),
    ],
)
def test_contradictions_are_refused(given: dict[str, str], words: str, tmp_path: Path) -> None:
    """What could file a key under the wrong account is an error that names the setting."""

    with pytest.raises(SettingError, match=words):
        logins(tmp_path, **OWN, **given)


def test_keys_that_trade_need_a_word(tmp_path: Path) -> None:
    """One switch for all keys of the settings; without it, none may trade."""
    word = {"FILLBOOK_ALLOW_TRADING_KEYS": "true"}

    assert [one.may_trade for one in logins(tmp_path, **OWN, **MORE)] == [False, False]
    assert [one.may_trade for one in logins(tmp_path, **OWN, **MORE, **word)] == [True, True]


def test_no_representation_shows_a_key(tmp_path: Path) -> None:
    """Of the settings, of a login, of an error."""
    sealing = "bm90IGEga2V5LCBidXQgYSBjYW5hcnk="
    settings = load(OWN | {"FILLBOOK_SECRETS_KEY": sealing}, folder=tmp_path)
    shown = f"{settings!r} {settings} {settings.logins!r} {settings.model_dump()!s}"

    assert "secret-canary" not in shown
    assert sealing not in shown
    assert "key-canary" not in repr(settings) + repr(settings.logins)

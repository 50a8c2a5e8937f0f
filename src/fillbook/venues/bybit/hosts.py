"""Which addresses are Bybit? Keys are sent to these hosts and to loopback, and nowhere else."""

from urllib.parse import urlsplit

from fillbook.errors import SettingError
from fillbook.venues._http import checked_base_url, is_loopback

BASE_URLS = {
    "mainnet": "https://api.bybit.com",
    "testnet": "https://api-testnet.bybit.com",
    "demo": "https://api-demo.bybit.com",
}
HOSTS = frozenset(
    (
        "api.bybit.com",
        "api.bytick.com",
        "api-testnet.bybit.com",
        "api-demo.bybit.com",
        "api.bybit.nl",
        "api.bybit.tr",
        "api.bybit.kz",
        "api.bybit.ae",
        "api.bybit.eu",
        "api.bybit.id",
        "api.bybitgeorgia.ge",
        "api.manepa.jp",
        "api-testnet.manepa.jp",
    )
)


def base_url_of(environment: str, base_url: str | None) -> str:
    """The address to use, checked: the environment's own one when none is given."""
    if environment not in BASE_URLS:
        known = ", ".join(BASE_URLS)
        raise SettingError(f"Bybit has no environment {environment!r}: use one of {known}")
    checked = checked_base_url(base_url or BASE_URLS[environment])
    host = urlsplit(checked).hostname or ""
    if host not in HOSTS and not is_loopback(host):
        raise SettingError(f"{host} is not known as an address of Bybit: keys are not sent there")
    return checked

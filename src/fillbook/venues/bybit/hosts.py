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


# The host of the private stream for each host of questions; some regions are not documented.
STREAM_HOSTS = {
    "api.bybit.com": "stream.bybit.com",
    "api.bytick.com": "stream.bybit.com",
    "api-testnet.bybit.com": "stream-testnet.bybit.com",
    "api-demo.bybit.com": "stream-demo.bybit.com",
    "api.bybit.tr": "stream.bybit.tr",
    "api.bybit.kz": "stream.bybit.kz",
    "api.bybit.id": "stream.bybit.id",
    "api.bybitgeorgia.ge": "stream.bybitgeorgia.ge",
    "api.manepa.jp": "stream.manepa.jp",
}
STREAM_PATH = "/v5/private"
_TESTNET = "-testnet."


def stream_url_of(base_url: str, stream_url: str | None = None) -> str:
    """The address of the private stream: the one that was given, else the one beside the base."""
    if stream_url:
        return _checked_stream_url(stream_url)
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_loopback(host):
        scheme = "wss" if parts.scheme == "https" else "ws"
        return f"{scheme}://{parts.netloc}{STREAM_PATH}"
    if host not in STREAM_HOSTS:
        raise SettingError(f"the address of the private stream beside {host} is not known")
    return f"wss://{STREAM_HOSTS[host]}{STREAM_PATH}"


def network_of(netloc: str) -> str:
    """The network that a host belongs to: requests are counted, and blocked, over all its hosts.

    The venue counts an address over all hosts, so mainnet, demo and every region are one network.
    The testnet is another; on loopback each address is one by itself.
    """
    host = urlsplit(f"//{netloc}").hostname or ""
    if host not in HOSTS:
        return netloc
    return "bybit testnet" if _TESTNET in host else "bybit"


def _checked_stream_url(stream_url: str) -> str:
    """A proof of the key goes there: to streams of the venue and to loopback, and nowhere else."""
    parts = urlsplit(stream_url)
    host = parts.hostname or ""
    if parts.username or parts.password or parts.query or parts.fragment or not parts.path:
        raise SettingError("the stream's address must look like wss://host/v5/private")
    if is_loopback(host) and parts.scheme in ("ws", "wss"):
        return stream_url
    if parts.scheme == "wss" and host in STREAM_HOSTS.values():
        return stream_url
    raise SettingError(f"{host} is not known as a stream of Bybit: keys are not used there")


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

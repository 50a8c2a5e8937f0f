"""Who asks: the checks of a signed request and of a stream's login, in the venue's order.

The signature covers the raw query string as it came over the wire. A query that is taken apart
and put together again may differ in order and encoding, so it is never rebuilt here.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address, ip_network

from papervenues.bybit.envelope import (
    PARAMETERS,
    PERMISSION,
    SIGNATURE,
    TIME,
    UNKNOWN_KEY,
    RefusalError,
)
from papervenues.bybit.settings import ApiKey

KEY_HEADER = "X-BAPI-API-KEY"
TIMESTAMP_HEADER = "X-BAPI-TIMESTAMP"
SIGN_HEADER = "X-BAPI-SIGN"
WINDOW_HEADER = "X-BAPI-RECV-WINDOW"
WINDOW_MS_DEFAULT = "5000"
AHEAD_MS_MAX = 1_000
DIGITS_MAX = 15
EXPIRED_KEY = 33004
FOREIGN_ADDRESS = 10010
LOOPBACK = "127.0.0.1"
STREAM_PATH = "GET/realtime"
LOGIN_PARTS = 3


def sign(*, secret: str, text: str) -> str:
    """The lowercase hexadecimal signature of a text."""
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


def authenticate(
    keys: Mapping[str, ApiKey],
    headers: Mapping[str, str],
    *,
    payload: str,
    now_ms: int,
    trading: bool,
    remote: str = LOOPBACK,
) -> ApiKey:
    """The key that signed this request from an address, or a refusal."""
    name, stamp, given = (
        headers.get(header, "") for header in (KEY_HEADER, TIMESTAMP_HEADER, SIGN_HEADER)
    )
    if not (name and stamp and given):
        raise RefusalError(PARAMETERS, "openapi sign params error!")
    key = keys.get(name)
    if key is None:
        raise RefusalError(UNKNOWN_KEY, "API key is invalid.")
    window = headers.get(WINDOW_HEADER, "") or WINDOW_MS_DEFAULT
    _check_time(stamp, window=window, now_ms=now_ms)
    text = f"{stamp}{name}{window if WINDOW_HEADER in headers else ''}{payload}"
    expected = sign(secret=key.secret, text=text).encode()
    if not hmac.compare_digest(expected, given.lower().encode(errors="replace")):
        raise RefusalError(SIGNATURE, f"error sign! origin_string[{text}]")
    check_use(key, now_ms=now_ms, remote=remote)
    if trading and key.read_only:
        raise RefusalError(PERMISSION, "Permission denied, please check your API key permissions.")
    return key


def check_use(key: ApiKey, *, now_ms: int, remote: str = LOOPBACK) -> None:
    """Refuse a key that has expired or is used from an address that it is not bound to."""
    if 0 < key.expires_ms <= now_ms:
        raise RefusalError(EXPIRED_KEY, "Your api key has expired.")
    if key.addresses and not any(_lies_in(remote, place) for place in key.addresses):
        raise RefusalError(FOREIGN_ADDRESS, "Unmatched IP, please check your API key's bound IP.")


def stream_login(keys: Mapping[str, ApiKey], given: object, *, now_ms: int) -> ApiKey:
    """The key of a login on the private stream: name, expiry (text or number), signature."""
    if not isinstance(given, list) or len(given) != LOGIN_PARTS:
        raise RefusalError(PARAMETERS, "Params Error")
    name, expires, signature = given
    key = keys.get(name) if isinstance(name, str) else None
    if key is None:
        raise RefusalError(UNKNOWN_KEY, "API key is invalid.")
    stamp = str(expires)
    if isinstance(expires, bool) or not (
        stamp.isascii() and stamp.isdigit() and len(stamp) <= DIGITS_MAX
    ):
        raise RefusalError(PARAMETERS, "Params Error")
    expected = sign(secret=key.secret, text=STREAM_PATH + stamp).encode()
    if not hmac.compare_digest(expected, str(signature).lower().encode(errors="replace")):
        raise RefusalError(SIGNATURE, "Error sign.")
    if int(stamp) <= now_ms:
        raise RefusalError(TIME, "Request expired.")
    check_use(key, now_ms=now_ms)
    return key


def _lies_in(remote: str, place: str) -> bool:
    try:
        return ip_address(remote) in ip_network(place)
    except ValueError:
        return False


def _check_time(stamp: str, *, window: str, now_ms: int) -> None:
    for text in (stamp, window):
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
            raise RefusalError(PARAMETERS, "openapi sign params error!")
    if not now_ms - int(window) <= int(stamp) < now_ms + AHEAD_MS_MAX:
        raise RefusalError(
            TIME,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window}]",
        )

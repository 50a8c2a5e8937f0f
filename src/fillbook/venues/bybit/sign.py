"""How is a request signed?

``HMAC_SHA256(secret, timestamp + key + receive window + raw query)``, in lower-case hex, over the
very bytes of the query that go on the wire. The private stream is opened with the same proof over
``GET/realtime`` and the instant until which it holds. The signer keeps the secret to itself:
everything else in this folder holds a signer and never sees it.
"""

import hmac
import re
from hashlib import sha256

from fillbook.errors import SettingError

RECEIVE_WINDOW_MS = 5_000
KEY_LENGTH_MAX = 200
_WORD = re.compile("[!-~]+")
_HIDDEN = "[hidden]"


class Signer:
    """Signs with one key. Its representation shows nothing."""

    __slots__ = ("_key", "_secret")

    def __init__(self, *, key: str, secret: str) -> None:
        for what, word in (("key", key), ("secret", secret)):
            if len(word) > KEY_LENGTH_MAX or not _WORD.fullmatch(word):
                raise SettingError(
                    f"the API {what} of Bybit must be one word of letters and digits: check it"
                )
        self._key = key
        self._secret = secret.encode()

    def __repr__(self) -> str:
        return "Signer()"

    @property
    def fingerprint(self) -> str:
        """A name for the key that does not tell it."""
        return sha256(self._key.encode()).hexdigest()

    def signature(self, query: str, *, at_ms: int) -> str:
        """The signature of a raw query at an instant."""
        text = f"{at_ms}{self._key}{RECEIVE_WINDOW_MS}{query}"
        return hmac.new(self._secret, text.encode(), sha256).hexdigest()

    def headers(self, query: str, *, at_ms: int) -> dict[str, str]:
        """The headers that prove who asks."""
        return {
            "X-BAPI-API-KEY": self._key,
            "X-BAPI-TIMESTAMP": str(at_ms),
            "X-BAPI-SIGN": self.signature(query, at_ms=at_ms),
            "X-BAPI-RECV-WINDOW": str(RECEIVE_WINDOW_MS),
        }

    def opening(self, *, expires_ms: int) -> tuple[str, int, str]:
        """What opens the private stream: the key, until when this holds, and the proof."""
        text = f"GET/realtime{expires_ms}"
        signature = hmac.new(self._secret, text.encode(), sha256).hexdigest()
        return self._key, expires_ms, signature

    def redacted(self, text: str) -> str:
        """The same text without the key and the secret."""
        return text.replace(self._key, _HIDDEN).replace(self._secret.decode(), _HIDDEN)

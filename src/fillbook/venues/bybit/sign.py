"""How is a request signed?

``HMAC_SHA256(secret, timestamp + key + receive window + raw query)``, in lower-case hex, over the
very bytes of the query that go on the wire. The signer keeps the secret to itself: everything else
in this folder holds a signer and never sees it.
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

    def redacted(self, text: str) -> str:
        """The same text without the key and the secret."""
        return text.replace(self._key, _HIDDEN).replace(self._secret.decode(), _HIDDEN)

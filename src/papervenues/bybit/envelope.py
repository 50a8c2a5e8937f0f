"""Bybit's envelope: `{"retCode", "retMsg", "result", "retExtInfo", "time"}`, and refusals."""

from dataclasses import dataclass, field

import msgspec

PARAMETERS = 10001
TIME = 10002
UNKNOWN_KEY = 10003
SIGNATURE = 10004
PERMISSION = 10005
TOO_MANY = 10006
NO_ROUTE = 10017


class RefusalError(Exception):
    """The request is answered with a business error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer before it goes on the wire."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def success(result: bytes, *, now_ms: int) -> bytes:
    """A good answer around a result that is JSON already."""
    return b'{"retCode":0,"retMsg":"OK","result":%b,"retExtInfo":{},"time":%d}' % (result, now_ms)


def refusal(code: int, text: str, *, now_ms: int) -> bytes:
    """A business error."""
    return b'{"retCode":%d,"retMsg":%b,"result":{},"retExtInfo":{},"time":%d}' % (
        code,
        msgspec.json.encode(text),
        now_ms,
    )

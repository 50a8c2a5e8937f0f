"""Bybit's envelope: `{"retCode", "retMsg", "result", "retExtInfo", "time"}`, refusals, lists.

A list is kept as rows until it is rendered, so that a fault can act on single rows.
"""

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


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list: rows as JSON, the cursor of the next page, what stands beside them.

    `cursor` is None for a list that has no paging at all. `again` may name a cursor that brings
    this very page once more.
    """

    rows: list[bytes]
    cursor: str | None = ""
    list_name: str = "list"
    head: dict[str, str] = field(default_factory=dict)
    again: str = ""

    def result(self) -> bytes:
        """The result object."""
        parts = [] if self.cursor is None else [_named("nextPageCursor", self.cursor)]
        parts += [_named(name, text) for name, text in self.head.items()]
        parts.append(b'"%b":[%b]' % (self.list_name.encode(), b",".join(self.rows)))
        return b"{%b}" % b",".join(parts)


Answered = bytes | Listing


def rendered(answered: Answered) -> bytes:
    """The result object of an answer, whichever form it has."""
    return answered.result() if isinstance(answered, Listing) else answered


def _named(name: str, text: str) -> bytes:
    return b"%b:%b" % (msgspec.json.encode(name), msgspec.json.encode(text))


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

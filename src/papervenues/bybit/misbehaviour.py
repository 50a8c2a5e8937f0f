"""The answers that faults put in place of the true one, and what they do to a true body.

One fault replaces or spoils the answer; the first of the orders below wins. What happens on the
wire is in `wire`, what happens to pages and rows in `page_faults` and `row_faults`.
"""

import gzip
from collections.abc import Callable
from dataclasses import replace

from papervenues.bybit.envelope import PARAMETERS, TIME, TOO_MANY, Answer, refusal

RESET_AFTER_MS = 300
RESET_BEFORE_MS = 60_000
TOO_MANY_TEXT = "Too many visits. Exceeded the API Rate Limit."
TOO_FREQUENT_TEXT = b"access too frequent"
HTML = b"<html><head><title>Bybit</title></head><body><h1>Please wait...</h1></body></html>"
WINDOW_TEXTS = (
    "The time range between startTime and endTime cannot exceed 7 days",
    "Can't query order earlier than 2 years, please check your params: startTime or endTime!",
    "params error: startTime and endTime are required",
)
STATUSES: dict[str, tuple[int, bytes]] = {
    "http_500": (500, b"Internal Server Error"),
    "http_502": (502, b"Bad Gateway"),
    "http_503": (503, b"Service Unavailable"),
    "http_504": (504, b"Gateway Timeout"),
    "http_429": (429, b"Too Many Requests"),
    "http_403": (403, TOO_FREQUENT_TEXT),
    "address_banned": (403, TOO_FREQUENT_TEXT),
}
PAGES_OF_HTML = {"html_403": 403, "html_429": 429, "html_502": 502, "html_body": 200}
CODES: dict[str, tuple[int, str]] = {
    "rate_limited_bare": (TOO_MANY, TOO_MANY_TEXT),
    "overloaded_10000": (10000, "Server Timeout"),
    "overloaded_10016": (10016, "Internal System Error."),
    "overloaded_170007": (170007, "Timeout waiting for response from backend server."),
    "request_timeout": (10016, "Request timeout, please try again later."),
}
# Other words for the same codes.
OTHER_WORDING = {
    PARAMETERS: "Illegal request parameter",
    TIME: "Timestamp for this request is outside of the recvWindow",
    10003: "Invalid apiKey",
    10004: "Signature for this request is not valid.",
    10005: "Not authorised",
    TOO_MANY: "Request rate too high",
    10017: "request path not found or request method is invalid",
}
OTHER_WORDS = "request refused"


def instead(strikes: frozenset[str], *, now_ms: int, has_cursor: bool, salt: int) -> Answer | None:
    """The answer that a fault puts in place of the true one, which is not even computed."""
    for name, (status, text) in STATUSES.items():
        if name in strikes:
            return Answer(text, status=status, content_type="text/plain")
    if "rate_limited" in strikes or "rate_limited_past" in strikes:
        reset_ms = now_ms + (RESET_AFTER_MS if "rate_limited" in strikes else -RESET_BEFORE_MS)
        headers = {"X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": str(reset_ms)}
        return Answer(refusal(TOO_MANY, TOO_MANY_TEXT, now_ms=now_ms), headers=headers)
    for name, status in PAGES_OF_HTML.items():
        if name in strikes:
            return Answer(HTML, status=status, content_type="text/html")
    if "result_null" in strikes or "result_empty" in strikes:
        result = b"null" if "result_null" in strikes else b"{}"
        return Answer(_good(result, now_ms=now_ms))
    if "empty_body" in strikes:
        return Answer(b"")
    told = _refused(strikes, now_ms=now_ms, has_cursor=has_cursor, salt=salt)
    return None if told is None else Answer(refusal(told[0], told[1], now_ms=now_ms))


def spoilt(answer: Answer, result: bytes, strikes: frozenset[str], *, salt: int) -> Answer:
    """A good answer whose body a fault damages; `result` is the result object in it."""
    if "list_missing" in strikes:
        return replace(answer, body=answer.body.replace(result, b'{"nextPageCursor":""}'))
    if "wrong_types" in strikes:
        return replace(answer, body=_mistyped(answer.body, result, salt=salt))
    if "truncated_json" in strikes:
        return cut_off(answer, salt=salt)
    if "broken_gzip" in strikes:
        packed = gzip.compress(answer.body, mtime=0)
        bodies = (answer.body, packed[: len(packed) // 2], packed[:-4] + b"\0\0\0\0")
        headers = answer.headers | {"Content-Encoding": "gzip"}
        return replace(answer, body=bodies[salt % len(bodies)], headers=headers)
    return answer


def cut_off(answer: Answer, *, salt: int) -> Answer:
    """The same answer with its body cut somewhere; its length header fits what is left."""
    at = 1 + salt % max(1, len(answer.body) - 1)
    return replace(answer, body=answer.body[:at])


def _refused(
    strikes: frozenset[str], *, now_ms: int, has_cursor: bool, salt: int
) -> tuple[int, str] | None:
    for name, told in CODES.items():
        if name in strikes:
            return told
    if "time_refused" in strikes:
        return TIME, (
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{now_ms}],server_timestamp[{now_ms}],recv_window[5000]"
        )
    if "cursor_expired" in strikes and has_cursor:
        return PARAMETERS, "params error: cursor expired"
    if "cursor_refused" in strikes and has_cursor:
        return PARAMETERS, "params error: cursor invalid"
    if "window_refused" in strikes:
        return PARAMETERS, WINDOW_TEXTS[salt % len(WINDOW_TEXTS)]
    return None


def _good(result: bytes, *, now_ms: int) -> bytes:
    return b'{"retCode":0,"retMsg":"OK","result":%b,"retExtInfo":{},"time":%d}' % (result, now_ms)


def _mistyped(body: bytes, result: bytes, *, salt: int) -> bytes:
    """The body with one part of another type than the one that belongs there."""
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: body.replace(result, b'"ok"'),
        lambda: body.replace(result, b"17"),
        lambda: body.replace(result, b"[]"),
        lambda: body.replace(result, b"[%b]" % result),
        lambda: body.replace(result, b'{"nextPageCursor":"","list":{}}'),
        lambda: body.replace(result, b'{"nextPageCursor":"","list":"none"}'),
        lambda: body.replace(result, b'{"nextPageCursor":"","list":[1,"row",null,[]]}'),
        lambda: body.replace(result, b'{"nextPageCursor":7,"list":null}'),
        lambda: body.replace(b'"retCode":0', b'"retCode":"nought"', 1),
        lambda: b'"OK"',
        lambda: b"0",
        lambda: b"[]",
    )
    return kinds[salt % len(kinds)]()

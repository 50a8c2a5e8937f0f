"""How a struck answer goes wrong on the wire.

One fault replaces or spoils the answer; the first of the order below wins. `slow_body` goes
with any of them. Faults of pages (`duplicate_rows`, `cursor_loop`) are not made here.
"""

import asyncio
from dataclasses import replace

from aiohttp import web

from papervenues.bybit.envelope import PARAMETERS, TOO_MANY, Answer, refusal
from papervenues.draws import digest_of

SLOW_PIECES = 5
SLOW_PAUSE_SECONDS = 0.2
RESET_AFTER_MS = 300
TOO_MANY_TEXT = "Too many visits. Exceeded the API Rate Limit."
HTML = b"<html><head><title>Bybit</title></head><body><h1>Please wait...</h1></body></html>"


def instead(strikes: frozenset[str], *, now_ms: int, has_cursor: bool) -> Answer | None:
    """The answer that a fault puts in place of the true one, which is not even computed."""
    if "http_500" in strikes:
        return Answer(b"Internal Server Error", status=500, content_type="text/plain")
    if "rate_limited" in strikes:
        headers = {
            "X-Bapi-Limit-Status": "0",
            "X-Bapi-Limit-Reset-Timestamp": str(now_ms + RESET_AFTER_MS),
        }
        body = refusal(TOO_MANY, TOO_MANY_TEXT, now_ms=now_ms)
        return Answer(body, headers=headers)
    if "html_body" in strikes:
        return Answer(HTML, content_type="text/html")
    if "result_null" in strikes:
        body = b'{"retCode":0,"retMsg":"OK","result":null,"retExtInfo":{},"time":%d}' % now_ms
        return Answer(body)
    if "cursor_expired" in strikes and has_cursor:
        return Answer(refusal(PARAMETERS, "params error: cursor expired", now_ms=now_ms))
    return None


def cut_off(answer: Answer, *, seed: int) -> Answer:
    """The same answer with its body cut somewhere; its length header fits what is left."""
    at = 1 + digest_of("cut", seed, len(answer.body)) % max(1, len(answer.body) - 1)
    return replace(answer, body=answer.body[:at])


async def send_slowly(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Send the body in pieces with pauses."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    size = len(answer.body) // SLOW_PIECES + 1
    for first in range(0, len(answer.body), size):
        await asyncio.sleep(SLOW_PAUSE_SECONDS)
        await response.write(answer.body[first : first + size])
    await response.write_eof()
    return response


async def drop(request: web.Request, answer: Answer, *, seed: int) -> web.StreamResponse:
    """Break the connection: before the answer, or in the middle of its body."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    if digest_of("drop", seed, len(answer.body)) % 2:
        response.content_length = len(answer.body)
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response

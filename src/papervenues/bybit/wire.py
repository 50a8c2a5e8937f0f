"""How an answer goes over the wire when a fault strikes it there: slowly, in part, not at all."""

import asyncio

from aiohttp import web

from papervenues.bybit.envelope import Answer

SLOW_PIECES = 5
SLOW_PAUSE_SECONDS = 0.2
STALL_SECONDS_MAX = 120.0
STALL_LOOK_SECONDS = 0.1
EXTRA_BYTES = 7


async def send(
    request: web.Request, answer: Answer, *, strikes: frozenset[str], salt: int
) -> web.StreamResponse:
    """Send an answer, or what its faults leave of it; the first of this order wins."""
    if strikes:
        if "dropped_before" in strikes:
            return _drop(request, web.StreamResponse())
        if "dropped_socket" in strikes:
            sent = len(answer.body) // 2 if salt % 2 else None
            return await _send_part(request, answer, sent=sent)
        if "dropped_during" in strikes:
            return await _send_part(request, answer, sent=salt % max(1, len(answer.body)))
        if "dropped_after" in strikes:
            return await _send_and_drop(request, answer)
        if "wrong_length" in strikes:
            return await _send_wrong_length(request, answer, longer=bool(salt % 2))
        if "stalled_body" in strikes:
            return await _stall(request, answer)
        if "slow_body" in strikes:
            return await _send_slowly(request, answer)
    return web.Response(
        body=answer.body,
        status=answer.status,
        content_type=answer.content_type,
        headers=answer.headers,
    )


async def _begun(request: web.Request, answer: Answer, *, length: int) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = length
    await response.prepare(request)
    return response


async def _send_slowly(request: web.Request, answer: Answer) -> web.StreamResponse:
    response = await _begun(request, answer, length=len(answer.body))
    size = len(answer.body) // SLOW_PIECES + 1
    for first in range(0, len(answer.body), size):
        await asyncio.sleep(SLOW_PAUSE_SECONDS)
        await response.write(answer.body[first : first + size])
    await response.write_eof()
    return response


async def _stall(request: web.Request, answer: Answer) -> web.StreamResponse:
    """Half of the body, and then nothing until the client gives up."""
    response = await _begun(request, answer, length=max(1, len(answer.body)))
    await response.write(answer.body[: len(answer.body) // 2])
    for _ in range(int(STALL_SECONDS_MAX / STALL_LOOK_SECONDS)):
        if request.transport is None or request.transport.is_closing():
            break
        await asyncio.sleep(STALL_LOOK_SECONDS)
    return _drop(request, response)


async def _send_part(
    request: web.Request, answer: Answer, *, sent: int | None
) -> web.StreamResponse:
    """Break the connection inside the body, or before the answer when nothing is sent."""
    if sent is None:
        return _drop(request, web.StreamResponse())
    response = await _begun(request, answer, length=max(1, len(answer.body)))
    await response.write(answer.body[:sent])
    return _drop(request, response)


async def _send_and_drop(request: web.Request, answer: Answer) -> web.StreamResponse:
    response = await _begun(request, answer, length=len(answer.body))
    await response.write(answer.body)
    await response.write_eof()
    return _drop(request, response)


async def _send_wrong_length(
    request: web.Request, answer: Answer, *, longer: bool
) -> web.StreamResponse:
    """A length header that promises more than comes, or less."""
    if longer:
        response = await _begun(request, answer, length=len(answer.body) + EXTRA_BYTES)
        await response.write(answer.body)
        return _drop(request, response)
    # Written by hand, since the library rightly refuses to send more than was promised.
    length = max(0, len(answer.body) - EXTRA_BYTES)
    lines = [f"HTTP/1.1 {answer.status} OK", f"Content-Type: {answer.content_type}"]
    lines += [f"{name}: {text}" for name, text in answer.headers.items()]
    lines += [f"Content-Length: {length}", "Connection: close", "", ""]
    if request.transport is not None:
        request.transport.write("\r\n".join(lines).encode() + answer.body)
    return _drop(request, web.StreamResponse(status=answer.status))


def _drop(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return response

"""What went wrong on a line, in one sentence that quotes nothing."""

import asyncio

import aiohttp


def sentence_of(error: BaseException) -> str:
    """What went wrong, in words of our own."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "no trusted TLS connection, check the address and the machine's certificates"
        case aiohttp.ClientConnectorDNSError():
            return "the host name is not known, check the network"
        case aiohttp.ClientConnectorError():
            return "no connection, check the network"
        case aiohttp.ClientPayloadError() | asyncio.IncompleteReadError():
            return "the answer broke off"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
            return "the connection was dropped"
        case _:
            return "the answer is not proper HTTP"

"""One thin HTTP client for every venue: GET, bytes in, bytes out, and nothing else.

What is signed is what goes on the wire: path and query are sent exactly as given, never
re-encoded. There is TLS everywhere but on loopback. Redirects are not followed, cookies are not
kept, and bodies have a size limit. A transport error becomes `VenueUnavailable` with one sentence,
which names the host and never the query, the headers or an error text that might quote them.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from fillbook.errors import SettingError, VenueUnavailable
from fillbook.venues._breaks import sentence_of
from fillbook.venues._socket import Socket, open_socket
from fillbook.venues._transport import BODY_BYTES_MAX, Answer

TOTAL_SECONDS_MAX = 30
READ_SECONDS_MAX = 15
CONNECT_SECONDS_MAX = 10
CONNECTIONS_MAX = 16
_CHUNK_BYTES = 64 * 1024
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "fillbook"}
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """How long an answer may take and how large it may be."""

    total_seconds: int | float = TOTAL_SECONDS_MAX
    read_seconds: int | float = READ_SECONDS_MAX
    connect_seconds: int | float = CONNECT_SECONDS_MAX
    body_bytes: int = BODY_BYTES_MAX


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine itself."""
    return host in _LOOPBACK


def checked_base_url(base_url: str) -> str:
    """A base address that may be spoken to, without a slash at its end."""
    try:
        parts = urlsplit(base_url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise SettingError("the venue's base address cannot be read: check it") from None
    if not host or parts.query or parts.fragment or parts.username or parts.password:
        raise SettingError("the venue's base address must look like https://host or https://host:1")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return base_url.rstrip("/")
    raise SettingError(
        f"the venue's base address must begin with https:// (got {host!r}); "
        "plain http is for loopback only"
    )


class HttpClient:
    """GET requests to one base address. The session is made when the first request needs it."""

    def __init__(self, base_url: str, *, limits: HttpLimits | None = None) -> None:
        self.base_url = checked_base_url(base_url)
        self.host = urlsplit(self.base_url).netloc
        self._limits = limits or HttpLimits()
        self._session: aiohttp.ClientSession | None = None

    async def get(self, target: str, *, headers: Mapping[str, str]) -> Answer:
        """Ask for a path with its raw query."""
        failure = "the request failed"
        try:
            return await self._get(URL(self.base_url + target, encoded=True), headers)
        except VenueUnavailable:
            raise
        except (aiohttp.ClientError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            failure = sentence_of(error)
        # Raised outside of the handler, so that no chained error carries the address along.
        raise VenueUnavailable(f"{self.host}: {failure}; try again later")

    async def _get(self, url: URL, headers: Mapping[str, str]) -> Answer:
        session = self._opened()
        sent = {**_HEADERS, **headers}
        async with session.get(url, headers=sent, allow_redirects=False) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                body += chunk
                if len(body) > self._limits.body_bytes:
                    response.close()
                    raise VenueUnavailable(
                        f"{self.host}: the answer is larger than {self._limits.body_bytes} bytes"
                    )
            received = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, received, bytes(body))

    async def open_line(self, url: str) -> Socket:
        """Open a line to an address of this host or of another one."""
        return await open_socket(self._opened(), url)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = self._limits
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=limits.total_seconds,
                    sock_connect=limits.connect_seconds,
                    sock_read=limits.read_seconds,
                ),
            )
        return self._session

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

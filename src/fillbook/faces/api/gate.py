"""The gate: what every request passes before it is routed.

In this order: is it meant for us (Host)? Does a page of another site send it (Origin)? Is its body
small JSON? Who sends it (token or session)? Only then is it known whether its address exists, so
that nobody without a token learns even that. Answers leave with the same headers on all paths.
"""

import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fillbook.errors import FillbookError, Unauthenticated
from fillbook.faces.api import problems
from fillbook.faces.api.sessions import SESSION_COOKIE, Sessions
from fillbook.ledger import tokens
from fillbook.ledger.tokens import Known

log = structlog.get_logger()

LOOPBACK_NAMES = frozenset(("127.0.0.1", "localhost", "[::1]"))
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE)
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
CLOSED = re.compile(r"/(?:api|openapi\.json|docs|metrics)(?:/.*)?", re.DOTALL)
SESSION_PATH = "/api/v1/session"
BODY_BYTES_MAX = 64 * 1024
TOKEN_LENGTH_MAX = 500
PATH_LENGTH_SHOWN_MAX = 200

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self'; frame-ancestors 'none';"
        " base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Gate:
    """Wraps the application."""

    app: ASGIApp
    sessions: Sessions
    hosts: Collection[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answering = _Answering(send, closed=CLOSED.fullmatch(scope["path"]) is not None)
        begun = time.monotonic()
        try:
            refusal = await self._refusal(scope)
            if refusal is None:
                await self.app(scope, receive, answering.send)
            else:
                await refusal(scope, receive, answering.send)
        except Exception:
            path = scope["path"][:PATH_LENGTH_SHOWN_MAX]
            log.exception("request failed", method=scope["method"], path=path)
            if not answering.status:
                failed = problems.problem(HTTPStatus.INTERNAL_SERVER_ERROR, problems.UNEXPECTED)
                await failed(scope, receive, answering.send)
        finally:
            _log(scope, answering.status, begun)

    async def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        refused = (
            _wrong_host(headers, self.hosts)
            or _foreign(scope, headers)
            or _unfit_body(scope, headers)
        )
        if refused is not None or CLOSED.fullmatch(scope["path"]) is None:
            return refused
        if scope["path"] == SESSION_PATH and scope["method"] == "POST":
            return None
        try:
            scope["fillbook.known"] = await self._known(headers)
        except FillbookError as error:
            return problems.of(error)
        return None

    async def _known(self, headers: Headers) -> Known:
        given = headers.getlist("authorization")
        if given:
            scheme, _, token = given[0].partition(" ")
            if len(given) > 1 or scheme.lower() != "bearer" or len(token) > TOKEN_LENGTH_MAX:
                raise Unauthenticated
            return await tokens.check(self.sessions.pool, token.strip())
        return await self.sessions.resume(session_secret(headers))


@dataclass(slots=True)
class _Answering:
    """Adds the headers that every answer has, and remembers its status."""

    forward: Send
    closed: bool
    status: int = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
            if self.closed or self.status >= HTTPStatus.BAD_REQUEST:
                headers["Cache-Control"] = "no-store"
        await self.forward(message)


def session_secret(headers: Headers) -> str:
    """What the session's cookie holds; empty where there is none."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    morsel = cookies.get(SESSION_COOKIE)
    return morsel.value[:TOKEN_LENGTH_MAX] if morsel else ""


def _wrong_host(headers: Headers, hosts: Collection[str]) -> Response | None:
    """A name that leads here from a foreign page (DNS rebinding) is not ours."""
    named = headers.getlist("host")
    match = HOST.fullmatch(named[0]) if len(named) == 1 else None
    if match and (match["name"].lower() in LOOPBACK_NAMES or match["name"].lower() in hosts):
        return None
    return problems.problem(
        HTTPStatus.MISDIRECTED_REQUEST,
        "This server answers to 127.0.0.1 and localhost only.",
    )


def _foreign(scope: Scope, headers: Headers) -> Response | None:
    """A page of another site may not make a browser write here."""
    if scope["method"] in SAFE_METHODS:
        return None
    origins = headers.getlist("origin")
    own = {f"{scheme}://{headers['host'].lower()}" for scheme in ("http", "https")}
    site = headers.get("sec-fetch-site", "none")
    if all(origin.lower() in own for origin in origins) and site in ("same-origin", "none"):
        return None
    return problems.problem(HTTPStatus.FORBIDDEN, "Another site's page may not do that here.")


def _unfit_body(scope: Scope, headers: Headers) -> Response | None:
    """Bodies are JSON of a known and small size, and only where something is changed."""
    if "transfer-encoding" in headers:
        return problems.problem(
            HTTPStatus.LENGTH_REQUIRED, "Say the body's size in the header Content-Length."
        )
    size = headers.get("content-length", "0")
    if not (size.isascii() and size.isdigit() and int(size) <= BODY_BYTES_MAX):
        return problems.problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body has at most {BODY_BYTES_MAX} bytes."
        )
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if int(size) and scope["method"] not in SAFE_METHODS and kind != "application/json":
        return problems.problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A body is JSON: send application/json."
        )
    return None


def _log(scope: Scope, status: int, begun: float) -> None:
    """One record for a request. Its query is left out: it may carry what nobody should read."""
    log.info(
        "request",
        method=scope["method"],
        path=scope["path"][:PATH_LENGTH_SHOWN_MAX],
        status=status,
        milliseconds=round((time.monotonic() - begun) * 1000),
    )

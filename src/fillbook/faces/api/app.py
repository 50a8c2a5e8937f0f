"""The application: the routes, behind the gate, with every error as a problem document."""

from collections.abc import Callable, Collection
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from fillbook.faces import web
from fillbook.faces.api import problems
from fillbook.faces.api.being_well import Ask, health_routes
from fillbook.faces.api.gate import TOKEN_LENGTH_MAX, Gate, session_secret
from fillbook.faces.api.key_shapes import account_routes
from fillbook.faces.api.listing import listing
from fillbook.faces.api.metrics import metrics_routes
from fillbook.faces.api.routes import PROBLEMS, Serving, report_routes
from fillbook.faces.api.sessions import LIFE_MAX, MARKER_COOKIE, SESSION_COOKIE, Sessions
from fillbook.ledger._pool import Pool

ROOT = "/api/v1"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
READY_SECONDS_MAX = 3
GZIP_BYTES_MIN = 1000
GZIP_LEVEL = 5
DESCRIPTION = (
    "Every report of the ledger as JSON. Amounts are decimal text, never rounded; times are UTC;"
    " intervals include their start and not their end. Send `Authorization: Bearer TOKEN`."
)
# Nothing is measured for, or sent to, anybody else.
NO_TELEMETRY: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


class SessionAsked(BaseModel):
    """A token, handed over once."""

    token: str = Field(default="", max_length=TOKEN_LENGTH_MAX)


def create_app(
    *,
    pool: Pool,
    clock: Callable[[], datetime],
    version: str,
    hosts: Collection[str] = (),
    dist: Path = web.DIST,
    health: Ask | None = None,
) -> ASGIApp:
    """The API and the page. `hosts` are names, besides those of loopback, that lead here.

    `health` tells how the service in this process is, where there is one.
    """
    sessions = Sessions(pool, clock)
    app = FastAPI(
        telemetry=NO_TELEMETRY,
        title="Fillbook",
        version=version,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN, compresslevel=GZIP_LEVEL)
        ],
    )
    problems.say_problems(app)
    serving = Serving(pool, clock, version)
    app.include_router(report_routes(serving), prefix=ROOT)
    app.include_router(account_routes(serving), prefix=ROOT)
    app.include_router(_session_routes(sessions), prefix=ROOT)
    app.include_router(health_routes(pool, health))
    app.include_router(metrics_routes(serving))
    _describe(app)
    app.add_api_route("/api/{rest:path}", _nothing, methods=METHODS, include_in_schema=False)
    app.mount("/", web.Page(dist))
    return Gate(app, sessions, frozenset(host.lower() for host in hosts))


async def _nothing() -> None:
    """What is not an address of the API is no page either."""
    raise HTTPException(HTTPStatus.NOT_FOUND)


def _session_routes(sessions: Sessions) -> APIRouter:
    router = APIRouter(tags=["session"], responses=PROBLEMS)

    @router.post("/session", status_code=HTTPStatus.NO_CONTENT, summary="Open a session")
    async def open_session(
        request: Request, asked: Annotated[SessionAsked, Body(default_factory=SessionAsked)]
    ) -> Response:
        """Exchange a token for a cookie that scripts cannot read."""
        secret = await sessions.open(asked.token)
        sessions.close(session_secret(request.headers))
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        _put_cookie(answer, request, SESSION_COOKIE, secret)
        _put_cookie(answer, request, MARKER_COOKIE, "1", readable=True)
        return answer

    @router.delete("/session", status_code=HTTPStatus.NO_CONTENT, summary="End the session")
    async def end_session(request: Request) -> Response:
        """Log out: the cookie is worthless from now on."""
        sessions.close(session_secret(request.headers))
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        for name in (SESSION_COOKIE, MARKER_COOKIE):
            answer.delete_cookie(name, path=_path_of(request))
        return answer

    return router


def _put_cookie(
    answer: Response, request: Request, name: str, value: str, *, readable: bool = False
) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=int(LIFE_MAX.total_seconds()),
        path=_path_of(request),
        secure=request.url.scheme == "https",
        httponly=not readable,
        samesite="strict",
    )


def _path_of(request: Request) -> str:
    """Where the page lives; behind a proxy it may be below a path."""
    root: str = request.scope.get("root_path", "")
    return f"{root.rstrip('/')}/"


def _describe(app: FastAPI) -> None:
    """The OpenAPI document, and a plain page of it that needs nothing from anywhere else."""

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(listing(app.openapi()))

"""Is the process alive, and may it be relied on? Open without a token, and sparing with words."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter

from fillbook.faces.api import problems
from fillbook.faces.api.shapes import StateShape
from fillbook.ledger._pool import Pool
from fillbook.ledger.readiness import why_not_ready
from fillbook.wiring.running import Health

Ask = Callable[[], Awaitable[Health]]


def health_routes(pool: Pool, health: Ask | None) -> APIRouter:
    """Both routes; with a service in this process, they answer for it as well."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=StateShape, summary="Is the process alive?")
    async def healthz() -> Any:  # noqa: ANN401 - a state, or a problem
        """Open without a token; 503 when a service runs here and has stopped turning."""
        if health is not None and not (await health()).alive:
            return problems.problem(HTTPStatus.SERVICE_UNAVAILABLE, "The service does not turn.")
        return StateShape(status="ok")

    @router.get("/readyz", response_model=StateShape, summary="Does the ledger answer?")
    async def readyz() -> Any:  # noqa: ANN401 - a state, or a problem
        """Open without a token; 503 while the database does not answer, or has another schema.

        Where a service runs here, also until each account has been read or says why not.
        """
        said = await why_not_ready(pool) if health is None else (await health()).says
        if said:
            return problems.problem(HTTPStatus.SERVICE_UNAVAILABLE, said)
        return StateShape(status="ok")

    return router

"""The addresses of the reports: one for each, and shorter ones for those that are asked most.

They are made from the reports themselves, so that a new report is served, with exactly the
parameters that it heeds, on the day it appears.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi import Query as InAddress
from pydantic import BaseModel

from fillbook.errors import Refused
from fillbook.faces.api import (
    lot_shapes,
    money_shapes,
    reconciliation_shapes,
    record_shapes,
    shapes,
)
from fillbook.faces.api.asked import asked_by, query
from fillbook.faces.api.problems import Problem
from fillbook.faces.api.status_shapes import StatusShape
from fillbook.ledger._pool import Pool
from fillbook.ledger.tokens import SCOPES, Known, Scope
from fillbook.reports._report import Answer, Report, all_reports, ask, find

SHAPES: Mapping[str, type[shapes.Answered]] = {
    "account_log": money_shapes.AccountLogShape,
    "bots": record_shapes.BotsShape,
    "calendar": lot_shapes.CalendarShape,
    "cash_chain": money_shapes.CashChainShape,
    "coverage": shapes.CoverageShape,
    "equity": shapes.EquityShape,
    "events": lot_shapes.EventsShape,
    "lots": lot_shapes.LotsShape,
    "matches": lot_shapes.MatchesShape,
    "movements": money_shapes.MovementsShape,
    "net_positions": shapes.NetPositionsShape,
    "positions": shapes.PositionsShape,
    "reconciliation": reconciliation_shapes.ReconciliationShape,
    "restatements": record_shapes.RestatementsShape,
    "round_trips": lot_shapes.RoundTripsShape,
    "runs": shapes.RunsShape,
    "slowest": record_shapes.SlowestShape,
    "statements": record_shapes.StatementsShape,
    "status": StatusShape,
    "summary": shapes.SummaryShape,
    "tags": record_shapes.TagsShape,
    "trades": shapes.TradesShape,
}
SHORT: Mapping[str, str] = {
    "bots": "/bots",
    "coverage": "/coverage",
    "lots": "/lots",
    "net_positions": "/positions/net",
    "positions": "/positions",
    "reconciliation": "/reconciliation",
    "round_trips": "/round-trips",
    "runs": "/sync/runs",
    "status": "/status",
    "trades": "/trades",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "A valid token is needed."},
    422: {"model": Problem, "description": "A parameter was not understood."},
    "default": {"model": Problem, "description": "What went wrong."},
}


@dataclass(frozen=True, slots=True)
class Serving:
    """What the routes need, handed in."""

    pool: Pool
    clock: Callable[[], datetime]
    version: str


def allowed(scope: Scope) -> Callable[[Request], None]:
    """A dependency: the request's token allows at least this."""

    def check(request: Request) -> None:
        known: Known = request.scope["fillbook.known"]
        if SCOPES.index(known.scope) < SCOPES.index(scope):
            raise Refused(f"This token may only {known.scope}: a token to {scope} is needed.")

    return check


def report_routes(serving: Serving) -> APIRouter:
    """Every report, under `/reports/NAME` and, where it has one, its short address."""
    router = APIRouter(dependencies=[Depends(allowed("read"))], responses=PROBLEMS)
    for report in all_reports():
        shape = SHAPES.get(report.name, shapes.TablesShape)
        endpoint = _endpoint(serving, report, shape)
        for path in (SHORT.get(report.name), f"/reports/{report.name}"):
            if path is not None:
                router.add_api_route(
                    path,
                    endpoint,
                    response_model=shape,
                    operation_id=f"{report.name}_{'report' if 'reports' in path else 'short'}",
                    summary=report.title,
                    description=_purpose(report),
                    tags=["reports"],
                )
    router.add_api_route("/reports/{name}", _unknown, include_in_schema=False)
    return router


def _endpoint(
    serving: Serving, report: Report[Answer], shape: type[shapes.Answered]
) -> Callable[..., Awaitable[BaseModel]]:
    async def read(asked: BaseModel) -> BaseModel:
        answer = await ask(serving.pool, report, query(asked), now=serving.clock())
        return _shaped(serving, answer, shape)

    # FastAPI reads the parameters from here: those of this report.
    asked_type: Any = asked_by(report.name, report.takes)
    read.__annotations__["asked"] = Annotated[asked_type, InAddress()]
    return read


def _shaped(serving: Serving, answer: Answer, shape: type[shapes.Answered]) -> BaseModel:
    if shape is shapes.TablesShape:
        return shapes.as_tables(answer)
    if shape is shapes.SummaryShape:
        return _summary(answer)
    shaped = shape.model_validate(answer)
    if isinstance(shaped, StatusShape):
        return shaped.model_copy(update={"version": serving.version})
    return shaped


def _summary(answer: Any) -> BaseModel:  # noqa: ANN401 - the summary's own answer
    totals = shapes.TotalsShape.model_validate(answer.totals)
    parts = {
        "basis": answer.basis,
        "bots": answer.bots,
        "exit_reasons": answer.exit_reasons,
        "other_currencies": answer.other_currencies,
    }
    return shapes.SummaryShape.model_validate(totals.model_dump() | parts)


def _purpose(report: Report[Answer]) -> str:
    """The docstring of the report's module: what it says there is what it does."""
    return (import_module(report.answer.__module__).__doc__ or "").strip()


async def _unknown(name: str) -> None:
    find(name)

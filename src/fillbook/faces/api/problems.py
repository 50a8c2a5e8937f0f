"""How an error is said: as a problem document (RFC 9457) with one sentence, never a traceback."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from fillbook.errors import FillbookError, Unauthenticated

PROBLEM_TYPE = "application/problem+json"
UNEXPECTED = "Something went wrong inside Fillbook; its log says what."
ERRORS_SHOWN_MAX = 5
WORD_LENGTH_MAX = 100


class Problem(BaseModel):
    """What went wrong, in one sentence that says what to do next."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem document."""
    said = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(
        said.model_dump(), status_code=status, headers=headers, media_type=PROBLEM_TYPE
    )


def of(error: FillbookError) -> JSONResponse:
    """The problem document of one of our errors: its class decides the status."""
    asks = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None
    return problem(error.http_status, str(error), headers=asks)


def say_problems(app: FastAPI) -> None:
    """Have every error answered as a problem document."""
    app.add_exception_handler(FillbookError, _ours)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _routing)


async def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FillbookError)
    return of(error)


async def _not_understood(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, _sentence(error.errors()))


async def _routing(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    sentences = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address; `/docs` lists what there is.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
    }
    detail = sentences.get(HTTPStatus(error.status_code), "The request could not be read.")
    return problem(error.status_code, detail, headers=error.headers)


def _sentence(errors: Sequence[Any]) -> str:
    parts = [
        f"{'.'.join(str(part)[:WORD_LENGTH_MAX] for part in error['loc'][1:]) or 'the body'}:"
        f" {error['msg'].removeprefix('Value error, ')}"
        for error in errors[:ERRORS_SHOWN_MAX]
    ]
    return f"The request was not understood ({'; '.join(parts)})."

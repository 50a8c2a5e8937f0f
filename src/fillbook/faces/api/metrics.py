"""`/metrics`: the ledger's figures in the text format that Prometheus scrapes (version 0.0.4).

They are read when they are asked for: no counter lives in this process, so that a restart loses
none and every process that serves a ledger says the same.
"""

import time
from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse

from fillbook.faces.api.routes import PROBLEMS, Serving, allowed
from fillbook.reports._measures import FAMILIES, Measured, Metric, measured

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
INFO = Metric("fillbook_info", "gauge", "The program's version, as a label; always 1.")
SCRAPE = Metric("fillbook_scrape_seconds", "gauge", "How long reading these figures took.")


def metrics_routes(serving: Serving) -> APIRouter:
    """One address, for scrapers with a token that may read."""
    router = APIRouter(tags=["health"], dependencies=[Depends(allowed("read"))], responses=PROBLEMS)

    @router.get("/metrics", response_class=PlainTextResponse, summary="Figures for Prometheus")
    async def metrics() -> PlainTextResponse:
        """Passes, coverage, gaps, breaks, alarms and feeds of each account, and the database."""
        begun = time.monotonic()
        found = await measured(serving.pool, now=serving.clock())
        took = Decimal(str(round(time.monotonic() - begun, 6)))
        info = Measured(INFO, (("version", serving.version),), 1)
        text = exposition([info, *found, Measured(SCRAPE, (), took)])
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    return router


def known_metrics() -> list[Metric]:
    """Every metric that there is, whether or not it has a figure now."""
    return [INFO, *(metric for family in FAMILIES for metric in family.metrics), SCRAPE]


def exposition(figures: Iterable[Measured]) -> str:
    """Figures as text: those of one metric stand together, under what it says."""
    order = {metric.name: place for place, metric in enumerate(known_metrics())}
    lines: list[str] = []
    by_metric = sorted(figures, key=lambda figure: order[figure.metric.name])
    for metric, group in groupby(by_metric, key=lambda figure: figure.metric):
        lines.append(f"# HELP {metric.name} {_help(metric.says)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += [
            f"{metric.name}{_labels(figure)} {format(Decimal(figure.value), 'f')}"
            for figure in group
        ]
    return "".join(f"{line}\n" for line in lines)


def _labels(figure: Measured) -> str:
    if not figure.labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in figure.labels) + "}"


def _quoted(value: str) -> str:
    return _help(value).replace('"', r"\"")


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")

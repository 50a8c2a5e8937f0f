"""Bybit, API version 5: one key's fills and funding over REST. `connect` is the way in."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import aiohttp

from fillbook.venues._http import HttpClient, HttpLimits
from fillbook.venues._pace import PaceSettings, Sleep, Stopwatch
from fillbook.venues.bybit._venue import EXECUTIONS, BybitVenue
from fillbook.venues.bybit.hosts import base_url_of
from fillbook.venues.bybit.session import RetrySettings, Session
from fillbook.venues.bybit.sign import Signer

__all__ = ["EXECUTIONS", "BybitVenue", "PaceSettings", "RetrySettings", "connect"]


def connect(
    *,
    key: str,
    secret: str,
    clock: Callable[[], datetime],
    base_url: str | None = None,
    environment: str = "mainnet",
    sleep: Sleep = asyncio.sleep,
    stopwatch: Stopwatch = time.monotonic,
    pace: PaceSettings | None = None,
    retry: RetrySettings | None = None,
    limits: HttpLimits | None = None,
    http_session: aiohttp.ClientSession | None = None,
) -> BybitVenue:
    """A connection for one key. Nothing is sent before the first question."""
    checked = base_url_of(environment, base_url)
    session = Session(
        http=HttpClient(checked, limits=limits, session=http_session),
        signer=Signer(key=key, secret=secret),
        clock=clock,
        sleep=sleep,
        stopwatch=stopwatch,
        pace=pace or PaceSettings(),
        retry=retry or RetrySettings(),
    )
    return BybitVenue(session, environment=environment)

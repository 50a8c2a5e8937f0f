"""Bybit, API version 5, seen by one key over REST. `connect` is the way in."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from fillbook.venues._http import HttpClient, HttpLimits
from fillbook.venues._pace import PaceSettings, Sleep, Stopwatch
from fillbook.venues._sharing import OF_THIS_PROCESS, Sharing
from fillbook.venues._transport import Transport
from fillbook.venues.bybit._venue import BybitVenue
from fillbook.venues.bybit.histories import histories_of
from fillbook.venues.bybit.hosts import base_url_of, stream_url_of
from fillbook.venues.bybit.session import Jitter, RetrySettings, Session
from fillbook.venues.bybit.sign import Signer
from fillbook.venues.bybit.stream import StreamLimits

__all__ = ["BybitVenue", "PaceSettings", "RetrySettings", "StreamLimits", "connect"]


def connect(
    *,
    key: str,
    secret: str,
    clock: Callable[[], datetime],
    base_url: str | None = None,
    environment: str = "mainnet",
    sleep: Sleep | None = None,
    stopwatch: Stopwatch | None = None,
    sharing: Sharing | None = None,
    pace: PaceSettings | None = None,
    retry: RetrySettings | None = None,
    limits: HttpLimits | None = None,
    transport: Transport | None = None,
    jitter: Jitter = random.uniform,
    streams: Iterable[str] | None = None,
    categories: Iterable[str] | None = None,
    stream_limits: StreamLimits | None = None,
    stream_url: str | None = None,
) -> BybitVenue:
    """A connection for one key. Nothing is sent before the first question.

    It reads every stream of every category that the environment serves, or those that are named.
    Pace, budget and blocks are shared with every connection of this process, unless a sleep or a
    stopwatch of one's own is handed in.
    """
    checked = base_url_of(environment, base_url)
    if stream_url is not None:
        stream_url_of(checked, stream_url)  # what is wrong with it is said now
    session = Session(
        http=transport or HttpClient(checked, limits=limits),
        signer=Signer(key=key, secret=secret),
        clock=clock,
        sharing=sharing or _sharing(sleep, stopwatch),
        pace=pace or PaceSettings(),
        retry=retry or RetrySettings(),
        jitter=jitter,
    )
    chosen = histories_of(environment, streams=streams, categories=categories)
    return BybitVenue(
        session,
        environment=environment,
        chosen=chosen,
        stream_limits=stream_limits,
        stream_url=stream_url,
    )


def _sharing(sleep: Sleep | None, stopwatch: Stopwatch | None) -> Sharing:
    if sleep is None and stopwatch is None:
        return OF_THIS_PROCESS
    return Sharing(sleep=sleep or asyncio.sleep, stopwatch=stopwatch or time.monotonic)

"""Logs: one JSON record a line in a file of its own per run, warnings on standard error.

No secret reaches a log: names that sound like one are blanked, values that are known to be one are
taken out of every text, and nothing below logs a request.
"""

import logging
import sys
from collections.abc import MutableMapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import structlog

_HIDDEN = "[hidden]"
_SECRET_WORDS = ("secret", "password", "token", "api_key", "signature", "authorization")
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}

HIDDEN_LENGTH_MIN = 6  # what is shorter occurs in plain words

Event = MutableMapping[str, Any]

_hidden: set[str] = set()


def hide(*secrets: str) -> None:
    """From now on, none of these is in a record, whatever text it comes in."""
    _hidden.update(secret for secret in secrets if len(secret) >= HIDDEN_LENGTH_MIN)


def log_to(folder: Path, *, level: str, started_at: datetime) -> Path:
    """Send this process's log records to a new file; returns its path."""
    _quiet_libraries()
    target = folder / "trade_sync"
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"trade_sync_{started_at:%Y%m%d_%H%M%S}.log"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _hide_secrets,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=path.open("a", encoding="utf-8")),
        cache_logger_on_first_use=False,
    )
    return path


def log_to_console(stream: TextIO | None = None) -> None:
    """Only warnings, on standard error, for commands that keep no log of their own."""
    _quiet_libraries()
    structlog.configure(
        processors=[structlog.processors.add_log_level, _hide_secrets, _plain],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def _quiet_libraries() -> None:
    """What libraries log reaches the user as our own sentence, or not at all."""
    for name in ("psycopg", "psycopg.pool", "asyncio", "aiohttp"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


def _hide_secrets(_logger: object, _method: str, event: Event) -> Event:
    for name in list(event):
        if any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = _HIDDEN
        elif _hidden:
            event[name] = _without_secrets(event[name])
    return event


def _without_secrets(value: object) -> object:
    text = value if isinstance(value, str) else repr(value)
    if not any(secret in text for secret in _hidden):
        return value
    for secret in _hidden:
        text = text.replace(secret, _HIDDEN)
    return text


def _plain(_logger: object, _method: str, event: Event) -> str:
    words = " ".join(f"{name}={value}" for name, value in event.items() if name not in _HEAD)
    return f"{event.get('level', '')}: {event.get('event', '')} {words}".rstrip()


_HEAD = frozenset(("event", "level"))

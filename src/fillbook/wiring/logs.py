"""Logs: one JSON record a line, in a file of its own per run and in the service's own file.

No secret reaches a log: names that sound like one are blanked, values that are known to be one are
taken out of every text, and nothing below logs a request.

A record belongs to a run when it carries the run's id, which the engine binds for as long as a pass
lasts. What else a record says, field by field, is in docs/reference/logs.md.
"""

import logging
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import structlog

from fillbook.errors import UsageError
from fillbook.venues._logger import send_to
from fillbook.wiring.log_files import Growing, RunFiles, new_run_file

SERVICE_FILE = "exchange_sync.log"
HIDDEN_LENGTH_MIN = 6  # what is shorter occurs in plain words
RUN_ENDED = "sync ended"  # the last record of a run

_HIDDEN = "[hidden]"
_SECRET_WORDS = ("secret", "password", "token", "api_key", "signature", "authorization")
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_HEAD = frozenset(("event", "level", "timestamp", "exc_info"))

Event = MutableMapping[str, Any]

_hidden: set[str] = set()


@dataclass(frozen=True, slots=True)
class Logs:
    """Where records go: a file for all, files for runs, or both."""

    level: str
    whole: Growing | None = None
    runs: RunFiles | None = None

    def write(self, line: str, *, run: str = "", is_last: bool = False) -> None:
        """Add a record to where it belongs."""
        if self.whole is not None:
            self.whole.write(line)
        if self.runs is not None and run:
            self.runs.write(run, line)
            if is_last:
                self.runs.ended(run)

    def reopen(self) -> None:
        """Let go of the files; the next record opens them by their names."""
        for file in (self.whole, self.runs):
            if file is not None:
                file.close()


_last: list[Logs] = []  # the logs of this process, if it keeps any


def hide(*secrets: str) -> None:
    """From now on, none of these is in a record, whatever text it comes in."""
    _hidden.update(secret for secret in secrets if len(secret) >= HIDDEN_LENGTH_MIN)


def log_to(folder: Path, *, level: str, started_at: datetime) -> Path:
    """Send this process's records to a new file of a run; returns its path."""
    with _writable(folder):
        path = new_run_file(folder, started_at)
    _configure(Logs(level, whole=Growing(path, lambda: started_at, rotates=True)))
    return path


def log_service(folder: Path, *, level: str, clock: Callable[[], datetime]) -> Path:
    """Send the service's records to its own file, and those of runs to a file each as well."""
    logs = _of_service(folder, level, clock)
    _configure(logs)
    return folder / SERVICE_FILE


def log_as_guest(folder: Path, *, level: str, clock: Callable[[], datetime]) -> Logs:
    """The same inside somebody else's program: structlog is its own, and is left as it is."""
    logs = _of_service(folder, level, clock)
    _forget()
    _last.append(logs)
    send_to(logger_of(logs))
    return logs


def log_to_console(stream: TextIO | None = None) -> None:
    """Only warnings, on standard error, for commands that keep no log of their own."""
    _quiet_libraries()
    _forget()
    structlog.configure(
        processors=[structlog.processors.add_log_level, _hide_secrets, _plain],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def reopen() -> None:
    """After somebody has moved the files, or asked for it by a signal."""
    for logs in _last:
        logs.reopen()


def kept() -> Logs | None:
    """The logs that this process keeps; None when it keeps none."""
    return _last[-1] if _last else None


def logger_of(logs: Logs) -> Any:  # noqa: ANN401 - structlog's own word for a bound logger
    """A logger that writes there, whatever else this process has configured."""
    return structlog.wrap_logger(
        _Sink(logs), processors=_PROCESSORS, wrapper_class=_filtering(logs.level)
    )


def plain(event: Event) -> str:
    """A record as one line for people, without secrets."""
    return _plain(None, "", _hide_secrets(None, "", event))


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"No log can be kept in {folder} ({error.strerror or error}): make the folder writable,"
            " or set EXCHANGE_SYNC_LOG_DIR."
        ) from error


def _of_service(folder: Path, level: str, clock: Callable[[], datetime]) -> Logs:
    whole = Growing(folder / SERVICE_FILE, clock, rotates=True)
    with _writable(folder):
        whole.open()
    return Logs(level, whole, RunFiles(folder, clock))


def _configure(logs: Logs) -> None:
    _quiet_libraries()
    _forget()
    _last.append(logs)
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=_filtering(logs.level),
        logger_factory=lambda *_: _Sink(logs),
        cache_logger_on_first_use=False,
    )


def _forget() -> None:
    reopen()
    _last.clear()
    send_to(None)


def _filtering(level: str) -> Any:  # noqa: ANN401 - a class that structlog makes
    return structlog.make_filtering_bound_logger(_LEVELS[level])


@dataclass(frozen=True, slots=True)
class _Sink:
    """Takes rendered records; structlog calls it by the name of the level."""

    logs: Logs

    def msg(self, line: str, *, run: str = "", is_last: bool = False) -> None:
        self.logs.write(line, run=run, is_last=is_last)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


_render = structlog.processors.JSONRenderer()


def _addressed(logger: object, method: str, event: Event) -> tuple[tuple[object], dict[str, Any]]:
    """The rendered record, and which run it belongs to."""
    run = str(event.get("run", ""))
    is_last = event.get("event") == RUN_ENDED
    return (_render(logger, method, event),), {"run": run, "is_last": is_last}


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
    said = f"{event.get('level', '')}: {event.get('event', '')} {words}".rstrip()
    # Nothing that a venue sent may steer the terminal, or begin a line of its own.
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in said)


# Last, because it names functions of this module.
_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _hide_secrets,
    _addressed,
]

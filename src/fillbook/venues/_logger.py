"""The logger of everything that may run inside somebody else's program.

Whoever starts the process decides where its records go. A program of ours configures structlog, and
that holds here too. Inside somebody else's program structlog is the host's: there this logger, and
nothing else, is pointed to files of ours.

It lies on the lowest floor that logs.
"""

from typing import Any

import structlog

_in_force: list[Any] = [structlog.get_logger()]


class _Logger:
    """Hands each record to the logger that is in force when it is written."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - structlog's own methods
        return getattr(_in_force[-1], name)


def get_logger() -> Any:  # noqa: ANN401 - what structlog's own gives
    """A logger for a module."""
    return _Logger()


def send_to(logger: Any | None) -> None:  # noqa: ANN401 - structlog's own word for a bound logger
    """From now on records go there; None is back to how structlog is configured."""
    _in_force[-1] = structlog.get_logger() if logger is None else logger

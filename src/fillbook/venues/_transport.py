"""What a venue is spoken to through: one host that answers questions and keeps lines open.

The transport is handed in, so that tests and simulations exchange nothing else. `HttpClient` is the
real one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fillbook.errors import VenueUnavailable

BODY_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it came. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Line(Protocol):
    """An open line: text in, text out. A line that breaks raises `VenueUnavailable`."""

    host: str

    async def send(self, text: str) -> None:
        """Say something."""
        ...

    async def receive(self, seconds: float) -> str | None:
        """What is said next; None when nothing is for so long."""
        ...

    async def close(self) -> None:
        """Close the line, without waiting long for the other end."""
        ...

    def broken(self, how: str) -> VenueUnavailable:
        """The error that ends this line."""
        ...


class Transport(Protocol):
    """The way to one host. What goes wrong on it is `VenueUnavailable`, in a sentence."""

    base_url: str
    host: str

    async def get(self, target: str, *, headers: Mapping[str, str]) -> Answer:
        """Ask for a path with its raw query."""
        ...

    async def open_line(self, url: str) -> Line:
        """Open a line. HTTP 403 is told apart by its code: it blocks an address."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...

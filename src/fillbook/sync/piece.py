"""Reading a piece of time window by window, oldest first, one window ahead of the ledger.

A window that holds too much is halved. A window that cannot be read stays unproven and says why;
the next one is read all the same. What the venue refuses for good ends the piece.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fillbook.domain.window import Window
from fillbook.errors import (
    VenueError,
    VenueKeyError,
    VenueNotOffered,
    VenueRequestError,
    WindowUnproven,
)
from fillbook.sync import windows
from fillbook.sync.proving import Prover
from fillbook.sync.traversal import Fetching, Reader, TooManyPages, traverse


@dataclass(slots=True)
class PieceReader:
    """Reads one piece; `read` is the way in."""

    reader: Reader
    piece: Window
    on_window: Callable[[Window], None]
    failures: list[str] = field(default_factory=list)
    _length: timedelta = field(init=False)
    _ahead: Fetching | None = None

    def __post_init__(self) -> None:
        """Begin with the longest window."""
        self._length = self.reader.rules.window_max

    async def read(self) -> list[str]:
        """Read it all; returns why windows failed."""
        prover = Prover(self.reader)
        at = self.piece.starts_at
        try:
            while at < self.piece.ends_at:
                fetching = self._taken_up(at)
                if await self._window(fetching, prover):
                    at = fetching.window.ends_at
                    self.on_window(fetching.window)
        finally:
            if self._ahead is not None:
                await self._ahead.stop()
        await prover.flush()
        return self.failures

    def _taken_up(self, at: datetime) -> Fetching:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.window.starts_at == at:
            return ahead
        return Fetching(self.reader, self._window_at(at))

    def _window_at(self, at: datetime) -> Window:
        return windows.next_window(Window(at, self.piece.ends_at), self._length)

    async def _window(self, fetching: Fetching, prover: Prover) -> bool:
        """Read one window; false when it must be read again, shorter."""
        window = fetching.window

        async def fail(error: VenueError | WindowUnproven, *, window: Window = window) -> str:
            return await prover.failed(window, str(error), took=fetching.took)

        try:
            await prover.add(await traverse(fetching, then=lambda: self._go_ahead(fetching)))
        except TooManyPages as error:
            if window.length > windows.WINDOW_MIN:
                self._length = window.length / 2
                return False
            self.failures.append(await fail(error))
        except (WindowUnproven, VenueRequestError) as error:
            self.failures.append(await fail(error))
        except (VenueNotOffered, VenueKeyError) as error:
            await fail(error, window=Window(window.starts_at, self.piece.ends_at))
            raise
        except VenueError as error:
            await fail(error)
            raise
        return True

    def _go_ahead(self, fetched: Fetching) -> None:
        """Begin to fetch the next window, its length by what this one held."""
        at = fetched.window.ends_at
        if self._ahead is None and at < self.piece.ends_at:
            longest = self.reader.rules.window_max
            self._length = windows.adapted(self._length, fetched.rows_fetched, longest)
            self._ahead = Fetching(self.reader, self._window_at(at))

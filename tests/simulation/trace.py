"""What happened, in order, as one hash: two runs of a seed are the same when their hashes are."""

from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

LINES_KEPT = 400


@dataclass(slots=True)
class Trace:
    """A running hash, and its last lines (all of them, where asked)."""

    is_kept: bool = False
    time: float = 0.0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    count: int = 0
    _hash: Any = field(default_factory=lambda: blake2b(digest_size=16))

    def note(self, *words: object) -> None:
        """Something happened now."""
        self.count += 1
        line = f"{self.time:.6f} " + " ".join(map(str, words))
        self._hash.update(line.encode())
        if self.is_kept or self.lines.maxlen:
            self.lines.append(line)

    def keep_all(self) -> None:
        """Keep every line from now on."""
        self.lines, self.is_kept = deque(self.lines), True

    @property
    def hash(self) -> str:
        """The hash so far."""
        return str(self._hash.hexdigest())

"""Integer randomness that is the same on every machine, for ever.

Only the raw words of PCG64 and the digests of BLAKE2b are used, since both are fixed by
their definitions. The convenience methods of `random` and of NumPy's generators may change
between releases, and floating point has no business near an amount.
"""

from collections.abc import Iterator
from hashlib import blake2b

# `numpy.random` is loaded on first use otherwise, and swallows a signal that comes meanwhile.
from numpy.random import PCG64

BLOCK_WORDS = 4096
PARTS_PER_MILLION = 1_000_000


def digest_of(*parts: object) -> int:
    """A 128-bit number that depends on the texts of the parts and on nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


def hits(*parts: object, share_ppm: int) -> bool:
    """Whether the event named by the parts happens, when a share of all such events does."""
    return digest_of(*parts) % PARTS_PER_MILLION < share_ppm


class Draws:
    """A stream of integers, named by its key."""

    __slots__ = ("_next",)

    def __init__(self, *key: object) -> None:
        self._next = _words(digest_of(*key)).__next__

    def below(self, bound: int) -> int:
        """An integer from 0 up to, not including, the bound."""
        return self._next() % bound

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + self._next() % (high - low + 1)

    def percent(self, share: int) -> bool:
        """True in about `share` of 100 cases."""
        return self._next() % 100 < share


def _words(seed: int) -> Iterator[int]:
    source = PCG64(seed)
    while True:
        yield from source.random_raw(BLOCK_WORDS).tolist()

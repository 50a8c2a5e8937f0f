"""The shapes of cursors: each names the first and the last row of its page.

The next page begins below the last one, so that rows that arrive meanwhile shift nothing. A
cursor that was made up, or belongs to another list, reads as None.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from papervenues.draws import digest_of

CHECK_BOUND = 10**6
_NUMBERS = re.compile(r"(\d{1,12}):(\d{1,7}),(\d{1,12}):(\d{1,7})", re.ASCII)
_KEYS = re.compile(r"([0-9a-zA-Z_-]{1,64}):(\d{1,15}),([0-9a-zA-Z_-]{1,64}):(\d{1,15})", re.ASCII)


class Shape(Protocol):
    """How one endpoint writes a page's bounds; `first` is the newest place of the page."""

    def write(self, first: int, last: int) -> str:
        """The cursor, before it is percent-encoded."""
        ...

    def read(self, cursor: str) -> int | None:
        """The place below which the next page begins."""
        ...


@dataclass(frozen=True, slots=True)
class NumberShape:
    """`21963:1,14954:1`: places with check numbers that depend on the list and the account."""

    name: str
    seed: int
    user_id: int

    def write(self, first: int, last: int) -> str:
        """Both places with their checks."""
        return f"{first}:{self._check(first)},{last}:{self._check(last)}"

    def read(self, cursor: str) -> int | None:
        """The last place, when both checks fit."""
        match = _NUMBERS.fullmatch(cursor)
        if match is None:
            return None
        first, first_check, last, last_check = (int(part) for part in match.groups())
        fits = (first_check, last_check) == (self._check(first), self._check(last))
        return last if fits else None

    def _check(self, place: int) -> int:
        return digest_of("cursor", self.name, self.seed, self.user_id, place) % CHECK_BOUND


@dataclass(frozen=True, slots=True)
class KeyShape:
    """`<orderId>:<ms>,<orderId>:<ms>`. `places_at` lists the places of one stamp."""

    key: Callable[[int], str]
    stamp: Callable[[int], int]
    places_at: Callable[[int], Iterable[int]]

    def write(self, first: int, last: int) -> str:
        """Ids and stamps of both rows."""
        return f"{self.key(first)}:{self.stamp(first)},{self.key(last)}:{self.stamp(last)}"

    def read(self, cursor: str) -> int | None:
        """The place of the last row, found by its stamp and then by its id."""
        match = _KEYS.fullmatch(cursor)
        if match is None:
            return None
        wanted, stamp = match.group(3), int(match.group(4))
        return next((p for p in self.places_at(stamp) if self.key(p) == wanted), None)


@dataclass(frozen=True, slots=True)
class AssetShape:
    """Base64 of `{"minID":…,"maxID":…}`, as the asset endpoints have it."""

    first_id: int

    def write(self, first: int, last: int) -> str:
        """The ids of both rows."""
        ids = {"minID": self.first_id + last, "maxID": self.first_id + first}
        return b64encode(msgspec.json.encode(ids)).decode()

    def read(self, cursor: str) -> int | None:
        """The last row's place."""
        try:
            ids = msgspec.json.decode(b64decode(cursor, validate=True), type=dict[str, int])
        except (Base64Error, ValueError, msgspec.MsgspecError):
            return None
        return None if "minID" not in ids else ids["minID"] - self.first_id

"""What a venue sent, before anybody read it.

A record's natural key says which record it is; its content says what the venue claims about it.
Both are kept as digests of 128 bits, so that indexes stay small whatever ids a venue invents.
"""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One row of a page, verbatim."""

    record_key: UUID
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a venue: its rows as received, and how to ask for the next page."""

    records: tuple[RawRecord, ...]
    next_cursor: str | None  # None: the stream of this window has ended


def digest_key(*words: str) -> UUID:
    """A key of 128 bits for a tuple of words.

    Each word carries its length, so that no two tuples run together, whatever a venue puts into
    its ids; half a surrogate pair, which JSON can smuggle in, is digested like any other text.
    """
    joined = "".join(f"{len(word)}:{word}" for word in words)
    return UUID(bytes=sha256(joined.encode(errors="surrogatepass")).digest()[:16])


def content_key(body: bytes) -> UUID:
    """A key of 128 bits for the bytes of a record."""
    return UUID(bytes=sha256(body).digest()[:16])

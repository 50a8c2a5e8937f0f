"""The hash chain of an account: each fact commits to all facts before it.

Raw records, windows and statements share one sequence per account. A link is
``sha256(previous link | sequence | kind | sha256(payload))``; the payload names every column, so a
changed byte, a missing row and a changed order all break the chain. The head (sequence, hash) lives
in `ops.chain_heads` and can be anchored outside.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from fillbook.domain.window import Window, microseconds

_SEPARATOR = b"\x1f"


@dataclass(frozen=True, slots=True)
class Head:
    """Where an account's chain ends."""

    generation: int
    seq: int
    hash: bytes


def link(previous: bytes, seq: int, kind: bytes, payload: bytes) -> bytes:
    """The next link of a chain."""
    return sha256(previous + seq.to_bytes(8, "big") + kind + sha256(payload).digest()).digest()


@dataclass(frozen=True, slots=True)
class Genesis:
    """How a chain begins: whose it is, and why it was opened."""

    account_id: int
    venue: str
    environment: str
    venue_user_id: str
    generation: int
    opened_at: datetime
    opened_by: str
    reason: str


def genesis(opened: Genesis) -> bytes:
    """The hash that a chain starts from.

    It commits to the venue's own user id: a chain put under another account does not verify.
    """
    words = (
        str(opened.account_id),
        opened.venue,
        opened.environment,
        opened.venue_user_id,
        str(opened.generation),
        str(microseconds(opened.opened_at)),
        opened.opened_by,
        opened.reason,
    )
    return link(b"\0" * 32, 0, b"g", _SEPARATOR.join(word.encode() for word in words))


def raw_payload(
    stream: str,
    scope: str,
    record_key: UUID,
    received: tuple[datetime, UUID],
    packed: tuple[int, bytes],
) -> bytes:
    """What a raw record commits to: received is (when, in which run), packed (codec, bytes).

    The chain commits to the bytes as they are stored, so that no bit of them can change unseen, not
    even one that unpacking would ignore.
    """
    received_at, run_id = received
    codec, stored = packed
    return _SEPARATOR.join(
        (
            stream.encode(),
            scope.encode(),
            record_key.bytes,
            str(microseconds(received_at)).encode(),
            run_id.bytes,
            str(codec).encode(),
            stored,
        )
    )


def window_payload(
    stream: str,
    scope: str,
    window: Window,
    outcome: str,
    counts: tuple[int, int],
    read: tuple[datetime, UUID],
    reason: str,
) -> bytes:
    """What a window's proof commits to: counts are (pages, rows), read is (when, in which run)."""
    read_at, run_id = read
    words = (
        stream,
        scope,
        str(microseconds(window.starts_at)),
        str(microseconds(window.ends_at)),
        outcome,
        str(counts[0]),
        str(counts[1]),
        str(microseconds(read_at)),
        run_id.hex,
        reason,
    )
    return _SEPARATOR.join(word.encode() for word in words)


def statement_payload(
    kind: str, target: UUID, body: str, stated: tuple[datetime, str], reason: str
) -> bytes:
    """What a statement commits to: stated is (when, by whom). Free text carries its length."""
    stated_at, stated_by = stated
    words = (kind, target.hex, body, str(microseconds(stated_at)), stated_by, reason)
    return "".join(f"{len(word)}:{word}" for word in words).encode()

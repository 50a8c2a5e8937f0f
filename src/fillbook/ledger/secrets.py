"""Keys of venues at rest: sealed, bound to their account, opened only to be used.

A venue's key and its secret are sealed together with AES-256-GCM under a *secrets key*: 32 random
bytes that the database never holds. They come from a setting, or from a file beside the database
that only its owner can read. So a dump of the database gives nothing away, and neither does a
backup, as long as the file is not in it.

The seal covers, as associated data, what the row says in plain: whose account it is, at which venue
and address, and whether a key that can trade may be used. A row that was moved to another account,
or whose address was changed, does not open. A nonce is drawn for each seal.

Each row names the secrets key that seals it, by a digest, so that rows under an old and a new key
can stand side by side. What seals is the first key of the ring: the setting's, else the file's.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from secrets import token_bytes

from fillbook.errors import LedgerError
from fillbook.ledger._pool import Connection, Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.secrets_key import KeyRing, SecretsKey

SQL = queries("secrets.sql")

SEAL_VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
ENDING_LENGTH = 4
ENDING_NEEDS = 12  # of a shorter key, the ending would be too much of it


@dataclass(frozen=True, slots=True)
class Credentials:
    """A venue's key and its secret. The representation shows neither."""

    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a sealed row says in plain and cannot be changed without breaking the seal."""

    account_id: int
    venue: str
    environment: str
    base_url: str  # empty: the venue's own address
    may_trade: bool

    def associated(self) -> bytes:
        """The same as bytes."""
        said = [
            SEAL_VERSION, self.account_id, self.venue, self.environment, self.base_url,
            self.may_trade,
        ]  # fmt: skip
        return json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A row as it is kept."""

    name: str  # of the account, for messages
    bound: Bound
    key_id: str
    sealed: bytes = field(repr=False)


def fingerprint(key: str) -> str:
    """What tells two keys of a venue apart, and is worth nothing to a thief."""
    ending = key[-ENDING_LENGTH:] if len(key) >= ENDING_NEEDS else ""
    return sha256(key.encode()).hexdigest()[:8] + (f"...{ending}" if ending else "")


def seal(credentials: Credentials, bound: Bound, key: SecretsKey) -> bytes:
    """The credentials, sealed."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # many commands need none

    plain = json.dumps({"key": credentials.key, "secret": credentials.secret}).encode()
    nonce = token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key.raw).encrypt(nonce, plain, bound.associated())


def open_sealed(row: Sealed, ring: KeyRing) -> Credentials:
    """The credentials of a row, or an error that says what to do."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = ring.find(row.key_id)
    if key is None:
        raise LedgerError(
            f"The stored key of {row.name} is sealed with the secrets key {row.key_id}, which is"
            f" not here: {ring.where} Bring it back from its backup, or run"
            f" `fillbook accounts add {row.name}` with a new key of the venue."
        )
    plain = None
    if len(row.sealed) >= NONCE_BYTES + TAG_BYTES:
        nonce, rest = row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:]
        try:
            plain = AESGCM(key.raw).decrypt(nonce, rest, row.bound.associated())
        except InvalidTag:
            plain = None
    # Raised outside of the handler, so that no chained error carries bytes along.
    if plain is None:
        raise LedgerError(
            f"The stored key of {row.name} does not open: its row was changed or damaged. Run"
            f" `fillbook accounts add {row.name}` again, and find out who changed the database."
        )
    found = json.loads(plain)
    return Credentials(found["key"], found["secret"])


async def put(
    conn: Connection, credentials: Credentials, bound: Bound, *, ring: KeyRing, now: datetime
) -> None:
    """Keep the credentials of an account, instead of those that were kept before."""
    await conn.execute(SQL["lock_secrets"])  # first: the key in force may be changing
    key = ring.sealing()
    await conn.execute(
        SQL["put_secret"],
        {
            "account_id": bound.account_id,
            "base_url": bound.base_url,
            "may_trade": bound.may_trade,
            "fingerprint": fingerprint(credentials.key),
            "key_id": key.key_id,
            "sealed": seal(credentials, bound, key),
            "now": now,
        },
    )


async def all_sealed(conn: Connection) -> Sequence[Sealed]:
    """Every row, by the account's name."""
    found = await (await conn.execute(SQL["list_secrets"])).fetchall()
    return [Sealed(row[7], Bound(*row[:5]), row[5], bytes(row[6])) for row in found]


async def stored(pool: Pool) -> Sequence[Sealed]:
    """Every row, still sealed."""
    async with transaction(pool) as conn:
        return await all_sealed(conn)


async def forget(conn: Connection, account_id: int) -> str | None:
    """Delete the credentials of an account; returns their fingerprint, None when none are kept."""
    found = await (await conn.execute(SQL["delete_secret"], {"account_id": account_id})).fetchone()
    return found[0] if found else None


async def seal_all(conn: Connection, ring: KeyRing, key: SecretsKey) -> int:
    """Seal every row again with this key; all of them, or none when one does not open."""
    await conn.execute(SQL["lock_secrets"])
    rows = await all_sealed(conn)
    for row in rows:
        sealed = seal(open_sealed(row, ring), row.bound, key)
        what = {"account_id": row.bound.account_id, "key_id": key.key_id, "sealed": sealed}
        await conn.execute(SQL["seal_again"], what)
    return len(rows)

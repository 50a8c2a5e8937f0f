"""Access tokens: shown once when they are made, kept as a hash, found by their public beginning.

A token is 256 random bits after a prefix that says nothing. The prefix finds the row, so that the
only comparison with a secret is of two hashes, in a time that does not depend on where they differ.
A token that nobody made costs the same comparison and gets the same answer.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex, token_urlsafe
from typing import Literal, get_args

from fillbook.errors import NotFound, Unauthenticated, UsageError
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger._queries import queries
from fillbook.ledger.accounts import NO_ACCOUNT, audit

SQL = queries("tokens.sql")

Scope = Literal["read", "operate", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)  # each allows what those before it do

MARK = "fb_"
PREFIX_BYTES = 6
SECRET_BYTES = 32
NAME_LENGTH_MAX = 100
TOKEN = re.compile(rf"{MARK}(?P<prefix>[0-9a-f]{{{2 * PREFIX_BYTES}}})_[A-Za-z0-9_-]{{43}}")
_NOBODYS = sha256(b"a token that nobody made").digest()


@dataclass(frozen=True, slots=True)
class TokenRow:
    """What may be shown of a token."""

    prefix: str
    name: str
    scope: str
    created_at: datetime
    revoked_at: datetime | None


async def make(pool: Pool, *, name: str, scope: Scope, now: datetime) -> str:
    """Make a token; its text is returned here and never again."""
    if scope not in SCOPES:
        raise UsageError(f"A token's scope is one of {', '.join(SCOPES)}.")
    if not name or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise UsageError(f"A token's name has 1 to {NAME_LENGTH_MAX} printable characters.")
    prefix = token_hex(PREFIX_BYTES)
    token = f"{MARK}{prefix}_{token_urlsafe(SECRET_BYTES)}"
    what = {"prefix": prefix, "token_hash": _hash(token), "name": name, "scope": scope, "now": now}
    async with transaction(pool) as conn:
        await conn.execute(SQL["add_token"], what)
        await audit(
            conn,
            account_id=NO_ACCOUNT,
            actor="fillbook",
            act="token made",
            detail=f"{name} ({scope}, {prefix})",
            now=now,
        )
    return token


@dataclass(frozen=True, slots=True)
class Known:
    """A token in force, without its secret."""

    prefix: str
    scope: Scope


async def check(pool: Pool, token: str) -> Known:
    """Whose token it is; any other text is refused, always in the same words."""
    shape = TOKEN.fullmatch(token)
    prefix = shape["prefix"] if shape else ""
    async with transaction(pool) as conn:
        found = await (await conn.execute(SQL["find_token"], {"prefix": prefix})).fetchone()
    kept, scope = found or (_NOBODYS, "")
    if not compare_digest(bytes(kept), _hash(token)) or scope not in SCOPES:
        raise Unauthenticated
    return Known(prefix, scope)


async def still(pool: Pool, prefix: str) -> Known:
    """A token that was checked before: refused from the moment it is revoked."""
    async with transaction(pool) as conn:
        found = await (await conn.execute(SQL["find_token"], {"prefix": prefix})).fetchone()
    if found is None or found[1] not in SCOPES:
        raise Unauthenticated
    return Known(prefix, found[1])


async def revoke(pool: Pool, prefix: str, *, now: datetime) -> str:
    """Make a token worthless from now on; returns its name."""
    async with transaction(pool) as conn:
        what = {"prefix": prefix, "now": now}
        found = await (await conn.execute(SQL["revoke_token"], what)).fetchone()
        if found is None:
            raise NotFound("There is no such token in force.")
        name: str = found[0]
        await audit(
            conn,
            account_id=NO_ACCOUNT,
            actor="fillbook",
            act="token revoked",
            detail=f"{name} ({prefix})",
            now=now,
        )
    return name


async def all_tokens(pool: Pool) -> list[TokenRow]:
    """Every token that was made, oldest first."""
    async with transaction(pool) as conn:
        found = await (await conn.execute(SQL["list_tokens"])).fetchall()
    return [TokenRow(*row) for row in found]


async def forget_revoked(pool: Pool, *, before: datetime) -> None:
    """Forget tokens that have been worthless since before then; the audit log remembers them."""
    async with transaction(pool) as conn:
        await conn.execute(SQL["forget_revoked"], {"before": before})


def _hash(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()

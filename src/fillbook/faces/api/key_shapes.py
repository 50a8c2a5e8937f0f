"""What the API says of accounts and their keys: never a key, and no way to read one."""

from datetime import datetime

from fastapi import APIRouter, Depends
from pydantic import Field

from fillbook.faces.account_rows import rows_of
from fillbook.faces.api.routes import PROBLEMS, Serving, allowed
from fillbook.faces.api.shapes import Shape
from fillbook.ledger.key_checks import known_accounts


class KeyShape(Shape):
    """An account and what is known of its key."""

    account: str
    exchange: str
    environment: str
    user_id: str | None
    state: str = Field(description="active, paused, stopped by a key check, or removed.")
    reason: str | None
    source: str | None = Field(description="Where the key was when it was checked.")
    key: str | None = Field(description="A fingerprint: a digest, and the last four characters.")
    permissions: str | None
    expires_on: str | None
    expires_in_days: int | None
    bound_to_addresses: bool | None
    account_kind: str | None
    checked_at: datetime | None


class KeysShape(Shape):
    """Every account."""

    rows: list[KeyShape]


def account_routes(serving: Serving) -> APIRouter:
    """The accounts that the ledger knows."""
    router = APIRouter(
        dependencies=[Depends(allowed("read"))], responses=PROBLEMS, tags=["accounts"]
    )

    @router.get("/accounts", response_model=KeysShape, summary="Accounts")
    async def accounts() -> KeysShape:
        """Each account: its state, what its key may do, when that ends and when it was checked."""
        known = await known_accounts(serving.pool)
        return KeysShape.model_validate({"rows": rows_of(known, now=serving.clock())})

    return router

"""The API tells what is known of accounts and keys, and has no way to a key."""

from dataclasses import fields
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from fillbook.domain.account import KeyFacts
from fillbook.faces.account_rows import AccountRow
from fillbook.faces.api.key_shapes import KeyShape
from fillbook.ledger._pool import open_pool
from fillbook.ledger.secrets import fingerprint
from fillbook.settings import Login, load
from fillbook.wiring import keys
from tests.faces.conftest import now, serving

LOGIN = Login("main", "bybit", "api-key-canary-01", SecretStr("api-secret-canary"), source="stored")
KEY = KeyFacts(
    "4711",
    can_trade=False,
    can_withdraw=False,
    expires_in_days=80,
    bound_to_addresses=False,
    account_kind="UTA2.0",
)


async def test_accounts_are_listed_without_their_keys(database_url: str, tmp_path: Path) -> None:
    """State, permissions, expiry and the time of the check; of the key, its fingerprint."""
    settings = load({"FILLBOOK_HOME": str(tmp_path / "book")}, folder=tmp_path)
    async with open_pool(database_url) as pool:
        await keys.store(pool, settings, LOGIN, KEY, actor="somebody", now=now())

    with serving(database_url) as api:
        answer = await api.get("accounts")
        status = await api.get("status")
        texts = [await text_of(api.url + path, api.headers) for path in ("/api/v1/accounts",)]
    (row,) = answer["rows"]

    assert row["account"] == "main"
    assert (row["state"], row["reason"], row["source"]) == ("active", None, "stored")
    assert (row["permissions"], row["bound_to_addresses"]) == ("read-only", False)
    assert row["expires_in_days"] in (79, 80)
    assert row["checked_at"] is not None
    assert row["key"] == fingerprint(LOGIN.key)
    assert not [text for text in texts if "api-key-canary" in text or "api-secret" in text]
    (account,) = status["accounts"]
    assert account["key_expires_in_days"] in (79, 80)
    assert account["key_checked_at"] == row["checked_at"]


def test_the_shape_has_the_fields_of_the_row() -> None:
    """What the command shows, the API tells."""

    assert list(KeyShape.model_fields) == [field.name for field in fields(AccountRow)]


async def text_of(url: str, headers: dict[str, str]) -> str:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as reply:
        assert reply.status == 200
        return await reply.text()

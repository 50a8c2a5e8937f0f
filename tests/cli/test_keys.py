"""What a venue says of a key is kept, and a key that can do harm fetches nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from fillbook.domain.account import KeyFacts
from fillbook.errors import LedgerError, Refused, UsageError
from fillbook.ledger._pool import Pool, open_pool, transaction
from fillbook.ledger.key_checks import KnownAccount, known_accounts
from fillbook.ledger.secrets import fingerprint
from fillbook.ledger.secrets_key import KEY_BYTES
from fillbook.settings import Login, Settings, load
from fillbook.wiring import keys

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
READS = KeyFacts(
    "4711", can_trade=False, can_withdraw=False, expires_in_days=None, bound_to_addresses=True
)
TRADES = replace(READS, can_trade=True)
WITHDRAWS = replace(TRADES, can_withdraw=True)
LOGIN = Login("main", "bybit", "first-key-canary", SecretStr("first-secret-canary"))
STORED = replace(LOGIN, source="stored")
SECRETS_KEY = "Zmlyc3Qga2V5IG9mIDMyIHJhbmRvbSBieXRlcyEhISE="
OTHER_KEY = "c2Vjb25kIGtleSBvZiAzMiByYW5kb20gYnl0ZXMhISE="

AUDITED = "SELECT account_id, act, actor, detail FROM ops.audit ORDER BY happened_at, audit_id"
CHECKS = "SELECT fingerprint, can_withdraw, checked_at FROM ops.key_checks ORDER BY checked_at"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """An empty ledger."""
    async with open_pool(database_url) as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a home of their own and no key."""
    return load({"FILLBOOK_HOME": str(tmp_path / "book")}, folder=tmp_path)


async def rows(pool: Pool, query: str) -> list[tuple[object, ...]]:
    async with transaction(pool) as conn:
        return await (await conn.execute(query.encode())).fetchall()


async def only(pool: Pool) -> KnownAccount:
    (found,) = await known_accounts(pool)
    return found


async def store(pool: Pool, settings: Settings, login: Login, key: KeyFacts = READS) -> keys.Stored:
    return await keys.store(pool, settings, login, key, actor="somebody", now=NOW)


async def secret_of(pool: Pool, settings: Settings) -> str:
    (way,) = await keys.ways(pool, settings)
    return way.opened().secret.get_secret_value()


async def test_a_key_is_recorded_daily_and_when_it_changes(pool: Pool) -> None:
    """A pass asks each time; what is kept is one row a day, and each change."""
    bound = replace(READS, bound_to_addresses=False, expires_in_days=40)
    for hours, key in ((0, READS), (1, READS), (2, bound), (3, bound), (26, bound), (27, bound)):
        later = NOW + timedelta(hours=hours)
        told = key if key is READS else replace(key, expires_in_days=40 - hours // 24)
        await keys.admit(pool, LOGIN, told, now=later)

    at = [row[2] for row in await rows(pool, CHECKS)]
    known = await only(pool)

    assert at == [NOW + timedelta(hours=hours) for hours in (0, 2, 26)]
    assert known.checks[0].days_left(NOW + timedelta(days=2)) == 38


async def test_a_key_that_has_become_able_to_withdraw_stops_the_account(pool: Pool) -> None:
    """With the reason, on record; it goes on as soon as the key can no longer withdraw."""
    account = await keys.admit(pool, LOGIN, READS, now=NOW)

    with pytest.raises(Refused, match="main can withdraw"):
        await keys.admit(pool, LOGIN, WITHDRAWS, now=NOW + timedelta(hours=1))
    with pytest.raises(Refused, match="main can withdraw"):
        await keys.admit(pool, LOGIN, WITHDRAWS, now=NOW + timedelta(hours=2))
    stopped = await only(pool)
    await keys.admit(pool, LOGIN, READS, now=NOW + timedelta(hours=3))
    again = await only(pool)

    assert (stopped.state, "can withdraw" in stopped.reason) == ("stopped", True)
    assert stopped.checks[0].can_withdraw
    assert (again.state, again.reason) == ("active", "")
    mark = fingerprint(LOGIN.key)
    assert await rows(pool, AUDITED) == [
        (account.account_id, "key refused", "fillbook", f"main: {mark} can withdraw"),
        (account.account_id, "account resumed", "fillbook",
         f"it was stopped; its key {mark} may read"),
    ]  # fmt: skip


async def test_a_key_that_can_trade_is_refused_unless_allowed(
    pool: Pool, settings: Settings
) -> None:
    """In the settings and at the store; each refusal names the switch that would allow it."""

    with pytest.raises(Refused, match="FILLBOOK_ALLOW_TRADING_KEYS=true"):
        await keys.admit(pool, LOGIN, TRADES, now=NOW)
    with pytest.raises(Refused, match="accounts add main --allow-trading"):
        await store(pool, settings, STORED, TRADES)
    assert await known_accounts(pool) == []

    await keys.admit(pool, replace(LOGIN, may_trade=True), TRADES, now=NOW)
    assert (await only(pool)).checks[0].may == "trade"


@pytest.mark.parametrize("may_trade", [False, True])
async def test_a_key_that_can_withdraw_is_never_stored(
    pool: Pool, settings: Settings, *, may_trade: bool
) -> None:
    """Whatever was allowed; the refusal is on record, the key is not."""

    with pytest.raises(Refused, match="can withdraw"):
        await store(pool, settings, replace(STORED, may_trade=may_trade), WITHDRAWS)

    assert await rows(pool, "SELECT * FROM ops.secrets") == []
    assert [row[1] for row in await rows(pool, AUDITED)] == ["key refused"]


async def test_two_keys_of_one_user_are_one_account(pool: Pool, settings: Settings) -> None:
    """The second takes the place of the first, under the name that the account has."""
    second = replace(STORED, name="other", key="second-key-canary", secret=SecretStr("second"))

    first = await store(pool, settings, STORED)
    rotated = await store(pool, settings, second)

    assert rotated.account == first.account
    assert (first.rotated, rotated.rotated) == (False, True)
    assert await secret_of(pool, settings) == "second"
    assert (await only(pool)).stored == fingerprint("second-key-canary")
    assert {row[1:3] for row in await rows(pool, AUDITED)} == {
        ("key added", "somebody"), ("key rotated", "somebody"),
    }  # fmt: skip


async def test_a_refused_second_key_leaves_the_first_in_use(pool: Pool, settings: Settings) -> None:
    """Neither the account's state nor what is known of its key changes."""
    await store(pool, settings, STORED)
    before = await only(pool)

    with pytest.raises(Refused):
        await store(pool, settings, replace(STORED, key="other-key"), WITHDRAWS)

    assert await only(pool) == before


async def test_a_name_belongs_to_one_user(pool: Pool, settings: Settings) -> None:
    """Another user's key is not filed beside it under a name that looks like it."""
    await store(pool, settings, STORED)

    with pytest.raises(UsageError, match="choose another name"):
        await store(pool, settings, STORED, replace(READS, venue_user_id="9"))


async def test_the_environment_comes_before_a_stored_key(pool: Pool, tmp_path: Path) -> None:
    """By name, and by account once the key was used."""
    own = {"BYBIT_API_KEY": "env-key-canary", "BYBIT_API_SECRET": "env-secret"}
    home = {"FILLBOOK_HOME": str(tmp_path / "book")}
    settings = load(home | own, folder=tmp_path)
    await store(pool, settings, replace(STORED, name="bybit"))
    by_name = await keys.ways(pool, settings)
    named = load(
        home | {"FILLBOOK_ACCOUNT_X_KEY": "env-key-canary", "FILLBOOK_ACCOUNT_X_SECRET": "s"},
        folder=tmp_path,
    )
    unknown = await keys.ways(pool, named)
    await keys.admit(pool, named.logins[0], READS, now=NOW)
    by_account = await keys.ways(pool, named)

    assert [(way.name, way.is_given, way.instead_of_stored) for way in by_name] == [
        ("bybit", True, True)
    ]
    assert [way.name for way in unknown] == ["bybit", "x"]
    assert [(way.name, way.instead_of_stored) for way in by_account] == [("x", True)]


async def test_a_key_that_does_not_open_leaves_the_others_alone(
    pool: Pool, settings: Settings
) -> None:
    """Rows that were swapped in the database are refused one by one, when they are used."""
    other = replace(STORED, name="other", key="second-key-canary", secret=SecretStr("second"))
    third = replace(STORED, name="third", key="third-key-canary", secret=SecretStr("third"))
    await store(pool, settings, STORED)
    await store(pool, settings, other, replace(READS, venue_user_id="4712"))
    await store(pool, settings, third, replace(READS, venue_user_id="4713"))
    async with transaction(pool) as conn:
        await conn.execute(
            b"UPDATE ops.secrets s SET sealed = o.sealed FROM ops.secrets o, ops.accounts a"
            b" WHERE a.account_id = s.account_id AND a.name <> 'third'"
            b" AND o.account_id <> s.account_id"
            b" AND o.account_id IN (SELECT account_id FROM ops.accounts WHERE name <> 'third')"
        )

    main, second, sound = await keys.ways(pool, settings)

    for way in (main, second):
        with pytest.raises(LedgerError, match="changed or damaged"):
            way.opened()
    assert sound.opened().secret.get_secret_value() == "third"


async def test_every_key_is_sealed_again(pool: Pool, settings: Settings) -> None:
    """With a new file; the old one is gone, and what it sealed does not open without it."""
    await store(pool, settings, STORED)
    path = settings.folder / "secrets" / "secrets.key"
    before = path.read_bytes()

    count, key = await keys.rekey(pool, settings, older=None, actor="somebody", now=NOW)
    used = await rows(pool, "SELECT key_id FROM ops.secrets")

    assert count == 1
    assert used == [(key.key_id,)]
    assert path.read_bytes() != before
    assert await secret_of(pool, settings) == "first-secret-canary"
    path.write_bytes(before)
    (way,) = await keys.ways(pool, settings)
    with pytest.raises(LedgerError, match=key.key_id):
        way.opened()


async def test_keys_move_to_the_setting_and_on(
    pool: Pool, settings: Settings, tmp_path: Path
) -> None:
    """From the file to a setting, from one setting to another, and back to a file."""
    home = {"FILLBOOK_HOME": str(settings.folder)}
    first = load(home | {"FILLBOOK_SECRETS_KEY": SECRETS_KEY}, folder=tmp_path)
    second = load(home | {"FILLBOOK_SECRETS_KEY": OTHER_KEY}, folder=tmp_path)
    await store(pool, settings, STORED)

    await keys.rekey(pool, first, older=None, actor="a", now=NOW)
    in_setting = await secret_of(pool, first)
    with pytest.raises(LedgerError, match="not here"):
        await keys.rekey(pool, second, older=None, actor="a", now=NOW)
    still = await secret_of(pool, first)
    await keys.rekey(pool, second, older=SECRETS_KEY, actor="a", now=NOW)
    moved = await secret_of(pool, second)
    await keys.rekey(pool, settings, older=OTHER_KEY, actor="a", now=NOW)

    assert {in_setting, still, moved} == {"first-secret-canary"}
    assert await secret_of(pool, settings) == "first-secret-canary"


async def test_keys_are_stored_while_all_are_sealed_again(pool: Pool, settings: Settings) -> None:
    """Whichever comes first, every key opens afterwards."""
    await store(pool, settings, STORED)
    others = [
        store(
            pool,
            settings,
            replace(STORED, name=f"n{number}", key=f"key-{number}", secret=SecretStr("other")),
            replace(READS, venue_user_id=str(number)),
        )
        for number in range(6)
    ]

    await asyncio.gather(
        *others[:3], keys.rekey(pool, settings, older=None, actor="a", now=NOW), *others[3:]
    )

    found = await keys.ways(pool, settings)
    assert [way.opened().name for way in found] == ["main", *(f"n{n}" for n in range(6))]


async def test_no_table_holds_a_secret(pool: Pool, settings: Settings) -> None:
    """Neither as text nor as bytes, whatever was done with the key."""
    await store(pool, settings, STORED)
    await keys.admit(pool, STORED, READS, now=NOW)
    with pytest.raises(Refused):
        await keys.admit(pool, STORED, WITHDRAWS, now=NOW)
    await keys.rekey(pool, settings, older=None, actor="somebody", now=NOW)
    raw = (settings.folder / "secrets" / "secrets.key").read_text().strip()

    dumped = await dump(pool)

    assert len(dumped) > 1000
    for canary in (LOGIN.key, "first-secret-canary", raw):
        assert canary not in dumped
        assert canary.encode().hex() not in dumped


async def dump(pool: Pool) -> str:
    """Every table of ours as text, bytes in hexadecimal."""
    found = await rows(
        pool,
        "SELECT schemaname || '.' || tablename FROM pg_tables"
        " WHERE schemaname IN ('facts', 'ops', 'derived', 'trading') ORDER BY 1",
    )
    texts = [await rows(pool, f"SELECT t::text FROM {name} t") for (name,) in found]  # noqa: S608
    return "\n".join(str(row[0]) for text in texts for row in text)


def test_the_keys_of_these_tests_are_keys() -> None:
    """Both are 32 bytes of base64."""
    from base64 import b64decode

    assert {len(b64decode(key)) for key in (SECRETS_KEY, OTHER_KEY)} == {KEY_BYTES}

"""The further keys of each account: one that withdraws, one that expires, one that is bound.

They stand beside the read-only and the trading key of `settings.keys_of`. The bound key comes
in two forms, of which one is bound to another address and so is refused here.
"""

from hashlib import blake2b

from papervenues.bybit.settings import DAY_MS, ApiKey, Settings

EXPIRING_DAYS = 10
HERE = ("127.0.0.1",)
ELSEWHERE = ("203.0.113.7",)


def further_keys_of(settings: Settings) -> tuple[ApiKey, ...]:
    """All keys beyond the first two of each account, account by account."""
    return tuple(
        key
        for account in range(settings.accounts)
        for key in (
            _key(settings, account, kind="withdraw", can_withdraw=True),
            _key(
                settings, account, kind="expiring",
                expires_ms=settings.end_ms + EXPIRING_DAYS * DAY_MS,
            ),
            _key(settings, account, kind="bound", addresses=HERE),
            _key(settings, account, kind="bound_elsewhere", addresses=ELSEWHERE),
            _key(settings, account, kind="sub", is_master=False),
        )
    )  # fmt: skip


def _key(
    settings: Settings,
    account: int,
    *,
    kind: str,
    expires_ms: int = 0,
    addresses: tuple[str, ...] = (),
    can_withdraw: bool = False,
    is_master: bool = True,
) -> ApiKey:
    return ApiKey(
        account=account,
        key=_token("key", settings.seed, account, kind)[:18],
        secret=_token("secret", settings.seed, account, kind)[:36],
        read_only=not can_withdraw,
        kind=kind,
        expires_ms=expires_ms,
        addresses=addresses,
        can_withdraw=can_withdraw,
        is_master=is_master,
    )


def _token(*parts: object) -> str:
    text = ":".join(str(part) for part in ("paper", *parts))
    return blake2b(text.encode(), digest_size=20).hexdigest()

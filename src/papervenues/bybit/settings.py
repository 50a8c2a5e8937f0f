"""What decides a paper Bybit: the inputs of its history and the limits of its service."""

from dataclasses import dataclass, field
from hashlib import blake2b

from papervenues.bybit.switches import Switches
from papervenues.draws import digest_of
from papervenues.faults import FaultPlan

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

DAYS_MAX = 3_650
BOTS_MAX = 64
EXECUTIONS_MAX = 20_000_000
ACCOUNTS_MAX = 32
CATEGORIES = ("linear", "inverse", "spot", "option")
ONLY_LINEAR = ("linear",)
FIRST_USER_ID = 10_000_000
USER_ID_STEPS = 9_000_000  # ids a history may begin at, far enough apart for its accounts


@dataclass(frozen=True, slots=True)
class Settings:
    """Equal settings give byte-identical histories.

    `categories` says where bots trade; anything but the default also brings the further linear
    contracts and the account's other movements of money. `hedge` puts all linear symbols into
    hedge mode.
    """

    end_ms: int
    seed: int = 7
    days: int = 90
    bots: int = 3
    executions: int = 60_000
    accounts: int = 1
    rate: int = 0
    faults: FaultPlan = field(default_factory=FaultPlan)
    categories: tuple[str, ...] = ONLY_LINEAR
    hedge: bool = False
    switches: Switches = field(default_factory=Switches)
    ip_limit: bool = False

    def __post_init__(self) -> None:
        if not self.categories or not set(self.categories) <= set(CATEGORIES):
            raise ValueError(f"categories are some of {', '.join(CATEGORIES)}")

    @property
    def is_wide(self) -> bool:
        """Whether more is traded than the linear perpetuals of the default."""
        return self.categories != ONLY_LINEAR

    @property
    def start_ms(self) -> int:
        """The first instant of history."""
        return self.end_ms - self.days * DAY_MS

    def user_id(self, account: int) -> int:
        """The venue's user id of the account with this number.

        Another history is another user, as it would be at the venue: a ledger that knows accounts
        by this id never mixes two histories.
        """
        made_of: tuple[object, ...] = (
            self.end_ms, self.seed, self.days, self.bots, self.executions, self.accounts,
        )  # fmt: skip
        if self.is_wide or self.hedge:
            made_of += (*self.categories, self.hedge)
        place = digest_of("user", *made_of) % USER_ID_STEPS
        return FIRST_USER_ID + place * ACCOUNTS_MAX + account

    def executions_of(self, account: int) -> int:
        """The account's part of the wanted executions; the first ones take the remainder."""
        share, rest = divmod(self.executions, self.accounts)
        return share + (1 if account < rest else 0)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key of one account."""

    account: int
    key: str
    secret: str
    read_only: bool
    kind: str = "read"  # read, trade, withdraw, expiring, bound
    expires_ms: int = 0  # 0: never
    addresses: tuple[str, ...] = ()  # empty: from everywhere
    can_withdraw: bool = False
    is_master: bool = True


def keys_of(settings: Settings) -> tuple[ApiKey, ...]:
    """Two keys for each account: a read-only one, then one that may trade."""
    return tuple(
        ApiKey(
            account=account,
            key=_token("key", settings.seed, account, read_only)[:18],
            secret=_token("secret", settings.seed, account, read_only)[:36],
            read_only=read_only,
            kind="read" if read_only else "trade",
        )
        for account in range(settings.accounts)
        for read_only in (True, False)
    )


def _token(*parts: object) -> str:
    text = ":".join(str(part) for part in ("paper", *parts))
    return blake2b(text.encode(), digest_size=20).hexdigest()

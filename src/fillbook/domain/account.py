"""An account: one user id at one venue, whatever keys lead to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the ledger knows it."""

    account_id: int
    name: str
    venue: str
    environment: str
    venue_user_id: str


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What a venue says about the key that is used."""

    venue_user_id: str
    can_trade: bool
    can_withdraw: bool
    expires_in_days: int | None
    bound_to_addresses: bool
    account_kind: str = ""  # in the venue's own words: which generation of accounts it is

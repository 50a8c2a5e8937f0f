"""Statements: what a person or a program states beside what venues tell.

Each is a fact: appended once on the account's chain, with who, when and why, and never changed. A
later statement on the same subject overrules an earlier one; one that withdraws leaves things as
the venue told them.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fillbook.domain.instrument import ContractKind, LegName


@dataclass(frozen=True, slots=True)
class Assign:
    """Give an execution to a bot, or to nobody (`unassigned`); None withdraws."""

    execution_key: UUID
    bot: str | None
    reason: str | None = None  # None: as found


@dataclass(frozen=True, slots=True)
class OpeningBalance:
    """What was held on a leg just before an instant; a quantity of None withdraws."""

    name: LegName
    at: datetime
    qty: Decimal | None  # signed
    price: Decimal | None = None  # None: the cost is unknown
    owner: str = "unassigned"


@dataclass(frozen=True, slots=True)
class Correction:
    """Say what an execution truly was, field by field; no changes withdraw."""

    execution_key: UUID
    changes: tuple[tuple[str, str], ...]  # field, canonical text; sorted


@dataclass(frozen=True, slots=True)
class Void:
    """Take an execution out of every figure, or take it in again."""

    execution_key: UUID
    voided: bool = True


@dataclass(frozen=True, slots=True)
class Intent:
    """What a bot means by a client id, told before it sends the order; a bot of None withdraws."""

    client_order_id: str
    bot: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Price:
    """What a coin was worth from one instant to another; a price of None withdraws."""

    coin: str
    currency: str
    starts_at: datetime
    ends_at: datetime
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class TagPattern:
    """How this account's bots write client ids: a regular expression; an empty one withdraws."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract is, as far as figures rest on it."""

    category: str
    symbol: str
    kind: ContractKind = "linear"
    base: str = ""
    multiplier: Decimal = Decimal(1)
    qty_min: Decimal | None = None  # what is held below it counts as flat


Statement = Assign | OpeningBalance | Correction | Void | Intent | Price | TagPattern | Terms

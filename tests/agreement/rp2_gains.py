"""What rp2, a tax calculator, makes of buys and sales by its own FIFO: its functions, not its CLI.

As a program it reads histories as JSON and writes the gains of each. It is run as one, because
importing rp2 changes the decimal context of the thread and opens a log in the current folder.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from prezzemolo.avl_tree import AVLTree
from rp2.accounting_engine import AccountingEngine
from rp2.configuration import MIN_DATE, Configuration
from rp2.in_transaction import InTransaction
from rp2.input_data import InputData
from rp2.out_transaction import OutTransaction
from rp2.plugin.accounting_method.fifo import AccountingMethod
from rp2.plugin.country.us import US
from rp2.rp2_decimal import ZERO, RP2Decimal
from rp2.tax_engine import compute_tax
from rp2.transaction_set import TransactionSet

if TYPE_CHECKING:
    from rp2.abstract_accounting_method import AbstractAccountingMethod
    from rp2.gain_loss import GainLoss

ASSET, EXCHANGE, HOLDER = "BTC", "venue", "account"
SETTINGS = f"""
[general]
assets = {ASSET}
exchanges = {EXCHANGE}
holders = {HOLDER}
[in_header]
timestamp = 0
[out_header]
timestamp = 0
[intra_header]
timestamp = 0
"""


class Trade(NamedTuple):
    """A buy (1) or a sale (-1), amounts as text."""

    at: str
    side: int
    qty: str
    price: str
    fee: str


class Gain(NamedTuple):
    """What one lot brought when it was sold, or a part of it: the trades by their place."""

    buy: int
    sell: int
    qty: str
    gain: str


def settings(folder: Path) -> Configuration:
    """rp2's configuration, which it reads from a file."""
    path = folder / "rp2.ini"
    path.write_text(SETTINGS, encoding="utf-8")
    return Configuration(str(path), US())


def given(trades: Sequence[Trade], configuration: Configuration, *, arrived: bool) -> InputData:
    """The trades as rp2's transactions.

    With `arrived`, a sale is told by the money that arrived, fee deducted. Otherwise its fee is
    told as a fee.
    """
    bought, sold, moved = (
        TransactionSet(configuration, kind, ASSET) for kind in ("IN", "OUT", "INTRA")
    )
    for place, trade in enumerate(trades, start=1):
        qty, price, fee = (RP2Decimal(text) for text in (trade.qty, trade.price, trade.fee))
        if trade.side > 0:
            bought.add_entry(
                InTransaction(
                    configuration, trade.at, ASSET, EXCHANGE, HOLDER, "BUY", price, qty,
                    fiat_fee=fee, row=place,
                )
            )  # fmt: skip
        else:
            proceeds = qty * price - fee if arrived else None
            sold.add_entry(
                OutTransaction(
                    configuration, trade.at, ASSET, EXCHANGE, HOLDER, "SELL", price, qty, ZERO,
                    fiat_out_no_fee=proceeds, fiat_fee=ZERO if arrived else fee, row=place,
                )
            )  # fmt: skip
    return InputData(ASSET, bought, sold, moved)


def gains_of(data: InputData, configuration: Configuration) -> list[Gain]:
    """rp2's gains, in the order of the sales."""
    methods: AVLTree[int, AbstractAccountingMethod] = AVLTree()
    methods.insert_node(MIN_DATE.year, AccountingMethod())
    computed = compute_tax(configuration, AccountingEngine(methods), data)
    found = []
    for entry in computed.gain_loss_set:
        gain = cast("GainLoss", entry)
        assert gain.acquired_lot is not None
        places = int(gain.acquired_lot.internal_id) - 1, int(gain.taxable_event.internal_id) - 1
        found.append(Gain(*places, str(gain.crypto_amount), str(gain.fiat_gain)))
    return found


def main() -> None:
    """Answer what is asked on standard input."""
    asked = json.load(sys.stdin)
    configuration = settings(Path.cwd())
    answer = [
        gains_of(
            given([Trade(*row) for row in rows], configuration, arrived=arrived), configuration
        )
        for arrived, rows in asked
    ]
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

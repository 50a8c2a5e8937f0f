"""Money that moves: deposits, withdrawals, transfers between wallets, the FUND wallet's log.

All rows come from the store's cash events. Withdrawals need the master key of an account.
"""

from collections.abc import Callable, Iterable

import msgspec

from papervenues.bybit.account_book import TRANSFERS, AccountBook, funds_change
from papervenues.bybit.asked import Asked
from papervenues.bybit.cursors import AssetShape, Shape
from papervenues.bybit.envelope import PARAMETERS, PERMISSION, Listing, RefusalError
from papervenues.bybit.history import AccountHistory, CashEvent
from papervenues.bybit.lists import ListRule, Rows, page_of
from papervenues.bybit.movement_states import (
    DONE,
    FAILED,
    PASSING,
    RETURNED,
    RETURNING,
    UNDER_WAY,
    Movement,
    finished,
    passing,
)
from papervenues.bybit.settings import DAY_MS
from papervenues.bybit.values import MONEY_DECIMALS, plain
from papervenues.bybit.windows import SECOND_MS, WindowRule, days_rule
from papervenues.draws import digest_of

MONTH = days_rule(30, kept_ms=0, grain_ms=SECOND_MS)
ASSET_ROWS = ListRule(50, 50, MONTH, list_name="rows")
TRANSFER_ROWS = ListRule(20, 50, days_rule(7, kept_ms=0, grain_ms=SECOND_MS))
FUND_ROWS = ListRule(
    10,
    100,
    WindowRule(
        default_ms=7 * DAY_MS,
        alone_ms=0,
        longest_ms=7 * DAY_MS,
        kept_ms=0,
        unit_ms=SECOND_MS,
        grain_ms=SECOND_MS,
        names=("createTimeFrom", "createTimeTo"),
    ),
)
ON_CHAIN, OFF_CHAIN, BOTH = "0", "1", "2"
DONE_INTERNAL = 2
DEPOSIT_STATUS = {UNDER_WAY: 2, DONE: 3, FAILED: 4, RETURNING: 7, RETURNED: 70011}
WITHDRAWAL_STATUS = {UNDER_WAY: "Pending", DONE: "success", FAILED: "Fail"}
CHANGES_STATE = frozenset({"DEPOSIT", "WITHDRAWAL"})
CONFIRMATIONS = "64"
_FUND_WORDS = {
    "DEPOSIT": "Deposit",
    "INTERNAL_DEPOSIT": "Internal deposit",
    "WITHDRAWAL": "Withdraw",
    "TRANSFER_IN": "Transfer out",
    "TRANSFER_OUT": "Transfer in",
}
Row = dict[str, object]


def deposits(asked: Asked) -> Listing:
    """`/v5/asset/deposit/query-record`."""
    return _listed(asked, ASSET_ROWS, kinds={"DEPOSIT"}, write=_deposit, pass_on=_has_coin)


def internal_deposits(asked: Asked) -> Listing:
    """`/v5/asset/deposit/query-internal-record`."""
    return _listed(
        asked, ASSET_ROWS, kinds={"INTERNAL_DEPOSIT"}, write=_internal, pass_on=_has_coin
    )


def withdrawals(asked: Asked) -> Listing:
    """`/v5/asset/withdraw/query-record`; on-chain ones unless `withdrawType` says otherwise."""
    if not asked.signer.is_master:
        raise RefusalError(PERMISSION, "Permission denied, please use the master account's key.")
    wanted = asked.query.get("withdrawType", "") or ON_CHAIN
    if wanted not in (ON_CHAIN, OFF_CHAIN, BOTH):
        raise RefusalError(PARAMETERS, "params error: withdrawType invalid")

    def is_asked(asked: Asked, event: CashEvent) -> bool:
        return _has_coin(asked, event) and wanted in (BOTH, _withdraw_type(event))

    return _listed(asked, ASSET_ROWS, kinds={"WITHDRAWAL"}, write=_withdrawal, pass_on=is_asked)


def transfers(asked: Asked) -> Listing:
    """`/v5/asset/transfer/query-inter-transfer-list`."""
    status = asked.query.get("status", "")
    kinds = TRANSFERS if status in ("", "SUCCESS") else frozenset[str]()
    return _listed(asked, TRANSFER_ROWS, kinds=kinds, write=_transfer, pass_on=_has_coin)


def fund_history(asked: Asked) -> Listing:
    """`/v5/asset/fundinghistory`: the log of the FUND wallet, with times in seconds."""
    return _listed(asked, FUND_ROWS, kinds=_FUND_WORDS, write=_fund_line, pass_on=_has_currency)


Write = Callable[[AccountBook, Movement], Row]


def _listed(
    asked: Asked,
    rule: ListRule,
    *,
    kinds: Iterable[str],
    write: Write,
    pass_on: Callable[[Asked, CashEvent], bool],
) -> Listing:
    book = asked.venue.book(asked.signer.account, now_ms=asked.now_ms)
    history, wanted = book.history, frozenset(kinds)
    kept_days = asked.venue.settings.switches.asset_kept_days
    oldest = asked.now_ms - kept_days * DAY_MS if kept_days else 0
    shown = [one for one in _shown(asked, book, wanted, pass_on) if one.made_ms >= oldest]
    shape: Shape = AssetShape(first_id=100_000 + digest_of("asset", history.user_id) % 10**6)
    rows = Rows(
        times=[one.made_ms for one in shown],
        row=lambda place: msgspec.json.encode(write(book, shown[place])),
        shape=shape,
    )
    return page_of(asked, rule, rows)


def _shown(
    asked: Asked,
    book: AccountBook,
    kinds: frozenset[str],
    pass_on: Callable[[Asked, CashEvent], bool],
) -> list[Movement]:
    """What is listed of some kinds of movements now, oldest first."""
    is_passing = asked.venue.settings.switches.movement_states == PASSING
    passes = is_passing and kinds <= CHANGES_STATE
    events = book.history.cash if passes else book.history.cash[: book.cash_read]
    numbers = [
        number
        for number, event in enumerate(events)
        if event.kind in kinds and pass_on(asked, event)
    ]
    if passes:
        return passing(book.history, numbers, now_ms=asked.now_ms)
    return finished(book.history, numbers)


def _has_coin(asked: Asked, event: CashEvent) -> bool:
    return asked.query.get("coin", "") in ("", event.coin)


def _has_currency(asked: Asked, event: CashEvent) -> bool:
    return asked.query.get("currency", "") in ("", event.coin)


def _deposit(book: AccountBook, shown: Movement) -> Row:
    history, number = book.history, shown.number
    event = history.cash[number]
    return {
        "id": _name(history, number, "vain deposit" if shown.is_vain else "deposit")[:12],
        "coin": event.coin,
        "chain": event.sub_kind,
        "amount": _amount(event.change_e8),
        "txID": _name(history, number, "vain chain" if shown.is_vain else "chain"),
        "status": DEPOSIT_STATUS[shown.state],
        "toAddress": f"0x{_name(history, 0, 'address')[:40]}",
        "tag": "",
        "depositFee": "",
        "successAt": "" if shown.state in (UNDER_WAY, FAILED) else str(shown.done_ms),
        "confirmations": CONFIRMATIONS,
        "txIndex": "0",
        "blockHash": _name(history, number, "block"),
        "batchReleaseLimit": "-1",
        "depositType": "0",
        "fromAddress": "",
        "taxDepositRecordsId": "",
        "taxStatus": 0,
    }


def _internal(book: AccountBook, shown: Movement) -> Row:
    history, number = book.history, shown.number
    event = history.cash[number]
    return {
        "id": _name(history, number, "internal")[:12],
        "type": 1,
        "coin": event.coin,
        "amount": _amount(event.change_e8),
        "status": DONE_INTERNAL,
        "address": "someone@example.com",
        "createdTime": str(event.time_ms),
        "fromMemberId": "",
        "txID": _name(history, number, "internal"),
        "complianceStatus": "",
        "taxDepositRecordsId": "",
        "taxStatus": 0,
    }


def _withdrawal(book: AccountBook, shown: Movement) -> Row:
    history, number = book.history, shown.number
    event = history.cash[number]
    off_chain = _withdraw_type(event) == OFF_CHAIN
    has_place = shown.state == DONE and not off_chain
    return {
        "withdrawId": _name(history, number, "vain" if shown.is_vain else "withdraw")[:12],
        "txID": _name(history, number, "chain") if has_place else "",
        "coin": event.coin,
        "chain": "" if off_chain else event.sub_kind,
        "amount": _amount(event.change_e8),
        "withdrawFee": "0",
        "status": WITHDRAWAL_STATUS[shown.state],
        "toAddress": f"0x{_name(history, number, 'address')[:40]}",
        "tag": "",
        "createTime": str(shown.made_ms),
        "updateTime": str(shown.made_ms if shown.state == UNDER_WAY else shown.done_ms),
        "withdrawType": int(_withdraw_type(event)),
        "tax": "",
        "taxRate": "",
        "taxType": "",
    }


def _transfer(book: AccountBook, shown: Movement) -> Row:
    history, number = book.history, shown.number
    event = history.cash[number]
    into = event.kind == "TRANSFER_IN"
    return {
        "transferId": event.reference or f"selfTransfer_{_name(history, number, 'transfer')[:32]}",
        "coin": event.coin,
        "amount": _amount(event.change_e8),
        "fromAccountType": "FUND" if into else "UNIFIED",
        "toAccountType": "UNIFIED" if into else "FUND",
        "timestamp": str(event.time_ms),
        "status": "SUCCESS",
    }


def _fund_line(book: AccountBook, shown: Movement) -> Row:
    number = shown.number
    event = book.history.cash[number]
    change = funds_change(event)
    words = _FUND_WORDS[event.kind]
    return {
        "memberId": str(book.history.user_id),
        "currency": event.coin,
        "ioDirection": "I" if change > 0 else "O",
        "txnAmt": _amount(change),
        "afterAmt": plain(book.funds_after_e8[number], MONEY_DECIMALS),
        "createTime": str(event.time_ms // SECOND_MS),
        "showBusiType": words,
        "showBusiTypeEn": words,
        "description": "",
        "descriptionEn": "",
    }


def _withdraw_type(event: CashEvent) -> str:
    # An on-chain movement names its chain.
    return ON_CHAIN if event.sub_kind else OFF_CHAIN


def _amount(change_e8: int) -> str:
    return plain(abs(change_e8), MONEY_DECIMALS)


def _name(history: AccountHistory, number: int, purpose: str) -> str:
    return f"{digest_of(purpose, history.seed, history.user_id, number):032x}"

"""Bad payloads without end, and what may come of them.

A row is spoilt in one place: cut off, one byte changed, one field given a value that it should not
have. Its reading is then `Unreadable`, or it equals the unspoilt reading in everything that does
not rest on a field that was touched. Which fields were touched is told by another reader than the
one that is tested, and what rests on which field is said in the tables here.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from uuid import UUID

from fillbook.domain.execution import Reading, Unreadable
from fillbook.venues.bybit.histories import HISTORIES, History
from fillbook.venues.bybit.parse import parse_record
from tests.venues.bybit_rows import (
    closed,
    deposit,
    internal_deposit,
    log_line,
    order,
    trade,
    transfer,
    withdrawal,
)

MUTATIONS = 6_500
Row = dict[str, object]
Rests = dict[str, str]

# What rests on a field of a row; with `=`, what says the very same. A field that is not named here
# has no bearing at all.
_EXECUTION: Rests = {
    "symbol": "execution_key cash_key =symbol currency fee_currency fee",
    "orderId": "execution_key cash_key =order_id",
    "orderLinkId": "=client_order_id",
    "side": "execution_key cash_key =side fee_currency fee position_qty",
    "createType": "=create_type",
    "orderType": "=order_type",
    "stopOrderType": "=stop_type",
    "execFee": "=fee =amount fee_currency",
    "execFeeV2": "fee fee_currency",
    "execId": "execution_key cash_key =execution_id =flow_id",
    "execPrice": "=price",
    "execQty": "=qty =position_qty",
    "execValue": "=value",
    "execType": "=exec_type kind fee",
    "execTime": "executed_at occurred_at",
    "feeCurrency": "fee_currency fee_inferred fee currency",
    "feeRate": "fee_currency fee",
    "markPrice": "=mark_price",
    "closedSize": "=closed_qty",
    "isMaker": "is_maker fee_currency fee",
    "seq": "=venue_seq",
    "extraFees": "fee",
}
_ORDER: Rests = {
    "orderId": "order_key =order_id",
    "orderLinkId": "=client_order_id",
    "parentOrderLinkId": "=parent_client_order_id",
    "symbol": "order_key =symbol",
    "side": "=side",
    "positionIdx": "leg",
    "createType": "=create_type",
    "stopOrderType": "=stop_type",
    "cancelType": "=cancel_type",
    "reduceOnly": "reduce_only",
    "closeOnTrigger": "close_on_trigger",
    "triggerPrice": "=trigger_price",
    "basePrice": "=base_price",
    "ocoTriggerBy": "=oco_trigger",
    "createdTime": "ordered_at",
}
_LOG: Rests = {
    "id": "entry_key",
    "symbol": "=symbol execution_key",
    "category": "=category execution_key",
    "side": "=side execution_key",
    "transactionTime": "occurred_at",
    "type": "entry_key =kind",
    "qty": "=qty",
    "size": "=position",
    "currency": "entry_key =currency",
    "funding": "=funding",
    "fee": "=fee",
    "cashFlow": "=cash_flow",
    "change": "=change",
    "cashBalance": "=balance",
    "tradeId": "entry_key =execution_id execution_key",
    "orderId": "=order_id execution_key",
}
_CLOSED: Rests = {
    "symbol": "closed_key =symbol",
    "orderId": "closed_key =order_id",
    "side": "closed_key =side",
    "execType": "=exec_type",
    "closedSize": "closed_key =qty",
    "cumEntryValue": "=entry_value",
    "cumExitValue": "=exit_value",
    "closedPnl": "=pnl",
    "openFee": "=open_fee",
    "closeFee": "=close_fee",
    "fillCount": "=fill_count",
    "createdTime": "closed_key closed_at",
    "updatedTime": "closed_key closed_at",
}
_DEPOSIT: Rests = {
    "id": "movement_key movement_id",
    "coin": "movement_key =currency",
    "amount": "=amount",
    "txID": "movement_key movement_id =reference",
    "txIndex": "movement_key",
    "status": "=status is_final",
    "toAddress": "=to_account",
    "fromAddress": "=from_account",
    "depositFee": "=fee",
    "successAt": "moved_at",
    "address": "=from_account",
    "createdTime": "moved_at",
}
_WITHDRAWAL: Rests = {
    "withdrawId": "movement_key movement_id",
    "txID": "=reference",
    "coin": "=currency",
    "amount": "=amount",
    "withdrawFee": "=fee",
    "status": "=status is_final",
    "toAddress": "=to_account",
    "createTime": "moved_at",
    "transferId": "movement_key movement_id",
    "fromAccountType": "=from_account",
    "toAccountType": "=to_account",
    "timestamp": "moved_at",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A stream, one of its scopes, and a good row."""

    stream: str
    scope: str
    row: Row = field(hash=False)
    rests: Rests = field(hash=False, repr=False)

    @property
    def history(self) -> History:
        """How the row's history is asked for."""
        name = self.stream.partition(".")[0]
        return next(one for one in HISTORIES if one.rules.name == name)

    def __str__(self) -> str:
        return f"{self.stream}-{self.scope}"


_PAYMENT = {"execType": "Funding", "orderType": "UNKNOWN"}
_SPOT = {"symbol": "ETHUSDT", "feeCurrency": "", "feeRate": "0.001", "isMaker": False}
CASES = (
    Case("executions", "linear", trade(1), _EXECUTION),
    Case("executions", "linear.short", trade(2, **_PAYMENT), _EXECUTION),
    Case("executions", "inverse", trade(3, symbol="BTCUSDH26", feeCurrency="BTC"), _EXECUTION),
    Case("executions", "spot", trade(4, **_SPOT), _EXECUTION),
    Case("executions", "option", trade(5, symbol="BTC-27MAR26-70000-P-USDT"), _EXECUTION),
    Case("executions.live", "linear", trade(6, category="linear", execPnl="1.5"), _EXECUTION),
    Case("orders", "linear", order(1), _ORDER),
    Case("account_log", "UNIFIED", log_line(1), _LOG),
    Case("closed_pnl", "linear", closed(1), _CLOSED),
    Case("deposits", "all", deposit(1), _DEPOSIT),
    Case("internal_deposits", "all", internal_deposit(1), _DEPOSIT),
    Case("withdrawals", "all", withdrawal(1), _WITHDRAWAL),
    Case("transfers", "all", transfer(1), _WITHDRAWAL),
)

_DEEP = "[" * 3_000 + "]" * 3_000
# Values as JSON, so that even what no writer would write can be tried.
VALUES = (
    '""', "null", "true", "false", "0", "-0", "1", "-1", "1.5", "-1.5", "1e5", "1E400", "-1e-400",
    "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
    "1" * 400, "0." + "1" * 400, f'"{"9" * 39}"', f'"{"9" * 300}"', f'"0.{"0" * 70}1"',
    '"NaN"', '"-NaN"', '"Infinity"', '"-"', '"+"', '"."', '"--1"', '"1.2.3"', '"1,5"', '"1_0"',
    '" 1"', '"1 "', '"0x10"', '"1e5"', '"1e-5"', '"1e999999999"', '"1E+2"', '"+1"', '"-1"', '"00"',
    '"\\u0660"', '"１"', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', '"\\n"',
    '"\\u202e"', '"Buy"', '"Sell"', '"None"', '"UNKNOWN"', '"Trade"', '"Funding"', '"Later"',
    '"linear"', '"moon"', '"USDT"', '"1760000000123"', '"1760000000"', '"0"', '"9999999999999"',
    '"<html><body>wait</body></html>"', '"\';drop table"', '"\\"\\\\"', "[]", "{}", "[[]]",
    '{"a":1}', '[{"feeCoin":"USDT","fee":"1"}]', '[{"feeCoin":"X","fee":"NaN"}]', "[1,2]", _DEEP,
    f'"{"x" * 201}"', f'"{"x" * 100_000}"', "NaN", "Infinity", "undefined", "'a'", "01", "+1", ".5",
)  # fmt: skip


def encoded(row: Row) -> bytes:
    """A row as the venue writes it."""
    return json.dumps(row, separators=(",", ":")).encode()


def spoilt(case: Case) -> Iterator[bytes]:
    """The row of a case, spoilt in every way that is known here."""
    whole = encoded(case.row)
    yield from (whole[:cut] for cut in range(len(whole)))
    yield from _with_other_values(case.row)
    yield from _with_other_fields(case.row)
    yield from _with_other_bytes(whole, random.Random(str(case)))


def _with_other_values(row: Row) -> Iterator[bytes]:
    for name in row:
        rest = {other: value for other, value in row.items() if other != name}
        yield encoded(rest)
        text = encoded(rest)[:-1].decode()
        for value in VALUES:
            yield f'{text},"{name}":{value}}}'.encode(errors="surrogatepass")


def _with_other_fields(row: Row) -> Iterator[bytes]:
    """What the venue may add or rename tomorrow, and one field told twice."""
    text = encoded(row)[1:].decode()
    for value in VALUES:
        yield f'{{"later":{value},{text}'.encode(errors="surrogatepass")
    for name in row:
        yield encoded({f"{other}X" if other == name else other: row[other] for other in row})
        yield f'{{"{name}":"1",{text}'.encode()


def _with_other_bytes(whole: bytes, chance: random.Random) -> Iterator[bytes]:
    for _ in range(MUTATIONS):
        at, byte = chance.randrange(len(whole)), bytes([chance.randrange(256)])
        match chance.randrange(4):
            case 0:
                yield whole[:at] + byte + whole[at + 1 :]
            case 1:
                yield whole[:at] + byte + whole[at:]
            case 2:
                yield whole[:at] + whole[at + 1 :]
            case _:
                digit = str(chance.randrange(10)).encode()
                yield whole[:at] + digit + whole[at + 1 :]


def complaint(case: Case, good: Reading, body: bytes) -> str:
    """What is wrong with the reading of a spoilt row; empty when nothing is."""
    reading = parse_record(case.stream, case.scope, body)
    if isinstance(reading, Unreadable):
        return "" if reading.reason else "no reason is given"
    content = _content(body)
    touched = _touched(case.row, content)
    if type(reading) is not type(good):
        return "" if "execType" in touched else f"it became a {type(reading).__name__}"
    rests = [word for one in touched for word in case.rests.get(one, "").split()]
    free = {word.removeprefix("=") for word in rests}
    for one in fields(good):
        was, now = getattr(good, one.name), getattr(reading, one.name)
        if was != now and one.name not in free:
            return f"{one.name} was {was!r} and is {now!r}, but only {sorted(touched)} was touched"
    for name in touched:
        for word in case.rests.get(name, "").split():
            if word.startswith("=") and not _says(content.get(name), reading, word[1:]):
                return f"{name} is {content.get(name)!r}, and {word[1:]} does not say so"
    return _key_complaint(case, reading, body)


def _says(raw: object, reading: Reading, name: str) -> bool:
    """Whether a field of a reading says what stands in the row: nothing is made up."""
    told = getattr(reading, name, raw)
    if told is raw:
        return True
    if raw is None or raw == "":
        return told in (None, "")
    if isinstance(told, Decimal):
        return abs(told) == abs(Decimal(str(raw))) and (
            name == "position_qty" or told == Decimal(str(raw))
        )
    if told is None or told == "":
        return _is_none(raw, name)
    if name in ("venue_seq", "fill_count", "status") and str(raw).removeprefix("-").isdigit():
        return int(str(raw)) == int(str(told))
    return str(raw) == str(told)


def _is_none(raw: object, name: str) -> bool:
    """The venue's own words for no value."""
    if name in ("trigger_price", "base_price"):
        return Decimal(str(raw)) == 0
    return name == "side" and raw == "None"


def _key_complaint(case: Case, reading: Reading, body: bytes) -> str:
    """A page must know the record by the key of its reading."""
    key = next(
        value for one in fields(reading) if isinstance(value := getattr(reading, one.name), UUID)
    )
    category = case.scope.partition(".")[0]
    return "" if case.history.glance(category, body)[0] == key else "the page knows another key"


def _content(body: bytes) -> Row:
    """The row as another reader sees it; what none can read has a field of no name."""
    text = body.decode(errors="replace")
    try:
        content = json.loads(text, parse_float=str, strict=False)
    except (ValueError, RecursionError):
        return {"": "unreadable"}
    return content if isinstance(content, dict) else {"": "no object"}


def _touched(row: Row, content: Row) -> set[str]:
    """The fields that differ."""
    names = row.keys() | content.keys()
    return {name for name in names if _plain(row.get(name)) != _plain(content.get(name))}


def _plain(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

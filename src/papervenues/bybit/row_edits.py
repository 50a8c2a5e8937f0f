"""What a row fault does to one row: each edit takes a row apart and gives a changed one.

`salt` is a number that belongs to the row and the fault: the same row is always changed alike.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

Row = dict[str, object]
Edit = Callable[[Row, int], Row]

DIGITS = 38
DECIMALS = 18
SEQ_STEP = 64
NO_FEE_COIN_NEEDED = "MNT"
LINK_LENGTH = 12
# Texts of digits that are no amounts: ids and instants.
_NO_AMOUNTS = re.compile(r"(?i)(id|time|at|tag|hash|address|index|symbol|seq|side|status|type)$")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_OTHER_TRADES = ("BlockTrade", "MovePosition", "FutureSpread")


def amounts_of(row: Row) -> list[str]:
    """The names of the fields that hold an amount as text."""
    return [
        name
        for name, value in row.items()
        if isinstance(value, str) and _NUMBER.fullmatch(value) and not _NO_AMOUNTS.search(name)
    ]


def _set(name: str, value: object) -> Edit:
    return lambda row, _: {**row, name: value} if name in row else row


def _without(name: str) -> Edit:
    return lambda row, _: {key: value for key, value in row.items() if key != name}


def _chosen(row: Row, names: list[str], salt: int, change: Callable[[object], object]) -> Row:
    """The row with one of the named fields changed; left out when the change says so."""
    if not names:
        return row
    name = names[salt % len(names)]
    value = change(row[name])
    if value is _ABSENT:
        return {key: old for key, old in row.items() if key != name}
    return {**row, name: value}


_ABSENT = object()


def _amount(change: Callable[[object], object]) -> Edit:
    return lambda row, salt: _chosen(row, amounts_of(row), salt, change)


def _any_field(change: Callable[[object], object]) -> Edit:
    return lambda row, salt: _chosen(row, list(row), salt, change)


def _renamed(row: Row, salt: int) -> Row:
    names = list(row)
    wanted = names[salt % len(names)]
    return {f"{name}New" if name == wanted else name: value for name, value in row.items()}


def _retyped(value: object) -> object:
    if isinstance(value, str):
        return [value]
    return {"value": value} if isinstance(value, bool | int) else str(value)


def _padded(pad: Callable[[str], int]) -> Edit:
    """Every amount with as many noughts behind it as `pad` says."""

    def edit(row: Row, _: int) -> Row:
        changed = dict(row)
        for name in amounts_of(row):
            text = str(row[name])
            noughts = max(0, pad(text))
            changed[name] = (text if "." in text or not noughts else text + ".") + "0" * noughts
        return changed

    return edit


def _digits_missing(text: str) -> int:
    return DIGITS - sum(char.isdigit() for char in text)


def _decimals_missing(text: str) -> int:
    return DECIMALS - len(text.partition(".")[2])


def _exponent(value: object) -> object:
    return f"{Decimal(str(value)):E}"


def _shared_seq(row: Row, _: int) -> Row:
    seq = row.get("seq")
    return {**row, "seq": seq // SEQ_STEP * SEQ_STEP} if isinstance(seq, int) else row


def _of_trades(edit: Edit) -> Edit:
    return lambda row, salt: edit(row, salt) if row.get("execType") == "Trade" else row


def _other_trade(row: Row, salt: int) -> Row:
    return {**row, "execType": _OTHER_TRADES[salt % len(_OTHER_TRADES)]}


def _where_coin_is_plain(edit: Edit) -> Edit:
    return lambda row, salt: (
        row if row.get("feeCurrency") == NO_FEE_COIN_NEEDED else edit(row, salt)
    )


def _extra_fees(row: Row, salt: int) -> Row:
    tax = {
        "feeCoin": row.get("feeCurrency") or "USDT", "feeType": "GST", "subFeeType": "IND_GST",
        "feeRate": "0.0000675", "fee": f"0.0{1 + salt % 9}",
    }  # fmt: skip
    return {**row, "extraFees": [tax]}


def _other_rate_sign(row: Row, _: int) -> Row:
    rate = row.get("feeRate")
    if row.get("execType") != "Funding" or not isinstance(rate, str) or rate in ("", "0"):
        return row
    return {**row, "feeRate": rate.removeprefix("-") if rate.startswith("-") else f"-{rate}"}


def _first_fee(row: Row, salt: int) -> Row:
    if row.get("execType") != "Trade":
        return row
    return {**row, "execFee": f"0.00{1 + salt % 99}", "feeCurrency": "MNT"}


def _foreign_link(row: Row, salt: int) -> Row:
    return {**row, "orderLinkId": f"web-{salt:x}"[:LINK_LENGTH]} if "orderLinkId" in row else row


def _colon_link(row: Row, _: int) -> Row:
    link = row.get("orderLinkId")
    return {**row, "orderLinkId": "momentum_001:trailing_stop:1678886600"} if link else row


def _renamed_symbol(row: Row, _: int) -> Row:
    return {**row, "symbol": f"{row.get('symbol', '')}OLD"}


def _reused_symbol(row: Row, salt: int) -> Row:
    changed = {**row, "baseCoin": f"NEW{salt % 100}"}
    if "launchTime" in row:
        changed["launchTime"] = str(int(str(row["launchTime"])) + 365 * 86_400_000)
    prices = row.get("priceFilter")
    if isinstance(prices, Mapping):
        changed["priceFilter"] = {**prices, "tickSize": "0.0000001"}
    return changed


EDITS: dict[str, Edit] = {
    "digits_38": _padded(_digits_missing),
    "decimals_18": _padded(_decimals_missing),
    "number_empty": _amount(lambda _: ""),
    "number_absent": _amount(lambda _: _ABSENT),
    "number_null": _amount(lambda _: None),
    "number_nan": _amount(lambda _: "NaN"),
    "number_dash": _amount(lambda _: "-"),
    "number_exponent": _amount(_exponent),
    "field_added": lambda row, salt: {**row, f"new{salt % 10}": {"since": "today"}},
    "field_renamed": _renamed,
    "field_dropped": _any_field(lambda _: _ABSENT),
    "field_retyped": _any_field(_retyped),
    "fee_corrected": _first_fee,
    "shared_seq": _shared_seq,
    "exec_id_empty": _set("execId", ""),
    "exec_id_absent": _without("execId"),
    "exec_type_other": _of_trades(_other_trade),
    "exec_type_corporate": _of_trades(_set("execType", "CorporateAction")),
    "exec_type_unknown": _set("execType", "UNKNOWN"),
    "exec_type_empty": _set("execType", ""),
    "exec_type_new": _set("execType", "RebalanceTrade"),
    "fee_coin_empty": _where_coin_is_plain(_set("feeCurrency", "")),
    "fee_coin_absent": _where_coin_is_plain(_without("feeCurrency")),
    "extra_fees": _extra_fees,
    "funding_rate_sign": _other_rate_sign,
    "closed_size_empty": _set("closedSize", ""),
    "link_id_empty": _set("orderLinkId", ""),
    "link_id_foreign": _foreign_link,
    "link_id_colon": _colon_link,
    "symbol_renamed": _renamed_symbol,
    "symbol_reused": _reused_symbol,
}
OF_ORDERS = frozenset(("link_id_empty", "link_id_foreign", "link_id_colon"))

"""What stands in a row of the execution list?

Two readers give the same `Row`. The quick one takes a row whose fields have the documented types.
The tolerant one takes any object: an absent field, ``null`` and ``""`` are all no value, a number
where text belongs is taken digit by digit, and what fits nowhere is named beside the row, so that
it can be set aside with the reason while its neighbours go on.
"""

from typing import Annotated

import msgspec

TEXT_LENGTH_MAX = 200
SEQ_MAX = 2**63 - 1

Text = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH_MAX)]
Seq = Annotated[int, msgspec.Meta(ge=-SEQ_MAX, le=SEQ_MAX)]
NO_VALUE = msgspec.Raw(b"")


class Row(msgspec.Struct, gc=False):
    """The fields that are read, in the venue's spelling. Numbers stay text."""

    symbol: Text = ""
    orderId: Text = ""  # noqa: N815
    orderLinkId: Text = ""  # noqa: N815
    side: Text = ""
    createType: Text = ""  # noqa: N815
    orderType: Text = ""  # noqa: N815
    stopOrderType: Text = ""  # noqa: N815
    execFee: Text = ""  # noqa: N815
    execId: Text = ""  # noqa: N815
    execPrice: Text = ""  # noqa: N815
    execQty: Text = ""  # noqa: N815
    execValue: Text = ""  # noqa: N815
    execType: Text = ""  # noqa: N815
    execTime: Text = ""  # noqa: N815
    feeCurrency: Text = ""  # noqa: N815
    markPrice: Text = ""  # noqa: N815
    closedSize: Text = ""  # noqa: N815
    isMaker: bool | None = None  # noqa: N815
    seq: Seq | None = None
    extraFees: msgspec.Raw = NO_VALUE  # noqa: N815


TEXT_FIELDS = tuple(
    name for name in Row.__struct_fields__ if name not in ("isMaker", "seq", "extraFees")
)
_NUL = b"\\u0000"
_NOTHING = frozenset((b"", b'""', b"[]", b"{}", b"null"))
_SOMETHING = msgspec.Raw(b"[0]")
_BOOLEANS = {"true": True, "false": False, "": None}

_quick = msgspec.json.Decoder(Row).decode
# A number keeps its digits: with this hook no binary fraction ever comes into being.
_tolerant = msgspec.json.Decoder(float_hook=str).decode


def read_row(body: bytes) -> tuple[Row | None, tuple[str, ...]]:
    """The row in these bytes (None: they are no JSON object), and its fields that are damaged."""
    if _NUL not in body:
        try:
            return _quick(body), ()
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
    try:
        content = _tolerant(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None, ()
    return _read_object(content) if isinstance(content, dict) else (None, ())


def has_extra_fees(row: Row) -> bool:
    """Whether the row lists costs beyond `execFee`."""
    return bytes(row.extraFees) not in _NOTHING


class ExtraFee(msgspec.Struct):
    """A cost beyond the fee: a tax, mostly."""

    feeCoin: str = ""  # noqa: N815
    fee: str = ""


def extra_fees(row: Row) -> list[ExtraFee] | None:
    """The costs beyond `execFee`; None where they cannot be read."""
    try:
        return msgspec.json.decode(row.extraFees, type=list[ExtraFee])
    except msgspec.MsgspecError:
        return None


def _read_object(content: dict[str, object]) -> tuple[Row, tuple[str, ...]]:
    row = Row()
    damaged: list[str] = []
    for name in TEXT_FIELDS:
        text = _text(content.get(name))
        if text is None:
            damaged.append(name)
        else:
            setattr(row, name, text)
    try:
        row.isMaker = _boolean(content.get("isMaker"))
    except ValueError:
        damaged.append("isMaker")
    try:
        row.seq = _integer(content.get("seq"))
    except ValueError:
        damaged.append("seq")
    if content.get("extraFees"):
        row.extraFees = _SOMETHING
    return row, tuple(damaged)


def _text(value: object) -> str | None:
    """A text, or a number's digits; None for what is neither."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) <= SEQ_MAX else None
    if isinstance(value, str) and len(value) <= TEXT_LENGTH_MAX and "\x00" not in value:
        return value
    return None


def _boolean(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise ValueError("neither true nor false")


def _integer(value: object) -> int | None:
    text = _text(value)
    if text == "":
        return None
    digits = (text or "").removeprefix("-")
    if text is None or not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        raise ValueError("not a whole number")
    number = int(text)
    if abs(number) > SEQ_MAX:
        raise ValueError("out of range")
    return number

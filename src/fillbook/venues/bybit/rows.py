"""What stands in a row of a list?

Each kind of row is a struct that names the fields that are read, in the venue's spelling; numbers
stay text. Two readers give the same struct. The quick one takes a row whose fields have the
documented types. The tolerant one takes any object, field by field (`fields.py`), and names what
fits nowhere beside the row, so that it can be set aside with the reason.
"""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar, get_type_hints

import msgspec

from fillbook.domain.execution import Told, Unreadable
from fillbook.venues.bybit import fields
from fillbook.venues.bybit.fields import TEXT_LENGTH_MAX, WHOLE_MAX, Unread

Text = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH_MAX)]
Whole = Annotated[int, msgspec.Meta(ge=-WHOLE_MAX, le=WHOLE_MAX)]
NO_VALUE = msgspec.Raw(b"")

NOT_AN_OBJECT = "not a JSON object"
_NUL = b"\\u0000"
# A number keeps its digits: with this hook no binary fraction ever comes into being.
_tolerant = msgspec.json.Decoder(float_hook=str).decode

R = TypeVar("R", bound=msgspec.Struct)


class RowReader(Generic[R]):
    """Reads rows of one kind."""

    __slots__ = ("_kind", "_quick", "_readers")

    def __init__(self, kind: type[R]) -> None:
        self._kind = kind
        self._quick = msgspec.json.Decoder(kind).decode
        self._readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}

    def read(self, body: bytes) -> tuple[R | None, tuple[str, ...]]:
        """The row in these bytes (None: they are no JSON object), and its damaged fields."""
        if _NUL not in body:
            try:
                return self._quick(body), ()
            except (msgspec.MsgspecError, ValueError, RecursionError):
                pass
        try:
            content = _tolerant(body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None, ()
        return self._read_object(content) if isinstance(content, dict) else (None, ())

    def tell(self, body: bytes, meaning: Callable[[R], Told]) -> Told | Unreadable:
        """What a row means, or why it cannot be read: `meaning` raises nothing but `Unread`."""
        row, damaged = self.read(body)
        if row is None:
            return Unreadable(NOT_AN_OBJECT)
        if damaged:
            return Unreadable(f"cannot read {', '.join(damaged)}")
        try:
            return meaning(row)
        except Unread as reason:
            return Unreadable(str(reason))

    def _read_object(self, content: dict[str, object]) -> tuple[R, tuple[str, ...]]:
        row = self._kind()
        damaged: list[str] = []
        for name, read in self._readers.items():
            try:
                setattr(row, name, read(content.get(name)))
            except Unread:
                damaged.append(name)
        return row, tuple(damaged)


def _reader(hint: object) -> Callable[[object], object]:
    """How a field of this type is read from any object."""
    if hint is str:
        return _text
    if hint == bool | None:
        return fields.boolean
    if hint == int | None:
        return fields.whole
    assert hint is msgspec.Raw, f"rows have no fields of the kind {hint}"
    return _verbatim


def _text(value: object) -> str:
    read = fields.text(value)
    if read is None:
        raise Unread("no text")
    return read


def _verbatim(value: object) -> msgspec.Raw:
    """A field that is read later, or only looked at, as the bytes that it would be."""
    return msgspec.Raw(msgspec.json.encode(value)) if value else NO_VALUE

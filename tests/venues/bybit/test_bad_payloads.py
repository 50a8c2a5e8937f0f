"""Reading is total: no payload, however bad, raises another kind of error or yields a wrong fact.

There are more than 50,000 of them here, see `spoiling.py`.
"""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from fillbook.domain.execution import Unreadable
from fillbook.domain.raw import Page
from fillbook.domain.window import Window
from fillbook.errors import VenueError, VenueUnavailable
from fillbook.venues._transport import Answer
from fillbook.venues.bybit.envelope import result_of
from fillbook.venues.bybit.fields import Unread
from fillbook.venues.bybit.pages import read_page
from fillbook.venues.bybit.parse import parse_record
from fillbook.venues.bybit.stream import heard_in
from tests.venues.bybit.spoiling import CASES, VALUES, Case, complaint, encoded, spoilt
from tests.venues.bybit_rows import WINDOW

ROWS_SPOILT_MIN = 7_000  # of each case
PAYLOADS_MIN = 50_000
LISTED = [case for case in CASES if case.stream != "executions.live"]


def read(case: Case, body: bytes) -> Page:
    """An answer, read as the page of the case's history."""
    category = case.scope.partition(".")[0]
    result = result_of(Answer(200, {}, body), host="host", redact=str)
    return read_page(case.history, category, WINDOW, result)


def page_of(case: Case, rows: list[bytes], part: str = "", value: str = "") -> bytes:
    """A good answer with these rows, in which one part may be replaced by other JSON."""
    name = case.history.list_name
    category = case.scope.partition(".")[0]
    parts = {
        name: f"[{','.join(row.decode() for row in rows)}]",
        "nextPageCursor": '"1%3A2"',
        "category": json.dumps(category),
    }
    if part:
        parts[part] = value
    result = ",".join(f'"{key}":{value}' for key, value in parts.items())
    return f'{{"retCode":0,"retMsg":"OK","result":{{{result}}},"time":1}}'.encode()


def test_there_are_enough_payloads() -> None:
    """The count that is promised is kept by the least that each case must spoil."""

    assert ROWS_SPOILT_MIN * len(CASES) >= PAYLOADS_MIN


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_spoilt_row_is_set_aside_or_read_right(case: Case) -> None:
    """Cut at each byte, each field given each bad value, and bytes changed at random."""
    good = parse_record(case.stream, case.scope, encoded(case.row))
    assert not isinstance(good, Unreadable)
    count = 0
    for body in spoilt(case):
        count += 1
        wrong = complaint(case, good, body)
        assert wrong == "", f"{wrong}: {body[:2_000]!r}"

    assert count >= ROWS_SPOILT_MIN


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_row_that_is_cut_off_is_never_read(case: Case) -> None:
    """No prefix of a row passes for one."""
    whole = encoded(case.row)

    for cut in range(len(whole)):
        assert isinstance(parse_record(case.stream, case.scope, whole[:cut]), Unreadable)


@pytest.mark.parametrize("case", LISTED, ids=str)
def test_an_answer_that_is_cut_off_is_no_page(case: Case) -> None:
    """Cut at every byte, an answer is an error that is worth another try."""
    whole = page_of(case, [encoded(case.row), b"7", encoded(case.row)])
    assert len(read(case, whole).records) == 3

    for cut in range(len(whole)):
        with pytest.raises(VenueUnavailable):
            read(case, whole[:cut])


def _spoilt_answers(case: Case) -> Iterator[bytes]:
    row = encoded(case.row)
    name = case.history.list_name
    for value in VALUES:
        for part in (name, "nextPageCursor", "category"):
            yield page_of(case, [row], part, value)
        yield page_of(case, [row, value.encode(errors="surrogatepass")])
        yield f'{{"retCode":0,"result":{value}}}'.encode()
        yield f'{{"retCode":{value},"result":{{"{name}":[]}}}}'.encode()
        yield f'{{"retCode":1,"retMsg":{value},"result":{{}}}}'.encode()
        yield value.encode(errors="surrogatepass")
    yield page_of(case, [row]) + b"x"
    yield b"\xef\xbb\xbf" + page_of(case, [row])
    yield b"<html><body>Please wait</body></html>"
    yield b"\x1f\x8b\x08\x00" + row


@pytest.mark.parametrize("case", LISTED, ids=str)
def test_a_spoilt_answer_is_a_page_or_a_typed_error(case: Case) -> None:
    """A page that is accepted holds its rows verbatim; all else is an error of the venue's."""
    row = encoded(case.row)
    accepted = 0
    for body in _spoilt_answers(case):
        try:
            page = read(case, body)
        except VenueError:
            continue
        accepted += 1
        assert all(record.body in body for record in page.records)
        assert not page.records or page.records[0].body == row or body.count(row) == 0

    assert accepted > len(VALUES) // 2  # bad rows hide no good page


@pytest.mark.parametrize("case", LISTED, ids=str)
def test_the_page_of_another_history_is_refused(case: Case) -> None:
    """Rows of any other history prove nothing about this one, nor do those of another time."""
    others = [one for one in LISTED if one.history.path != case.history.path]
    assert len(others) >= 7
    for other in others:
        with pytest.raises(VenueUnavailable, match="rows that are no"):
            read(case, page_of(case, [encoded(other.row)]))
    elsewhere = Window(WINDOW.starts_at - timedelta(days=90), WINDOW.ends_at - timedelta(days=90))
    body = page_of(case, [encoded(case.row)])
    result = result_of(Answer(200, {}, body), host="host", redact=str)
    with pytest.raises(VenueUnavailable, match="another time"):
        read_page(case.history, case.scope.partition(".")[0], elsewhere, result)


@pytest.mark.parametrize("topic", ["execution", "execution.linear", "order", "position", "wallet"])
def test_a_spoilt_message_ends_the_line_or_is_told_verbatim(topic: str) -> None:
    """Rows to be booked are never dropped: what cannot be taken apart ends the line."""
    live = next(case for case in CASES if case.stream == "executions.live")
    row = encoded(live.row).decode()
    told = 0
    for value in VALUES:
        for data in (value, f"[{value}]", f"[{row},{value}]", f"[[{value}]]"):
            try:
                heard = list(heard_in(topic, data.encode(errors="surrogatepass")))
            except Unread:
                continue
            told += 1
            for one in heard:
                assert all(record.body.decode(errors="replace") for record in one.records)
                assert not one.records or one.scope == "linear"

    assert told

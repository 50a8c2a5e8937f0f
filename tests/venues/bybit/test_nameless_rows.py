"""Rows that do not say which they are: each is known by its content, today and tomorrow."""

import pytest

from fillbook.venues.bybit.histories import HISTORIES, History
from fillbook.venues.bybit.identity import unread_key

DAMAGED = (b"{}", b'{"execTime": "1767225600000"}', b"[1, 2]", b'"row"', b"null")


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.rules.name)
def test_a_nameless_row_has_one_name(history: History) -> None:
    """The same bytes have the same key whenever they are told, and other bytes another one."""
    scope = history.rules.scopes[0]
    keys = [history.glance(scope, body)[0] for body in DAMAGED]

    assert keys == [history.glance(scope, body)[0] for body in DAMAGED]
    assert len(DAMAGED) == len(set(keys))


def test_the_category_is_part_of_the_name() -> None:
    """Two lists may hold the same broken row."""

    assert unread_key("linear", b"{}") != unread_key("spot", b"{}")

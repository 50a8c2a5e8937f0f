"""What the manual leaves open of the log and of movements can be answered either way."""

from collections import Counter

import pytest

from papervenues.bybit import history_of
from papervenues.bybit.movement_states import RETURNING_MS, ROLLBACK_MS, TAKES_MAX_MS
from papervenues.bybit.settings import HOUR_MS
from papervenues.bybit.venue import Venue
from papervenues.bybit.virtual_clock import VirtualClock
from tests.papervenues.asking import settings_of, venue_of, walk
from tests.papervenues.paper_client import DAY_MS, END_MS, Row

LOG = "account/transaction-log"
DEPOSITS, WITHDRAWALS = "asset/deposit/query-record", "asset/withdraw/query-record"
NO_OWN_ORDER = {"LIQUIDATION", "ADL", "DELIVERY", "SETTLEMENT"}
DAYS = 40
SEEDS = range(1, 5)


def log_lines(*switches: str) -> list[Row]:
    venue = venue_of(settings_of(switches=switches, days=DAYS))
    week = 7 * DAY_MS
    start = END_MS - DAYS * DAY_MS
    found: list[Row] = []
    for at in range(start, END_MS, week):
        asked = {"accountType": "UNIFIED", "startTime": at, "endTime": min(at + week - 1, END_MS)}
        found += walk(venue, LOG, asked | {"limit": 50})
    return found


def test_the_side_of_a_spot_line_may_be_its_coin_s() -> None:
    """One trade then has lines of both sides; nothing but the side differs."""
    same, of_coin = log_lines(), log_lines("log_side=of_coin")

    assert [one | {"side": ""} for one in same] == [one | {"side": ""} for one in of_coin]
    sides: dict[str, set[str]] = {}
    for line in of_coin:
        if line["category"] == "spot":
            sides.setdefault(line["tradeId"], set()).add(line["side"])
    assert sides
    assert all(found == {"Buy", "Sell"} for found in sides.values())
    differ = [one for one, two in zip(same, of_coin, strict=True) if one["side"] != two["side"]]
    assert {line["category"] for line in differ} == {"spot"}


def test_lines_without_an_order_of_the_user_may_name_another() -> None:
    """Nothing but that order differs, and on those lines it always does."""
    same, other = log_lines(), log_lines("log_order_id=other")

    assert [one | {"orderId": ""} for one in same] == [one | {"orderId": ""} for one in other]
    differ = {one["type"] for one, two in zip(same, other, strict=True) if one != two}
    assert differ == NO_OWN_ORDER & {line["type"] for line in same}
    assert len(differ) >= 3
    assert not any(
        one["type"] in NO_OWN_ORDER and one["orderId"] == two["orderId"]
        for one, two in zip(same, other, strict=True)
    )


def venue_whose_time_moves(seed: int, *switches: str) -> tuple[Venue, VirtualClock]:
    clock = VirtualClock(END_MS - 29 * DAY_MS)
    made = settings_of(switches=switches, days=DAYS, executions=100, seed=seed)
    return Venue(history_of(made), clock=clock), clock


def movements(venue: Venue, path: str) -> dict[str, Row]:
    window = {"startTime": END_MS - 29 * DAY_MS, "endTime": END_MS, "limit": 50}
    if path == WITHDRAWALS:
        window["withdrawType"] = 2
    rows = walk(venue, path, window, name="rows")
    return {row.get("id") or row["withdrawId"]: row for row in rows}


@pytest.mark.parametrize(
    ("path", "under_way", "ends"),
    [
        (DEPOSITS, {2}, {3, 4, 7, 70011}),
        (WITHDRAWALS, {"Pending"}, {"success", "Fail"}),
    ],
)
def test_movements_may_be_seen_in_their_states(
    path: str, under_way: set[object], ends: set[object]
) -> None:
    """Each is first under way, then ends; what came to nothing is not among the final ones."""
    final: dict[str, Row] = {}
    seen: dict[str, list[object]] = {}
    last = END_MS + TAKES_MAX_MS + ROLLBACK_MS + RETURNING_MS
    for seed in SEEDS:
        still, clock = venue_whose_time_moves(seed)
        clock.move_to(END_MS)
        final |= movements(still, path)
        venue, clock = venue_whose_time_moves(seed, "movement_states=passing")
        while clock() < last:
            clock.advance(5 * HOUR_MS)
            for name, row in movements(venue, path).items():
                states = seen.setdefault(name, [])
                if states[-1:] != [row["status"]]:
                    states.append(row["status"])

    assert final.keys() < seen.keys()
    done = {row["status"] for row in final.values()}
    assert all({seen[name][-1]} == done for name in final)
    vain = {name: states for name, states in seen.items() if name not in final}
    assert Counter(states[0] in under_way for states in seen.values())[True] > len(seen) * 0.8
    assert {states[-1] for states in vain.values()} == ends - done - {7}
    assert {state for states in seen.values() for state in states} == under_way | ends

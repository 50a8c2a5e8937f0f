"""Every line of the list of faults that a paper venue must be able to produce has its switches."""

from dataclasses import replace

import pytest

from papervenues.bybit.routes import ROUTES
from papervenues.bybit.settings import Settings
from papervenues.bybit.switches import QUESTIONS, Switches
from papervenues.fault_scopes import LIST_ENDPOINTS, OTHER_ENDPOINTS, covers_path, parse_scope
from papervenues.faults import (
    FAULTS,
    EventLuck,
    FaultError,
    FaultPlan,
    RequestLuck,
    fault_lines,
    parse_fault,
)

# Names of faults, of switches (with "switch") and of settings (with "setting").
CHECKLIST: dict[str, tuple[str, ...]] = {
    "truncated JSON, wrong content length, broken gzip": (
        "truncated_json", "wrong_length", "broken_gzip",
    ),
    "an HTML page with 200, 403, 429, 502": ("html_body", "html_403", "html_429", "html_502"),
    "empty body, result null or {}, list missing, wrong types": (
        "empty_body", "result_null", "result_empty", "list_missing", "wrong_types",
    ),
    "slow, stalled, dropped before, during and after": (
        "slow_body", "stalled_body", "dropped_socket", "dropped_before", "dropped_during",
        "dropped_after",
    ),
    "403 with a ban that remembers, 429, 500, 502, 503, 504": (
        "address_banned", "http_403", "http_429", "http_500", "http_502", "http_503", "http_504",
        "setting ip_limit", "switch ban_minutes",
    ),
    "the answer of the wrong endpoint or of the previous request": (
        "wrong_endpoint", "previous_answer",
    ),
    "10002 with skew, steps and drift": (
        "clock_skew", "clock_step", "clock_drift", "time_refused",
    ),
    "10006 with a reset, without, with one in the past": (
        "rate_limited", "rate_limited_bare", "rate_limited_past", "setting rate",
        "switch limit_headers",
    ),
    "10016, 10000, 170007, Request timeout": (
        "overloaded_10016", "overloaded_10000", "overloaded_170007", "request_timeout",
    ),
    "10001 for windows and cursors, and other wording": (
        "window_refused", "cursor_refused", "other_wording", "switch wording",
        "switch long_window_code",
    ),
    "10003, 10004, 10005, 10010, 33004, 10028 in mid-session": (
        "key_unknown", "signature_refused", "permission_lost", "address_unbound", "key_expired",
        "mode_changed",
    ),
    "long windows clipped silently": ("windows_clipped",),
    "a cursor on the last page; a full page without one": (
        "cursor_after_end", "ends_without_cursor", "early_end", "empty_list",
    ),
    "repeated cursor, cycle of cursors": ("cursor_loop", "cursor_cycle"),
    "a cursor that expires, or is rejected after a restart": (
        "cursor_expired", "cursors_forgotten", "switch cursor_lifetime_ms",
    ),
    "duplicate rows across pages and inside one": ("duplicate_rows",),
    "pages with 99, 100, 101, 200 and 201 rows": ("edge_counts", "short_pages", "long_pages"),
    "rows outside the window; filter ignored": ("rows_outside", "filter_ignored"),
    "the end as an error": ("end_is_error",),
    "inclusive and exclusive bounds": ("switch start_bound", "switch end_bound"),
    "a limit above the maximum": ("switch limit_above",),
    "late rows with a heavy tail": ("late_rows", "late_by_time"),
    "rows hidden from history only": ("hidden_row", "hidden_from_log"),
    "the moving edge; sparse accounts": ("edge_moves", "sparse_account"),
    "redelivery, correction": ("redelivered_rows", "fee_corrected"),
    "bursts of equal milliseconds": ("same_ms_burst",),
    "shuffled milliseconds; a close before its open": ("shuffled_ms", "close_before_open"),
    "self-trade with equal and different ids": ("self_trade", "switch self_trade_ids"),
    "equal ids in two categories; empty or missing ids": (
        "shared_exec_id", "exec_id_empty", "exec_id_absent",
    ),
    "one seq for two symbols": ("shared_seq",),
    "every execType": (
        "exec_type_other", "exec_type_corporate", "exec_type_unknown", "exec_type_empty",
        "exec_type_new", "setting categories",
    ),
    "fees: rebates, coins, absent coins, extra fees": (
        "maker_rebate", "fee_coins", "fee_coin_empty", "fee_coin_absent", "extra_fees",
    ),
    "both signs of funding rates": ("funding_rate_sign",),
    "flips, hedge mode, closedSize empty": ("closed_size_empty", "setting hedge"),
    "every form of no number": (
        "number_empty", "number_absent", "number_null", "number_nan", "number_dash",
        "number_exponent",
    ),
    "unknown, delisted, renamed and reused symbols": (
        "symbol_unlisted", "symbol_renamed", "symbol_reused",
    ),
    "a field added, renamed, dropped, retyped": (
        "field_added", "field_renamed", "field_dropped", "field_retyped",
    ),
    "client ids: empty, foreign, with colons": (
        "link_id_empty", "link_id_foreign", "link_id_colon",
    ),
    "38 digits, 1e-18 units": ("digits_38", "decimals_18"),
    "the account type switched in mid-history": ("account_upgraded",),
    "WebSocket: dropped, duplicated, reordered, several in one": (
        "ws_dropped_event", "ws_duplicate_event", "ws_reordered", "ws_merged_events",
    ),
    "WebSocket: acknowledgement early and late, event first": (
        "ws_early_ack", "ws_event_first", "switch ack_ms",
    ),
    "WebSocket: silence, lost subscription, login expired": (
        "ws_silent", "ws_lost_subscription", "ws_auth_expired", "switch ws_auth_failure",
    ),
    "WebSocket: disconnected in a burst, behind REST": ("ws_disconnect", "ws_late_event"),
    "WebSocket: two Filled, idle positions": ("ws_two_filled", "ws_idle_position"),
}  # fmt: skip
OPEN_QUESTIONS = {
    "bounds": ("start_bound", "end_bound"),
    "limit above the maximum": ("limit_above",),
    "life of a cursor": ("cursor_lifetime_ms",),
    "empty execType": ("empty_exec_type",),
    "sort key of closed-pnl": ("closed_pnl_sort",),
    "execId in self-trades": ("self_trade_ids",),
    "retention of deposits and the like": ("asset_kept_days",),
    "a page of closed-pnl splits an order": ("closed_pnl_split",),
}
NATURES = {"passes", "lasts", "hides", "spoils"}


@pytest.mark.parametrize("line", CHECKLIST)
def test_every_line_of_the_checklist_has_its_switches(line: str) -> None:
    """The names are known, and each one can be given on the command line."""
    for name in CHECKLIST[line]:
        kind, _, rest = name.partition(" ")
        if kind == "switch":
            assert rest in QUESTIONS
        elif kind == "setting":
            assert hasattr(Settings(end_ms=1), rest)
        else:
            assert parse_fault(f"{name}=0.5").name == name


def test_every_fault_belongs_to_a_line() -> None:
    """No fault is in the table without a line that asks for it."""
    asked_for = {name for names in CHECKLIST.values() for name in names}

    assert FAULTS.keys() - asked_for == set()


def test_every_open_question_has_its_switches() -> None:
    """Both readings of each question can be played; the defaults are among them."""
    defaults = Switches()

    assert all(name in QUESTIONS for names in OPEN_QUESTIONS.values() for name in names)
    for name, question in QUESTIONS.items():
        default = str(getattr(defaults, name)).lower()
        assert not question.choices or default in question.choices
        texts = [f"{name}={choice}" for choice in question.choices or ("0", "7")]
        assert len({Switches.of([text]) for text in texts}) == len(texts)


def test_every_fault_says_what_it_does_where_and_whether_it_passes() -> None:
    """The help has a line for each fault, with its nature."""
    lines = fault_lines()

    assert {kind.nature for kind in FAULTS.values()} == NATURES
    for name, kind in FAULTS.items():
        assert any(f"  {name} " in line and kind.nature in line for line in lines)
        assert kind.does


def test_scopes_know_every_endpoint_that_is_served() -> None:
    """An endpoint that is served can be named in a scope."""
    served = {path for _, path in ROUTES}

    assert served - {*LIST_ENDPOINTS, *OTHER_ENDPOINTS} == set()


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("transaction-log", "account/transaction-log", "pre-upgrade/account/transaction-log"),
        ("pre-upgrade/execution/list", "pre-upgrade/execution/list", "execution/list"),
        ("execution/list", "execution/list", "position/list"),
        ("lists", "position/list", "account/info"),
    ],
)
def test_a_path_is_a_scope(scope: str, inside: str, outside: str) -> None:
    """The end of a path names an endpoint; `lists` and `any` name many."""

    assert parse_scope(scope).path == scope
    assert covers_path(scope, f"/v5/{inside}")
    assert not covers_path(scope, f"/v5/{outside}")
    assert covers_path("any", f"/v5/{outside}")


def test_parts_of_a_scope_fit_together_or_are_refused() -> None:
    """Endpoint, symbol, range and account narrow one fault; the same part twice is a mistake."""
    fault = parse_fault("empty_list=1@transaction-log@BTCUSDT@5..9@account:1")

    def covers(**changed: object) -> bool:
        asked = {"symbol": "BTCUSDT", "start_ms": 9, "end_ms": 20, "account": 1}
        asked |= {"path": "/v5/account/transaction-log"} | changed
        return fault.covers(**asked)  # type: ignore[arg-type]

    assert covers()
    assert not covers(symbol="ETHUSDT")
    assert not covers(start_ms=10)
    assert not covers(account=0)
    assert not covers(path="/v5/execution/list")
    for wrong in ("empty_list=1@5..9@7", "same_ms_burst=1@lists", "ws_silent=1@execution/list",
                  "empty_list=1@account:x", "empty_list=1@no/such"):  # fmt: skip
        with pytest.raises(FaultError):
            parse_fault(wrong)


def test_names_of_old_strike_executions_and_new_ones_all_lists() -> None:
    """What a fault strikes without a scope is said by the table."""
    plan = FaultPlan((parse_fault("http_500=1"), parse_fault("http_503=1")))

    def strikes(path: str) -> frozenset[str]:
        luck = RequestLuck(plan, seed=1)
        return luck.strikes("asked", symbol="", start_ms=0, end_ms=1, path=path)

    assert strikes("/v5/execution/list") == {"http_500", "http_503"}
    assert strikes("/v5/order/history") == {"http_503"}
    assert strikes("/v5/account/info") == set()
    wide = FaultPlan(tuple(replace(fault, path="any") for fault in plan.faults))
    assert RequestLuck(wide, seed=1).strikes(
        "asked", symbol="", start_ms=0, end_ms=1, path="/v5/market/time"
    ) == {"http_500", "http_503"}


def test_an_event_s_luck_is_its_own() -> None:
    """The same event meets the same luck, whatever was asked before."""
    plan = FaultPlan((parse_fault("ws_dropped_event=0.4@BTCUSDT"),))

    def fates(names: list[str], symbol: str = "BTCUSDT") -> list[bool]:
        luck = EventLuck(plan, seed=3)
        return [luck.strikes("ws_dropped_event", name, symbol=symbol) for name in names]

    names = [f"event {number}" for number in range(60)]
    assert fates(names) == fates(names[::-1])[::-1]
    assert 10 < sum(fates(names)) < 40
    assert not any(fates(names, "ETHUSDT"))

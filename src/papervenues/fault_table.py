"""The table of all faults: name, what it does, where it strikes by default, and its nature.

The nature tells what may be expected of a ledger that reads on:

- `passes`: a retry, or a later reading, heals it;
- `lasts`: it stays for the run, and the rows that are served can still be read;
- `hides`: something that happened is not served where it should be;
- `spoils`: a row is served that cannot be read.
"""

from dataclasses import dataclass

from papervenues.fault_scopes import ANY, EXECUTIONS, LISTS

PASSES, LASTS, HIDES, SPOILS = "passes", "lasts", "hides", "spoils"
REQUEST, PAGE, CLOCK, KEY, ROW, HISTORY, STREAM = (
    "request", "page", "clock", "key", "row", "history", "stream",
)  # fmt: skip
LOG = "transaction-log"
INSTRUMENTS = "market/instruments-info"
TICKERS = "tickers"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What a fault is. `acts` says which part of the venue plays it."""

    name: str
    does: str
    strikes: str
    nature: str
    acts: str

    def __str__(self) -> str:
        return self.does


Lines = tuple[tuple[str, str, str], ...]
_ANSWERS_OF_OLD: Lines = (
    ("http_500", PASSES, "the answer is HTTP 500 with a plain text"),
    ("rate_limited", PASSES, "the answer is 10006 with a reset header"),
    ("truncated_json", PASSES, "HTTP 200 with JSON that is cut off"),
    ("html_body", PASSES, "HTTP 200 with an HTML page"),
    ("result_null", PASSES, "retCode 0 and result null"),
    ("slow_body", PASSES, "the body arrives in pieces, slowly"),
    ("dropped_socket", PASSES, "the connection breaks before or inside the body"),
)
_PAGES_OF_OLD: Lines = (
    ("duplicate_rows", PASSES, "rows are repeated inside a page and across pages"),
    ("cursor_loop", PASSES, "the next cursor points to the same page"),
    ("cursor_expired", PASSES, "a cursor is refused with 10001 in mid-walk"),
)
_ANSWERS: Lines = (
    ("wrong_length", PASSES, "Content-Length is larger or smaller than the body"),
    ("broken_gzip", PASSES, "the body calls itself gzip and is not, or is cut off"),
    ("html_403", PASSES, "HTTP 403 with an HTML page, once"),
    ("html_429", PASSES, "HTTP 429 with an HTML page"),
    ("html_502", PASSES, "HTTP 502 with an HTML page"),
    ("empty_body", PASSES, "HTTP 200 without a body"),
    ("result_empty", PASSES, "retCode 0 and result {}"),
    ("list_missing", PASSES, "the result is there without its list"),
    ("wrong_types", PASSES, "a text, a number, a list or an object where another one belongs"),
    ("stalled_body", PASSES, "half of the body, then nothing while the connection stays open"),
    ("dropped_before", PASSES, "the connection breaks before the answer"),
    ("dropped_during", PASSES, "the connection breaks inside the body, at any byte"),
    ("dropped_after", PASSES, "the connection breaks right after a whole answer"),
    ("http_403", PASSES, "HTTP 403 with a plain text, once"),
    ("http_429", PASSES, "HTTP 429, a sign of overload"),
    ("http_502", PASSES, "HTTP 502 with a plain text"),
    ("http_503", PASSES, "HTTP 503 with a plain text"),
    ("http_504", PASSES, "HTTP 504 with a plain text"),
    ("wrong_endpoint", PASSES, "the answer of another endpoint"),
    ("previous_answer", PASSES, "the answer of this key's previous request that had rows"),
    ("overloaded_10000", PASSES, "code 10000, server timeout"),
    ("overloaded_10016", PASSES, "code 10016, internal error"),
    ("overloaded_170007", PASSES, "code 170007, timeout of the backend"),
    ("request_timeout", PASSES, "code 10016 with the text Request timeout"),
    ("rate_limited_bare", PASSES, "10006 without any limit header"),
    ("rate_limited_past", PASSES, "10006 with a reset that is past already"),
    ("time_refused", PASSES, "10002 although the clocks agree"),
    ("window_refused", PASSES, "10001 as for a window too long, too old or incomplete"),
    ("cursor_refused", PASSES, "10001 as for a cursor that was made up"),
    ("other_wording", LASTS, "refusals keep their code and change their text"),
    ("address_banned", LASTS, "HTTP 403 for this address, ten minutes, twice as long each time"),
)
_CLOCKS: Lines = (
    ("clock_skew", PASSES, "the server's clock is off by up to ten minutes from the first hit on"),
    ("clock_step", PASSES, "the server's clock steps by up to ten minutes at every hit"),
    (
        "clock_drift",
        PASSES,
        "the server's clock goes wrong by up to a second a minute",
    ),
)
_KEYS: Lines = (
    ("key_unknown", LASTS, "10003 from the hit on: the key was revoked"),
    ("signature_refused", LASTS, "10004 from the hit on: the secret was changed"),
    ("permission_lost", LASTS, "10005 from the hit on"),
    ("address_unbound", LASTS, "10010 from the hit on: the key is bound to other addresses"),
    ("key_expired", LASTS, "33004 from the hit on"),
    ("mode_changed", LASTS, "10028 from the hit on for that endpoint and category"),
)
_PAGES: Lines = (
    ("windows_clipped", HIDES, "a window that is too long is cut silently instead of refused"),
    ("cursor_after_end", PASSES, "even the empty page after the last one has a cursor"),
    ("ends_without_cursor", PASSES, "the last page has an empty cursor, a full one too"),
    ("early_end", HIDES, "a page in mid-walk has an empty cursor although rows follow"),
    ("empty_list", HIDES, "an empty list with an empty cursor in place of the page"),
    ("cursor_cycle", PASSES, "the next cursor leads back to an earlier page of the walk"),
    ("cursors_forgotten", PASSES, "the venue restarts: cursors from before are refused"),
    ("short_pages", PASSES, "a page holds fewer rows than were asked for, though more follow"),
    ("long_pages", PASSES, "a page holds a row more than were asked for"),
    ("rows_outside", PASSES, "rows from just outside the window are listed too"),
    ("filter_ignored", PASSES, "symbol, type and other filters are ignored"),
    ("end_is_error", PASSES, "the end of the list is HTTP 404 or 500 instead of an empty page"),
    ("edge_moves", LASTS, "the two-year edge moves on, minutes at every hit"),
    ("redelivered_rows", PASSES, "rows delivered minutes ago come again on a later page"),
    ("shuffled_ms", PASSES, "rows of one millisecond come in any order"),
    ("close_before_open", PASSES, "in one millisecond, rows that close lie before those that open"),
)
_ROWS_OF_OLD: Lines = (
    ("late_rows", PASSES, "rows become visible only after their window was asked a few times"),
    ("hidden_row", HIDES, "rows are never listed, though they truly happened"),
)
_ROWS: Lines = (
    ("late_by_time", PASSES, "rows become visible 0 s to 48 h after their time, most of them soon"),
    ("account_upgraded", HIDES, "older rows move to the endpoints from before the upgrade"),
    ("digits_38", LASTS, "numbers are written with 38 digits"),
    ("decimals_18", LASTS, "numbers are written with 18 decimals"),
    ("number_empty", SPOILS, 'a number is ""'),
    ("number_absent", SPOILS, "a number is left out"),
    ("number_null", SPOILS, "a number is null"),
    ("number_nan", SPOILS, 'a number is "NaN"'),
    ("number_dash", SPOILS, 'a number is "-"'),
    ("number_exponent", SPOILS, "a number is written with an exponent; its value is right"),
    ("field_added", LASTS, "rows have a field that nobody knows"),
    ("field_renamed", SPOILS, "a field has another name"),
    ("field_dropped", SPOILS, "a field is left out"),
    ("field_retyped", SPOILS, "a field has another type"),
)
_EXECUTION_ROWS: Lines = (
    ("fee_corrected", PASSES, "a fill shows another fee and coin the first time it is served"),
    ("shared_seq", LASTS, "rows of neighbours and of other symbols share one seq"),
    ("exec_id_empty", SPOILS, "execId is empty"),
    ("exec_id_absent", SPOILS, "execId is left out"),
    ("exec_type_other", LASTS, "a trade calls itself BlockTrade, MovePosition or FutureSpread"),
    ("exec_type_corporate", SPOILS, "a trade calls itself CorporateAction"),
    ("exec_type_unknown", SPOILS, "execType is UNKNOWN"),
    ("exec_type_empty", SPOILS, "execType is empty"),
    ("exec_type_new", SPOILS, "execType has a value never seen before"),
    ("fee_coin_empty", LASTS, "feeCurrency is empty, as before 2025-09-18 (never where it is MNT)"),
    ("fee_coin_absent", LASTS, "feeCurrency is left out (never where it is MNT)"),
    ("extra_fees", LASTS, "a tax stands in extraFees, beyond the fee; the truth has none"),
    ("funding_rate_sign", LASTS, "the printed rate of funding has the other sign; the fee is true"),
    ("closed_size_empty", LASTS, "closedSize is empty"),
    ("link_id_empty", LASTS, "all fills of an order lost its client id"),
    ("link_id_foreign", LASTS, "all fills of an order have a client id of somebody else"),
    ("link_id_colon", LASTS, "all fills of an order have a client id in the colon form"),
)
_HISTORY: Lines = (
    (
        "same_ms_burst",
        LASTS,
        "a bot's order becomes up to 300 fills in one ms, seq equal or shuffled",
    ),
    ("edge_counts", LASTS, "an order becomes a burst of exactly 99, 100, 101, 200 or 201 fills"),
    ("sparse_account", LASTS, "an account trades once in 5 to 20 days, with months of silence"),
    ("self_trade", LASTS, "an order fills against another one of the same account"),
    ("maker_rebate", LASTS, "the maker is paid: the fee is negative"),
    ("fee_coins", LASTS, "fees are paid in a third coin, changing from fill to fill"),
    ("shared_exec_id", LASTS, "two categories share an execId"),
)
_STREAM: Lines = (
    ("ws_dropped_event", HIDES, "an event is not sent"),
    ("ws_duplicate_event", PASSES, "an event is sent twice"),
    ("ws_reordered", PASSES, "events change places"),
    ("ws_late_event", PASSES, "an event comes seconds late, so that REST knows it before"),
    ("ws_merged_events", PASSES, "several fills come in one message"),
    ("ws_two_filled", PASSES, "an order is told Filled twice"),
    ("ws_idle_position", PASSES, "a position is told although nothing changed"),
    ("ws_silent", HIDES, "pings are answered and no events come"),
    ("ws_lost_subscription", HIDES, "after a reconnect, a subscription delivers nothing"),
    ("ws_disconnect", PASSES, "the connection breaks in the middle of a burst"),
    ("ws_early_ack", PASSES, "a subscription is acknowledged at once"),
    ("ws_event_first", PASSES, "an event goes out before the acknowledgement"),
    ("ws_auth_expired", PASSES, "the login expires and the connection is closed"),
)

_GROUPS: tuple[tuple[str, str, Lines], ...] = (
    (REQUEST, EXECUTIONS, _ANSWERS_OF_OLD),
    (REQUEST, LISTS, _ANSWERS),
    (CLOCK, LISTS, _CLOCKS),
    (KEY, LISTS, _KEYS),
    (PAGE, EXECUTIONS, _PAGES_OF_OLD),
    (PAGE, LISTS, _PAGES),
    (ROW, EXECUTIONS, _ROWS_OF_OLD),
    (ROW, LOG, (("hidden_from_log", HIDES, "rows are never listed in the account's log"),)),
    (ROW, LISTS, _ROWS),
    (ROW, EXECUTIONS, _EXECUTION_ROWS),
    (ROW, INSTRUMENTS, (
        ("symbol_unlisted", LASTS, "a symbol is not among the instruments, as after delisting"),
        ("symbol_renamed", LASTS, "the instruments list a symbol under another name only"),
        ("symbol_reused", LASTS, "the instruments list a symbol as a younger, other asset"),
    )),
    (HISTORY, ANY, _HISTORY),
    (STREAM, "stream", _STREAM),
)  # fmt: skip

FAULTS: dict[str, FaultKind] = {
    name: FaultKind(name, does, place, nature, acts)
    for acts, place, lines in _GROUPS
    for name, nature, does in lines
}

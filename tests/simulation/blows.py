"""Where a worker may be struck, by name.

Most points are statements of the ledger, by the names that its files of SQL give them; the others
are pages of the exchange and messages of its stream. The list was made by writing down what workers
come to; a test holds that each name is still one.
"""

import random

from tests.simulation.workers import Act, Blow

OFTEN = (
    "BEGIN", "COMMIT", "copy_end", "coverage.get_coverage", "coverage.prove",
    "coverage.clear_failures", "disputes.witnessed", "facts.add_window", "facts.copy_raw",
    "facts.known_contents", "laying.laid_by", "laying.move_through", "runs.put_progress",
    "touched.unlaid", "touched.joined_stretches", "writing.lock_head", "writing.move_head",
    "writing.renew_lease",
)  # fmt: skip
SELDOM = (
    "accounts.put_mark", "chain_breaks.put_break", "coverage.add_failure", "coverage.want",
    "disputes.disputes_found", "disputes.keys_in_question", "facts.copy_executions",
    "facts.copy_cash_flows", "facts.copy_log_entries", "facts.copy_orders",
    "facts.copy_quarantined", "facts.add_statement", "laying.copy_lines", "laying.copy_matches",
    "laying.copy_funding_shares", "laying.drop_lines", "laying.drop_matches",
    "laying.drop_stretches", "laying.put_books", "laying.put_stretch", "legs.legs_at",
    "runs.start_run", "runs.abandon_runs", "runs.end_run", "spoken_of.without_order",
    "touched.executions_of_leg", "touched.orders_of", "trades.drop_trades", "trades.drop_trips",
    "trades.restate_trades", "trades.stage_restatements", "writing.new_lease",
    "writing.find_lease", "writing.take_lease", "writing.lock_lease", "writing.give_back_lease",
)  # fmt: skip
PAGES = (
    "page of order/history", "page of execution/list", "page of account/transaction-log",
    "page of market/time", "page of market/instruments-info", "page of market/tickers",
    "page of order/realtime", "page of position/closed-pnl",
)  # fmt: skip
OF_REBUILDING = (
    "rebuild.drop_derived_lines", "rebuild.drop_derived_trades", "rebuild.put_coverage",
    "rebuild.last_to_count", "laying.copy_lines", "COMMIT",
)  # fmt: skip
LINE = ("before line opened", "after line opened", "before message said", "after message heard")
FEW_HITS, MANY_HITS = (1, 1, 2, 3), (1, 1, 2, 2, 3, 5, 8, 13, 21, 40)
LEASE_SECONDS = 30.0
UNHEARD = "COMMIT unheard"


def every_point() -> tuple[str, ...]:
    """All names at which a blow may fall."""
    named = dict.fromkeys((*OFTEN, *SELDOM, *PAGES, *OF_REBUILDING))
    sides = tuple(f"{side} {name}" for name in named for side in ("before", "after"))
    return (*sides, *LINE, UNHEARD)


def drawn_blow(chance: random.Random, *, follows: bool = False, rebuilds: bool = False) -> Blow:
    """What strikes, where and when."""
    act: Act = chance.choices(("crash", "pause", "cut", "unheard"), (5, 2, 2, 3))[0]
    seconds = chance.uniform(1, 4) * LEASE_SECONDS
    if act == "unheard":
        return Blow(UNHEARD, 1 if rebuilds else chance.choice(MANY_HITS), act)
    if follows and act != "cut" and chance.random() < 0.5:
        return Blow(chance.choice(LINE), chance.choice(FEW_HITS), act, seconds)
    side = chance.choice(("before", "after"))
    if rebuilds:
        return Blow(f"{side} {chance.choice(OF_REBUILDING)}", 1, act, seconds)
    if act != "cut" and chance.random() < 0.25:
        return Blow(f"{side} {chance.choice(PAGES)}", chance.choice(FEW_HITS), act, seconds)
    if chance.random() < 0.4:
        return Blow(f"{side} {chance.choice(OFTEN)}", chance.choice(MANY_HITS), act, seconds)
    return Blow(f"{side} {chance.choice(SELDOM)}", chance.choice(FEW_HITS), act, seconds)

"""The manual of matching: every case with its prose, and what each table and column means.

The cases are run by the tests and read by people. This page is made of them, so that what it says
is what the program does. A table or a column without a sentence here is an error, and so is a
sentence without its table.
"""

from collections.abc import Iterator, Sequence

from tests.spec.tables import Theme, themes

# The themes in the order in which one reads them.
ORDER = (
    "one_bot", "round_trips", "several_bots", "hedge", "reasons", "by_hand", "openings", "money",
    "funding", "kinds", "spot", "numbers", "time", "told_twice",
)  # fmt: skip

INTRODUCTION = """
How fills become trades, shown case by case. Each case is a history of one account in one
instrument: the tables that come first go in, the others come out. The project's own tests run every
case, whatever the order in which the fills arrive, all at once and piece by piece.
[The unit line](../explanation/unit-line.md) says why it works.

Tables that come out tell all there is: one of `trades`, `positions`, `alarms` and `unattached` that
a case leaves out is empty. A column that is left out is not looked at. `?` is a figure that cannot
be known; it is empty in SQL and null in the API. Times are milliseconds after the beginning of the
history, or a date and a time. Where the account has one instrument, it is BTCUSDT, a linear
perpetual in USDT.
"""

# What goes in: the table, what a row is, and its columns.
TOLD: dict[str, tuple[str, dict[str, str]]] = {
    "instrument": (
        "The contract, by its symbol.",
        {
            "kind": "linear, inverse, quanto, spot or option",
            "base": "the coin that is bought and sold",
            "quote": "the coin of the price",
            "settle": "the coin of the profit",
            "multiplier": "how many coins a contract is; 1 when left out",
            "qty_min": "the smallest order; a position below it counts as flat",
        },
    ),
    "executions": (
        "A fill, as the venue tells it. The same name again is the same fill, told again.",
        {
            "at": "when it happened",
            "who": "a bot and its reason, as its client id says; or what sent the order instead",
            "side": "buy or sell",
            "qty": "the quantity",
            "price": "the price",
            "fee": "what it cost, positive when paid; in the profit's coin unless it names one",
            "order": "the order it belongs to; without the column each fill is its own",
            "closed": "how much of it closed, as printed; without the column it fits the position",
            "leg": "net, or long and short in hedge mode; net when left out",
            "value": "what the venue printed as its worth in the settling coin",
            "seq": "the venue's own sequence",
            "client id": "the order's client id, verbatim",
            "exec type": "the venue's kind of execution",
            "create type": "the venue's word for what created the order",
            "stop type": "the venue's word for the kind of stop",
        },
    ),
    "funding": (
        "A funding payment.",
        {
            "at": "when it was paid",
            "leg": "net, long or short",
            "amount": "positive when paid; in the coin of the profit unless it names one",
        },
    ),
    "orders": (
        "An order of the venue's order history, by its id.",
        {
            "client id": "its client id",
            "parent": "the client id of the order that it was attached to",
            "side": "buy or sell",
            "trigger": "the price that triggers it",
            "base": "the price when the trigger was set",
            "reduce only": "whether it could only reduce a position",
            "oco": "which half of a pair was triggered",
        },
    ),
    "intents": (
        "What a bot announced for a client id before it sent the order.",
        {"bot": "the bot", "reason": "why the order is sent"},
    ),
    "pattern": ("How this account's bots write their client ids.", {}),
    "prices": (
        "What a coin was worth, in the order stated.",
        {
            "in": "the currency; that of the profit when left out",
            "from": "the first instant",
            "until": "the first instant that it no longer holds",
            "price": "what one coin was worth, or withdrawn",
        },
    ),
    "stated": (
        "What a person states, in the order stated: assign, correct, void or opening.",
        {
            "of": "an execution; for an opening the instant, and the leg where there are two",
            "as": "what is stated of it, or withdrawn",
        },
    ),
}

_MONEY = {
    "qty": "how many units",
    "gross": "the profit before costs",
    "fees": "what entry and exit bear of the fees, together",
    "funding": "what they bear of funding",
    "net": "gross less fees less funding",
}

# What comes out.
FOUND: dict[str, tuple[str, dict[str, str]]] = {
    "trades": (
        "Units that were bought and sold: one row for each fill of entry and fill of exit.",
        {
            "leg": "net, long or short",
            "owner": "the bot, or unassigned",
            "direction": "long when bought first, short when sold first",
            "entry": "the fill that opened them; `opening` was held before, `outside` elsewhere",
            "exit": "the fill that closed them",
            **_MONEY,
            "reason": "why they were closed",
            "entry value": "inverse: what the entry was worth in the settling coin",
            "exit value": "inverse: what the exit was worth",
        },
    ),
    "positions": (
        "What is held in the end. Nothing is not listed.",
        {
            "leg": "net, long or short",
            "owner": "the bot, or unassigned",
            "qty": "positive is long, negative is short",
        },
    ),
    "lots": (
        "Units that are open in the end.",
        {
            "owner": "the bot, or unassigned",
            "entry": "the fill that opened them",
            "qty": "how many",
            "price": "at which price",
        },
    ),
    "round trips": (
        "From flat to flat; the last one may be under way.",
        {
            "leg": "net, long or short",
            "owner": "the bot, or unassigned",
            "state": "closed or open",
            "opened": "when its first units were opened",
            "closed": "when its last units were closed",
            **_MONEY,
        },
    ),
    "events": (
        "What each fill did to a bot's position.",
        {
            "owner": "the bot, or unassigned",
            "execution": "the fill",
            "event": "opened, increased, reduced, reversed or closed",
            "after": "the position after it",
        },
    ),
    "shares": (
        "The part of a fill that an owner gets, and what says so.",
        {
            "owner": "the bot, or unassigned",
            "execution": "the fill",
            "qty": "how many units of it",
            "reason": "why the order was sent",
            "evidence": "what says so",
            "owner evidence": "what says whose it is",
            "unread": "yes when its client id cannot be read",
        },
    ),
    "sums": (
        "What was realised in a day, a week or a month, gross. A trade counts when it was closed.",
        {
            "zone": "whose days they are",
            "by": "day, week or month",
            "starts": "its first day",
            "gross": "the sum",
        },
    ),
    "opening": (
        "What was held before the history begins.",
        {
            "leg": "net, long or short",
            "qty": "positive is long, negative is short",
            "evidence": "pinned by closed sizes, stated, assumed_flat or unknown",
        },
    ),
    "alarms": (
        "Fills that do not fit.",
        {
            "kind": "chain_break: its closed size contradicts what was held; "
            "foreign_close: a bot closed what it did not hold",
            "execution": "the fill",
        },
    ),
    "unattached": (
        "Costs that belong to no units.",
        {
            "kind": "fee or funding",
            "of": "the fill or the payment",
            "amount": "positive when paid",
        },
    ),
}


def page(found: Sequence[Theme] | None = None) -> str:
    """The whole manual."""
    by_name = {theme.name: theme for theme in (themes() if found is None else found)}
    lines = ["# How fills are matched", INTRODUCTION.rstrip(), "", "## The themes", ""]
    for name in ORDER:
        theme = by_name[name]
        lines.append(f"- [{theme.title}](#{_anchor(theme.title)}): {len(theme.cases)} cases")
    lines += ["", "## The tables that go in", "", *_glossary(TOLD)]
    lines += ["## The tables that come out", "", *_glossary(FOUND)]
    for name in ORDER:
        lines += _theme(by_name[name])
    return "\n".join(lines).rstrip() + "\n"


def _glossary(tables: dict[str, tuple[str, dict[str, str]]]) -> Iterator[str]:
    for name, (about, columns) in tables.items():
        yield from (f"**`{name}`**: {about}", "")
        if columns:
            yield from (f"| column of {name} | meaning |", "|---|---|")
            yield from (f"| `{column}` | {meaning} |" for column, meaning in columns.items())
            yield ""


def _theme(theme: Theme) -> Iterator[str]:
    yield from (f"## {theme.title}", *_trimmed(theme.lines))
    for case in theme.cases:
        yield from (f"### {case.title}", *_trimmed(case.lines))


def _trimmed(lines: Sequence[str]) -> list[str]:
    """The lines between one empty line above and one below."""
    return ["", *"\n".join(lines).strip("\n").split("\n"), ""]


def _anchor(title: str) -> str:
    """A heading as links name it."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.strip().replace(" ", "-")

"""What can be said by hand, and its help. How it is done is in `stating`.

Each statement is a fact with who, when and why; it stands until it is withdrawn with --undo.
"""

from typing import Annotated

import typer

from fillbook.faces.cli.options import PANEL_TRUST

app = typer.Typer(rich_markup_mode="markdown")

# A quantity may be negative: it must not be taken for an option.
NEGATIVE = {"ignore_unknown_options": True}

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="An execution id, an order id or a client id.")
]
BecauseOption = Annotated[
    str, typer.Option("--because", help="Why; it stays on record.", metavar="WHY")
]
UndoOption = Annotated[bool, typer.Option("--undo", help="Withdraw what was stated.")]
AllOption = Annotated[
    bool, typer.Option("--all", help="All executions that ID stands for, not one only.")
]
WhichOption = Annotated[
    str | None, typer.Option("--account", help="Which account, if there are several.")
]
OwnerOption = Annotated[str | None, typer.Option(help="The bot; unassigned is nobody.")]
NewBotOption = Annotated[
    bool, typer.Option("--new-bot", help="The bot is not known yet, and the name is right.")
]
ReasonOption = Annotated[
    str | None, typer.Option(help="The reason of the order, such as stop_loss.")
]


@app.command(rich_help_panel=PANEL_TRUST)
def assign(
    what: IdArgument,
    *,
    because: BecauseOption,
    bot: OwnerOption = None,
    reason: ReasonOption = None,
    every: AllOption = False,
    new_bot: NewBotOption = False,
    undo: UndoOption = False,
    account: WhichOption = None,
) -> None:
    """Give an execution, or all of an order's, to a bot."""
    from fillbook.faces.cli.stating import Hand, run_assign

    hand = Hand(account, because, undo)
    run_assign(what, bot=bot, reason=reason, every=every, is_new_bot=new_bot, hand=hand)


@app.command("opening-balance", rich_help_panel=PANEL_TRUST, context_settings=NEGATIVE)
def opening_balance(
    symbol: Annotated[str, typer.Argument(help="The instrument.")],
    qty: Annotated[
        str | None, typer.Argument(help="What was held; negative is short, 0 is flat.")
    ] = None,
    *,
    because: BecauseOption,
    price: Annotated[
        str | None, typer.Option(help="At which average price it was entered, if known.")
    ] = None,
    bot: OwnerOption = None,
    at: Annotated[
        str | None,
        typer.Option(help="Just before this instant (the start of proven history).", metavar="T"),
    ] = None,
    leg: Annotated[str, typer.Option(help="net, long or short.")] = "net",
    category: Annotated[str, typer.Option(help="The venue's division.")] = "linear",
    undo: UndoOption = False,
    account: WhichOption = None,
) -> None:
    """State what was held where proven history begins."""
    from fillbook.faces.cli.stating import Hand, Held, run_opening_balance

    held = Held(symbol, qty, price, bot, at, leg, category)
    run_opening_balance(held, hand=Hand(account, because, undo))


@app.command(rich_help_panel=PANEL_TRUST)
def correct(
    what: IdArgument,
    *,
    because: BecauseOption,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="What it truly was; may be repeated.", metavar="FIELD=VALUE"),
    ] = None,
    every: AllOption = False,
    undo: UndoOption = False,
    account: WhichOption = None,
) -> None:
    """Say what an execution truly was. What the venue told stays on record.

    A second correction adds to the one that stands; --undo takes all of it back.

    Fields: price, qty, fee, value, closed_qty, fee_currency, side, executed_at, client_order_id.
    """
    from fillbook.faces.cli.stating import Hand, run_correct

    run_correct(what, change or (), every=every, hand=Hand(account, because, undo))


@app.command(rich_help_panel=PANEL_TRUST)
def void(
    what: IdArgument,
    *,
    because: BecauseOption,
    every: AllOption = False,
    undo: UndoOption = False,
    account: WhichOption = None,
) -> None:
    """Take an execution out of every figure. It stays on record."""
    from fillbook.faces.cli.stating import Hand, run_void

    run_void(what, every=every, hand=Hand(account, because, undo))


@app.command(rich_help_panel=PANEL_TRUST)
def intent(
    client_id: Annotated[str, typer.Argument(help="The client id that the order will carry.")],
    *,
    bot: OwnerOption = None,
    reason: ReasonOption = None,
    new_bot: NewBotOption = False,
    because: Annotated[
        str, typer.Option("--because", help="Why; it stays on record.", metavar="WHY")
    ] = "registered by hand",
    undo: UndoOption = False,
    account: WhichOption = None,
) -> None:
    """Say whose order a client id stands for, and why it is sent.

    Without --reason it names the bot only.
    """
    from fillbook.faces.cli.stating import Hand, run_intent

    hand = Hand(account, because, undo)
    run_intent(client_id, bot=bot, reason=reason, is_new_bot=new_bot, hand=hand)


@app.command(rich_help_panel=PANEL_TRUST)
def price(
    coin: Annotated[str, typer.Argument(help="The coin that a fee or payment is in.")],
    currency: Annotated[str, typer.Argument(help="What profit is counted in.")],
    amount: Annotated[
        str | None, typer.Argument(metavar="PRICE", help="What one coin was worth.")
    ] = None,
    *,
    since: Annotated[str, typer.Option("--from", help="From this time on.", metavar="T")],
    until: Annotated[str, typer.Option("--to", help="Before this time.", metavar="T")],
    because: BecauseOption,
    undo: UndoOption = False,
    account: WhichOption = None,
) -> None:
    """State what a coin was worth, so that fees in it have a value."""
    from fillbook.faces.cli.stating import Hand, Worth, run_price

    worth = Worth(coin, currency, amount, since, until)
    run_price(worth, hand=Hand(account, because, undo))

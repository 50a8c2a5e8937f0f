"""Stating something by hand: read what was typed, put it on the chain, say what it came to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, cast, get_args

from fillbook import wiring
from fillbook.accounting.leg import UNASSIGNED
from fillbook.domain import money
from fillbook.domain.account import Account
from fillbook.domain.client_tag import REASONS, reason_word
from fillbook.domain.instrument import Leg, LegName
from fillbook.domain.statement import (
    Assign,
    Correction,
    Intent,
    OpeningBalance,
    Price,
    Statement,
    Void,
)
from fillbook.errors import NotFound, UsageError
from fillbook.faces.cli.known_bots import check_bot_is_known
from fillbook.faces.cli.run import put, run, say
from fillbook.faces.cli.times import read_time
from fillbook.faces.cli.typist import typist
from fillbook.ledger import stating
from fillbook.ledger._pool import Pool, transaction
from fillbook.ledger.accounts import all_accounts
from fillbook.ledger.bots import BotRow, register_bots
from fillbook.ledger.proofs import laid_pieces
from fillbook.ledger.statements import FOUND_MAX, Found, find_executions, refuse_dormant, state
from fillbook.ledger.stating import CORRECTABLE, Said
from fillbook.ledger.writing import Writing, writing
from fillbook.reports import restatements, statements
from fillbook.reports._accounts import check_symbol
from fillbook.settings import load
from fillbook.wiring import logs

WORD_LENGTH_MAX = 300
SHOWN_MAX = 20
_ANY_AMOUNT = frozenset(("fee", "closed_qty"))  # a rebate is negative; nothing may be closed

Making = Callable[[Writing], Awaitable[Sequence[tuple[str, Statement]]]]


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose book, why, and whether to withdraw."""

    account: str | None
    why: str
    undo: bool


@dataclass(frozen=True, slots=True)
class Held:
    """An opening balance as it was typed."""

    symbol: str
    qty: str | None
    price: str | None
    bot: str | None
    at: str | None
    leg: str
    category: str


@dataclass(frozen=True, slots=True)
class Worth:
    """A price as it was typed."""

    coin: str
    currency: str
    price: str | None
    since: str
    until: str


def run_assign(
    what: str, *, bot: str | None, reason: str | None, every: bool, is_new_bot: bool, hand: Hand
) -> None:
    """Give executions to a bot, or leave them as found."""
    if hand.undo == (bot is not None):
        raise UsageError("Say whose it is with --bot BOT, or take that back with --undo.")
    owner, word = _word(bot, "--bot"), _reason(reason)
    make = _of_executions(what, lambda one: Assign(one.execution_key, owner, word), every)
    _state(hand, make, known_bot=None if is_new_bot else owner)


def run_correct(what: str, changes: Sequence[str], *, every: bool, hand: Hand) -> None:
    """Say what executions truly were, or leave them as the venue told them."""
    if hand.undo == bool(changes):
        raise UsageError("Say what it was with --set FIELD=VALUE, or take that back with --undo.")
    read = dict(_change(change) for change in changes)
    if len(read) < len(changes):
        raise UsageError("A field is given twice: say once what it was.")
    said = tuple(sorted(read.items()))
    _state(hand, _of_executions(what, lambda one: Correction(one.execution_key, said), every))


def run_void(what: str, *, every: bool, hand: Hand) -> None:
    """Take executions out of every figure, or in again."""
    make = _of_executions(
        what,
        lambda one: Void(one.execution_key, voided=not hand.undo),
        every,
        voided=hand.undo,
    )
    _state(hand, make)


def run_intent(
    client_id: str, *, bot: str | None, reason: str | None, is_new_bot: bool, hand: Hand
) -> None:
    """Say what a client id means, or that it means nothing."""
    if hand.undo == (bot is not None) or (hand.undo and reason is not None):
        raise UsageError("Say whose order it is with --bot BOT, or take that back with --undo.")
    owner = _word(bot, "--bot")
    said = Intent(_word(client_id, "The client id") or "", owner, _reason(reason) or "")

    async def make(open_writing: Writing) -> Sequence[tuple[str, Statement]]:
        if hand.undo:
            target = stating.target_of(said)
            conn, account_id = open_writing.conn, open_writing.account_id
            stands = await statements.last(conn, account_id, "intent", target)
            if not isinstance(stands, Intent) or stands.bot is None:
                raise NotFound("No intent stands for that client id.")
        return [(statements.in_words(said)[0], said)]

    _state(hand, make, known_bot=None if is_new_bot else owner)


def run_price(worth: Worth, *, hand: Hand) -> None:
    """State what a coin was worth."""
    since, until = read_time(worth.since), read_time(worth.until)
    assert since is not None
    assert until is not None
    if since >= until:
        raise UsageError("The interval is empty: --from must lie before --to.")
    if hand.undo == (worth.price is not None):
        raise UsageError("Say what the coin was worth, or take that back with --undo.")
    coin, currency = worth.coin.upper(), worth.currency.upper()
    said = Price(coin, currency, since, until, _positive(worth.price, "The price"))

    async def make(_: Writing) -> Sequence[tuple[str, Statement]]:
        return [(statements.in_words(said)[0], said)]

    _state(hand, make)


def run_opening_balance(held: Held, *, hand: Hand) -> None:
    """State what was held where proven history begins."""
    if hand.undo == (held.qty is not None):
        raise UsageError("Say what was held, or take that back with --undo.")
    if held.leg not in get_args(Leg):
        raise UsageError(f"A leg is one of: {', '.join(get_args(Leg))}.")
    name = LegName(held.category, held.symbol.upper(), cast("Leg", held.leg))
    qty = _signed(held.qty, name)
    price = _positive(held.price, "The price")
    at, owner = read_time(held.at), _word(held.bot, "--bot") or UNASSIGNED

    async def make(open_writing: Writing) -> Sequence[tuple[str, Statement]]:
        await check_symbol(open_writing.conn, name.symbol)
        begins = at or await _beginning(open_writing, name, undo=hand.undo)
        said = OpeningBalance(name, begins, qty, price, owner)
        if not hand.undo:
            await refuse_dormant(open_writing, said)
        return [(statements.in_words(said)[0], said)]

    _state(hand, make)


def run_add_bot(bot: BotRow) -> None:
    """Register a bot."""
    logs.log_to_console()
    settings = load()
    if _word(bot.bot_id, "The name") == UNASSIGNED:
        raise UsageError(f"A bot cannot be named {UNASSIGNED}: that word stands for nobody.")

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            await register_bots(pool, [bot], known_from="registered")
        put(f"{bot.bot_id} is registered: `fillbook bots` lists it.")

    run(work)


def _state(hand: Hand, make: Making, *, known_bot: str | None = None) -> None:
    """State what `make` makes of a book, in one transaction, and say what it came to."""
    logs.log_to_console()
    settings = load()
    said = Said(typist(), _word(hand.why, "--because") or "")

    async def work() -> None:
        async with wiring.open_ledger(settings) as pool:
            account = await _account(pool, hand.account)
            links = []
            async with writing(
                pool, account.account_id, lease=None, now=wiring.now()
            ) as open_writing:
                made = await make(open_writing)
                await check_bot_is_known(open_writing.conn, known_bot, settings.bots)
                for _, statement in made:
                    links.append((await state(open_writing, statement, said)).chain_seq)
                made = [(subject, await _standing(open_writing, one)) for subject, one in made]
            async with transaction(pool) as conn:
                restated = await restatements.count_trades(conn, account.account_id, links)
        _put_stated(account, made, restated, undo=hand.undo)

    run(work)


async def _standing(open_writing: Writing, statement: Statement) -> Statement:
    """What stands now: a correction adds to the one before it."""
    if not isinstance(statement, Correction):
        return statement
    conn, account_id = open_writing.conn, open_writing.account_id
    stands = await statements.last(conn, account_id, "correction", statement.execution_key)
    return stands or statement


def _put_stated(
    account: Account, made: Sequence[tuple[str, Statement]], restated: int, *, undo: bool
) -> None:
    for subject, statement in made[:SHOWN_MAX]:
        put(f"{account.name}: {subject}: {statements.in_words(statement)[1]}.")
    if len(made) > SHOWN_MAX:
        put(f"{account.name}: and {len(made) - SHOWN_MAX} more.")
    if restated:
        trades = "completed trade says" if restated == 1 else "completed trades say"
        put(f"{restated} {trades} something else now: see `fillbook report restatements`.")
    else:
        put("No completed trade changed.")
    ways = "." if undo else "; --undo takes it back."
    put(f"`fillbook report statements` shows what was stated{ways}")


def _of_executions(
    what: str, make: Callable[[Found], Statement], every: bool, *, voided: bool = False
) -> Making:
    """Statements on the executions that an id stands for."""
    find = statements.find_voided if voided else find_executions

    async def made(open_writing: Writing) -> Sequence[tuple[str, Statement]]:
        text = _word(what, "The id") or ""
        found = await find(open_writing.conn, open_writing.account_id, text)
        if not found and voided:
            raise NotFound("There is no execution with that id that was taken out.")
        if not found:
            raise NotFound("There is no execution with that id, order id or client id.")
        if len(found) > 1 and not every:
            for one in found[:SHOWN_MAX]:
                say(_shown(one))
            raise UsageError(
                f"That id stands for {len(found)} executions: pass one execution id, or --all."
            )
        if len(found) >= FOUND_MAX:
            raise UsageError(f"That id stands for {FOUND_MAX} executions or more: name fewer.")
        return [(_shown(one), make(one)) for one in found]

    return made


def _shown(one: Found) -> str:
    at = f"{one.executed_at:%Y-%m-%d %H:%M:%S}Z"
    qty, price = money.text(one.qty), money.text(one.price)
    return f"{at} {one.symbol} {one.side} {qty} at {price}, execution {one.execution_id}"


async def _account(pool: Pool, name: str | None) -> Account:
    known = await all_accounts(pool)
    names = ", ".join(one.name for one in known)
    if not known:
        raise NotFound("There is no account in this ledger yet: run `fillbook backfill` first.")
    if name is None and len(known) > 1:
        raise UsageError(f"There are several accounts: say which with --account: {names}.")
    for one in known:
        if name in (None, one.name):
            return one
    raise NotFound(f"There is no account named {name}; there is: {names}.")


async def _beginning(open_writing: Writing, name: LegName, *, undo: bool) -> datetime:
    """Where the last unbroken piece of proven history begins; for undo, what is stated."""
    if undo:
        stands = await statements.standing(
            open_writing.conn, open_writing.account_id, "opening_balance", stating.leg_target(name)
        )
        instants = [one.at for one in stands if isinstance(one, OpeningBalance)]
        if len(instants) != 1:
            raise UsageError(
                f"{len(instants)} opening balances are stated of that leg: say which with --at;"
                " `fillbook report statements` shows them."
            )
        return instants[0]
    pieces = await laid_pieces(open_writing, name.category)
    if not pieces:
        raise UsageError("Nothing is proven in that category yet: run `fillbook backfill` first.")
    return pieces[-1].starts_at


def _change(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    name, value = name.strip(), value.strip()
    if not sign or name not in CORRECTABLE:
        raise UsageError(
            f"{text!r}: write FIELD=VALUE; a field is one of {', '.join(CORRECTABLE)}."
        )
    return name, _canonical(name, CORRECTABLE[name], value)


def _canonical(name: str, kind: Literal["amount", "text", "time", "side"], value: str) -> str:
    if kind == "text":
        return _word(value, name) or ""
    if kind == "time":
        at = read_time(value)
        assert at is not None
        return at.isoformat()
    if kind == "side":
        if value.capitalize() not in ("Buy", "Sell"):
            raise UsageError("A side is Buy or Sell.")
        return value.capitalize()
    amount = _amount(value, name)
    is_fit = amount is not None and (name in _ANY_AMOUNT or amount > 0)
    if amount is None or not is_fit:
        raise UsageError(f"{name}: a number above zero is needed.")
    return money.text(amount)


def _signed(text: str | None, name: LegName) -> Decimal | None:
    qty = _amount(text, "The quantity")
    if qty is None:
        return None
    wrong = {"long": qty < 0, "short": qty > 0, "net": name.category == "spot" and qty < 0}
    if wrong[name.leg]:
        raise UsageError("That leg cannot hold this side: a short is negative, a long is not.")
    return qty


def _positive(text: str | None, what: str) -> Decimal | None:
    amount = _amount(text, what)
    if amount is not None and amount <= 0:
        raise UsageError(f"{what} must be above zero.")
    return amount


def _amount(text: str | None, what: str) -> Decimal | None:
    if text is None:
        return None
    try:
        return money.required(text, what)
    except ValueError as error:
        raise UsageError(f"{what}: {error}.") from None


def _word(text: str | None, what: str) -> str | None:
    if text is None:
        return None
    if not text.strip() or len(text) > WORD_LENGTH_MAX or not text.isprintable():
        raise UsageError(f"{what} is empty, too long, or holds what cannot be printed.")
    return text.strip()


def _reason(text: str | None) -> str | None:
    if text is None:
        return None
    word = reason_word(text)
    if word == "other" and text != "other":
        raise UsageError(f"{text!r} is no reason; there are: {', '.join(sorted(REASONS))}.")
    return word

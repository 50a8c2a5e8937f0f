"""What is stated by hand: it takes effect at once, stands, is logged, and can be taken back."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from fillbook.domain.account import Account
from fillbook.domain.instrument import ContractTerms, LegName
from fillbook.domain.statement import (
    Assign,
    Correction,
    Intent,
    OpeningBalance,
    Price,
    Statement,
    TagPattern,
    Terms,
    Void,
)
from fillbook.domain.window import Window
from fillbook.errors import NotFound, UsageError
from fillbook.ledger import accounts
from fillbook.ledger._pool import transaction
from fillbook.ledger.statements import Found, Stated, find_executions, refuse_dormant, state
from fillbook.ledger.stating import Said
from fillbook.ledger.writing import writing
from tests.ledger.handed_in import END, Hand, Row, fill, hand

DAY = Window(END - timedelta(days=1), END)
LEG = LegName("linear", "BTCUSDT", "net")
BECAUSE = Said("ada", "the statement of the venue says so")


def at(hour: float) -> datetime:
    return DAY.starts_at + timedelta(hours=hour)


def tagged(name: str, hour: float, side: str, qty: str, tag: str, **more: object) -> Row:
    return fill(name, at(hour), side, qty, order=name, orderLinkId=tag, **more)


REFUSED = [
    ("qty", "0", "greater than zero"),
    ("qty", "", "always has a qty"),
    ("price", "-1", "not negative"),
    ("price", "many", "no value"),
    ("side", "Up", "Buy or Sell"),
    ("executed_at", "2026-02-28T13:00:00", "time zone"),
    ("executed_at", "1999-01-01T00:00:00+00:00", "would vanish"),
    ("execution_id", "x", "cannot be corrected"),
]
ALPHA_IN = "f1-alpha-en-00000000aa"
ALPHA_OUT = "f1-alpha-tp-00000001aa"
BETA_IN = "f1-beta-en-00000002aa"


async def stated(one: Hand, statement: Statement) -> Stated:
    async with writing(one.pool, one.account_id, lease=None, now=one.now) as open_writing:
        return await state(open_writing, statement, BECAUSE)


async def found(one: Hand, text: str) -> Found:
    async with transaction(one.pool) as conn:
        (execution,) = await find_executions(conn, one.account_id, text)
    return execution


async def trades(one: Hand) -> list[tuple[Any, ...]]:
    return await one.rows(
        "SELECT bot_id, exit_reason, entry_qty, gross_pnl, net_pnl FROM trading.completed_trades"
        " ORDER BY exit_time, bot_id"
    )


async def _two_bots(one: Hand) -> None:
    await one.book([
        tagged("1", 1, "Buy", "2", ALPHA_IN),
        tagged("2", 2, "Buy", "1", BETA_IN, execPrice="110"),
        tagged("3", 3, "Sell", "2", ALPHA_OUT, execPrice="120"),
        tagged("4", 4, "Sell", "1", "", execPrice="130", createType="CreateByClosing"),
    ])  # fmt: skip
    await one.prove(DAY)


async def test_an_execution_is_given_to_a_bot_and_taken_back(database_url: str) -> None:
    """A manual close that was taken from beta is alpha's by word of a person, until withdrawn."""
    async with hand(database_url) as one:
        await _two_bots(one)
        before, hashed = await trades(one), await one.hash()
        assert [("alpha", "take_profit", 2, 40, 40), ("beta", "manual", 1, 20, 20)] == before

        key = (await found(one, "4")).execution_key
        result = await stated(one, Assign(key, "alpha", "stop_loss"))

        assert [("alpha", "take_profit", 2, 40, 40)] == await trades(one)
        assert result.restated == 1
        await one.must_stand("assigned")

        assert (await stated(one, Assign(key, None))).restated == 1
        assert before == await trades(one)
        assert hashed == await one.hash()
        await one.must_stand("assignment withdrawn")


async def test_a_correction_stands_until_it_is_withdrawn(database_url: str) -> None:
    """The venue tells the row again: what it tells is booked, what a person said stays on top."""
    async with hand(database_url) as one:
        await _two_bots(one)
        key = (await found(one, "3")).execution_key
        assert (await stated(one, Correction(key, (("price", "125"),)))).restated == 1
        assert (await trades(one))[0][3] == 50
        await one.must_stand("corrected")

        await one.book([tagged("3", 3, "Sell", "2", ALPHA_OUT, execPrice="120", execFee="0.5")])
        await one.prove(DAY)
        assert (await trades(one))[0][3:] == (50, Decimal("49.5"))
        await one.must_stand("told again")

        await stated(one, Correction(key, ()))
        assert (await trades(one))[0][3:] == (40, Decimal("39.5"))
        await one.must_stand("withdrawn")


async def test_a_correction_moves_a_fill_in_time(database_url: str) -> None:
    """The books are laid again from the earlier of both instants."""
    async with hand(database_url) as one:
        await _two_bots(one)
        key = (await found(one, "3")).execution_key
        moved = at(0.5).isoformat()
        await stated(one, Correction(key, (("executed_at", moved), ("qty", "1"), ("side", "Buy"))))

        assert await one.rows(
            "SELECT qty, side FROM trading.trades WHERE executed_at = %s", at(0.5)
        ) == [(1, "Buy")]
        await one.must_stand("moved")


async def test_a_void_takes_a_fill_out_of_every_figure(database_url: str) -> None:
    """It stays in the record, also when the venue tells it anew, and comes back when asked."""
    async with hand(database_url) as one:
        await _two_bots(one)
        before = await trades(one)
        key = (await found(one, "2")).execution_key
        await stated(one, Void(key))
        assert [row[0] for row in await trades(one)] == ["alpha"]
        await one.book([tagged("2", 2, "Buy", "1", BETA_IN, execPrice="111")])
        await one.prove(DAY)
        assert [row[0] for row in await trades(one)] == ["alpha"]
        await one.must_stand("voided and told again")

        assert (await stated(one, Void(key, voided=False))).restated == 1
        assert [*before[0]] == [*(await trades(one))[0]]
        assert (await trades(one))[1][3] == 19
        await one.must_stand("taken in again")


async def test_what_cannot_be_stated_is_refused(database_url: str) -> None:
    """An execution that is not there, a word that was never said, an instant without history."""
    async with hand(database_url) as one:
        await _two_bots(one)
        key = (await found(one, "1")).execution_key
        before = await one.hash()
        with pytest.raises(NotFound):
            await stated(one, Void(one_more(key)))
        with pytest.raises(UsageError, match="taken back"):
            await stated(one, Void(key, voided=False))
        with pytest.raises(UsageError, match="outside of proven history"):
            await stated(one, OpeningBalance(LEG, END + timedelta(days=9), Decimal(1)))
        with pytest.raises(UsageError, match="fills before that instant"):
            async with writing(one.pool, one.account_id, lease=None, now=one.now) as open_writing:
                await refuse_dormant(open_writing, OpeningBalance(LEG, at(2.5), Decimal(1)))
        with pytest.raises(UsageError, match="held as net, not long"):
            long = LegName("linear", "BTCUSDT", "long")
            await stated(one, OpeningBalance(long, DAY.starts_at, Decimal(1)))
        with pytest.raises(UsageError, match="taken back"):
            await stated(one, Assign(key, None))
        for field, text, said in REFUSED:
            with pytest.raises(UsageError, match=said):
                await stated(one, Correction(key, ((field, text),)))

        assert before == await one.hash()
        assert [] == await one.rows("SELECT * FROM facts.statements")


def one_more(key: UUID) -> UUID:
    return UUID(int=(key.int + 1) % 2**128)


async def test_an_opening_balance_is_stated(database_url: str) -> None:
    """What was held before history, with its price: the first sale has an entry and a profit."""
    async with hand(database_url) as one:
        await one.book([tagged("1", 5, "Sell", "2", ALPHA_OUT, execPrice="120")])
        await one.prove(DAY)
        assert [] == await trades(one)
        opening = OpeningBalance(LEG, DAY.starts_at, Decimal(3), Decimal(100), "alpha")
        await stated(one, opening)

        assert [("alpha", "take_profit", 2, 40, 40)] == await trades(one)
        held = await one.rows("SELECT bot_id, quantity, avg_entry_price FROM trading.positions")
        assert [("alpha", 1, 100)] == held
        await one.must_stand("opening stated")

        await one.book([tagged("2", 6, "Sell", "1", ALPHA_OUT, execPrice="90")])
        await one.prove(DAY)
        assert [("alpha", 2, 40), ("alpha", 1, -10)] == [
            (row[0], row[2], row[3]) for row in await trades(one)
        ]
        await one.must_stand("appended to")

        await stated(one, OpeningBalance(LEG, DAY.starts_at, None))
        assert [] == await trades(one)
        await one.must_stand("opening withdrawn")


async def test_an_opening_without_any_fill_is_held(database_url: str) -> None:
    """What was held and never traded since is a position all the same."""
    async with hand(database_url) as one:
        await one.book([tagged("1", 5, "Sell", "2", ALPHA_OUT)])
        await one.prove(DAY)
        eth = LegName("linear", "ETHUSDT", "net")
        await stated(one, OpeningBalance(eth, at(2), Decimal(-7), Decimal(50)))

        held = await one.rows(
            "SELECT symbol, side, quantity FROM trading.positions WHERE symbol = 'ETHUSDT'"
        )
        assert [("ETHUSDT", "Sell", 7)] == held
        await one.must_stand("held before")


async def test_an_opening_brings_the_terms_of_its_contract(database_url: str) -> None:
    """The first word on a contract that the venue lists: its terms are stated, and it is held."""
    async with hand(database_url) as one:
        await one.prove(DAY)
        account = Account(one.account_id, "hand", "bybit", "paper", "")
        listed = ContractTerms(
            "linear", "BTCUSDT", "linear", "BTC", "USDT", "USDT", Decimal(10), None, None, None, b""
        )
        await accounts.put_terms(one.pool, account, [listed], now=END)
        await stated(one, OpeningBalance(LEG, at(2), Decimal(2), Decimal(50)))

        assert [(2, 1000)] == await one.rows("SELECT quantity, cost FROM trading.positions")
        await one.must_stand("an opening with terms")


async def test_an_intent_explains_orders_that_came_before_it(database_url: str) -> None:
    """A bot's own id that no dialect reads: unread until the bot says what it meant."""
    async with hand(database_url) as one:
        await one.book([
            tagged("1", 1, "Buy", "1", "xyz#1"), tagged("2", 2, "Sell", "1", "xyz#2"),
        ])  # fmt: skip
        await one.prove(DAY)
        unread = "SELECT count(*) FROM derived.lines WHERE tag_unread"
        assert [(2,)] == await one.rows(unread)
        await stated(one, Intent("xyz#1", "gamma", "entry"))
        await stated(one, Intent("xyz#2", "gamma", "trailing_stop"))

        assert [("gamma", "trailing_stop")] == [row[:2] for row in await trades(one)]
        assert [(0,)] == await one.rows(unread)
        await one.must_stand("intents")


async def test_a_tag_pattern_reads_the_whole_history_anew(database_url: str) -> None:
    """The pattern is a fact with a date: figures rest on it, and change when it does."""
    async with hand(database_url) as one:
        await one.book([
            tagged("1", 1, "Buy", "1", "zeta/entry/1"), tagged("2", 2, "Sell", "1", "zeta/tp/2"),
        ])  # fmt: skip
        await one.prove(DAY)
        assert ["unassigned"] == [row[0] for row in await trades(one)]
        await stated(one, TagPattern(r"(?P<bot>\w+)/(?P<reason>\w+)/\d+"))

        assert [("zeta", "take_profit")] == [row[:2] for row in await trades(one)]
        await one.must_stand("pattern")
        await stated(one, TagPattern(""))
        assert ["unassigned"] == [row[0] for row in await trades(one)]


async def test_a_price_values_fees_in_another_coin(database_url: str) -> None:
    """Unknown while no price is known, valued by the price of its time, unknown again without."""
    async with hand(database_url) as one:
        paid = {"execFee": "0.5", "feeCurrency": "MNT"}
        await one.book([
            tagged("1", 1, "Buy", "1", ALPHA_IN, **paid),
            tagged("2", 2, "Sell", "1", ALPHA_OUT, execPrice="110", **paid),
        ])  # fmt: skip
        await one.prove(DAY)
        assert (await trades(one))[0][3:] == (10, None)
        morning = Price("MNT", "USDT", DAY.starts_at, at(12), Decimal("0.8"))
        await stated(one, morning)

        assert (await trades(one))[0][3:] == (10, Decimal("9.2"))
        await one.must_stand("priced")
        await stated(one, Price("MNT", "USDT", DAY.starts_at, at(12), None))
        assert (await trades(one))[0][3:] == (10, None)


async def test_terms_are_stated_and_overrule(database_url: str) -> None:
    """A multiplier that a person states counts for every fill of the contract."""
    async with hand(database_url) as one:
        await _two_bots(one)
        await stated(one, Terms("linear", "BTCUSDT", "linear", "BTC", Decimal("0.001"), Decimal(1)))

        assert [Decimal("0.04"), Decimal("0.02")] == [row[3] for row in await trades(one)]
        await one.must_stand("terms")


async def test_restatements_say_what_changed_and_why(database_url: str) -> None:
    """A late fill, then a void: each trade that is different names its cause, before and after."""
    async with hand(database_url) as one:
        await _two_bots(one)
        assert [] == await one.rows("SELECT * FROM ops.restatements")
        await one.book([tagged("0", 0.5, "Buy", "1", ALPHA_IN, execPrice="90")])
        await one.prove(DAY)
        log = (
            "SELECT before_bot_id, before_qty, before_net, after_bot_id, after_qty, after_net"
            " FROM ops.restatements WHERE cause = %s ORDER BY 1, 4, 5 DESC, 6"
        )
        # The late lot is the oldest: the manual close takes one of alpha's, and no longer beta's.
        assert [
            ("alpha", 2, 40, "alpha", 1, 20),
            ("beta", 1, 20, None, None, None),
            (None, None, None, "alpha", 1, 30),
            (None, None, None, "alpha", 1, 30),
        ] == await one.rows(log, "late_fact")

        result = await stated(one, Void((await found(one, "0")).execution_key))
        assert result.restated == 4
        assert ("alpha", 1, 20, "alpha", 2, 40) in await one.rows(log, "void")
        assert (None, None, None, "beta", 1, 20) in await one.rows(log, "void")


async def test_a_second_correction_adds_to_the_first(database_url: str) -> None:
    """Price, then fee: both stand until they are withdrawn together."""
    async with hand(database_url) as one:
        await _two_bots(one)
        hashed, key = await one.hash(), (await found(one, "3")).execution_key
        await stated(one, Correction(key, (("price", "125"),)))
        await stated(one, Correction(key, (("fee", "1"),)))
        assert (await trades(one))[0][3:] == (50, 49)
        await one.must_stand("two corrections")
        await stated(one, Correction(key, ()))

        assert hashed == await one.hash()


async def test_an_intent_that_is_withdrawn_leaves_the_tag(database_url: str) -> None:
    """Without the intent the client id counts again, as if nothing had been said."""
    async with hand(database_url) as one:
        await _two_bots(one)
        hashed = await one.hash()
        await stated(one, Intent(ALPHA_OUT, "beta", "stop_loss"))
        assert hashed != await one.hash()
        await one.must_stand("an intent over a tag")
        await stated(one, Intent(ALPHA_OUT, None, ""))

        assert hashed == await one.hash()
        await one.must_stand("no intent")


async def test_a_statement_lays_what_others_have_booked(database_url: str) -> None:
    """A late row waits for its proof; a statement on something else must not swallow it."""
    async with hand(database_url) as one:
        await _two_bots(one)
        await one.book([tagged("0", 0.5, "Buy", "1", ALPHA_IN, execPrice="90")])
        await stated(one, Price("MNT", "USDT", DAY.starts_at, at(12), Decimal(1)))
        await one.must_stand("a statement with a row waiting")
        await one.prove(DAY)

        await one.must_stand("the row proven")


async def test_a_stated_opening_belongs_to_its_own_piece_of_time(database_url: str) -> None:
    """An older window without fills is proven apart from it: nothing is held there by this word."""
    async with hand(database_url) as one:
        await one.prove(Window(at(11), END))
        await stated(one, OpeningBalance(LEG, at(12), Decimal(2), Decimal(10)))
        await one.prove(Window(at(1), at(2)))

        await one.must_stand("an empty window before")
        assert [(2,)] == await one.rows("SELECT quantity FROM trading.positions")


async def test_a_first_fill_that_goes_reopens_the_question_of_the_opening(
    database_url: str,
) -> None:
    """A later statement fits once nothing stands before it any more."""
    async with hand(database_url) as one:
        await one.book([
            tagged("1", 5, "Buy", "1", ALPHA_IN), tagged("2", 8, "Sell", "1", ALPHA_OUT),
        ])  # fmt: skip
        await one.prove(DAY)
        await stated(one, OpeningBalance(LEG, at(2), Decimal(3), Decimal(100)))
        await stated(one, OpeningBalance(LEG, at(4), Decimal(7), Decimal(100)))
        await one.must_stand("two openings before the first fill")
        await stated(one, Void((await found(one, "1")).execution_key))

        await one.must_stand("the first fill voided")

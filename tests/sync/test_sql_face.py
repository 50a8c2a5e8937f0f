"""The SQL face: the statements that people have from before run as they stand and agree."""

# ruff: noqa: S608 - these statements are put together from this file's own words

from decimal import Decimal

from fillbook.domain.window import milliseconds
from tests.sync.book import END, Book, opened, paper, whole

# As their users wrote them, but for the name of the bot: the paper bots have names of their own.
RECENT_JOBS = """
SELECT * FROM trading.sync_status
ORDER BY sync_started_at DESC
LIMIT 10;
"""
BY_BOT = """
SELECT bot_id, COUNT(*) as total_trades
FROM trading.completed_trades
GROUP BY bot_id;
"""
BY_REASON = """
SELECT
    exit_reason,
    COUNT(*) as count,
    COUNT(*) FILTER (WHERE net_pnl > 0) as wins,
    ROUND(AVG(net_pnl), 2) as avg_pnl
FROM trading.completed_trades
WHERE bot_id = 'shortseller_001'
GROUP BY exit_reason
ORDER BY count DESC;
"""
COMPLETED_JOBS = """
SELECT
    bot_id,
    sync_type,
    status,
    trades_synced,
    duration_seconds,
    sync_completed_at
FROM trading.sync_status
WHERE status = 'completed'
ORDER BY sync_completed_at DESC
LIMIT 20;
"""
DAILY = """
SELECT * FROM trading.completed_trades_summary
WHERE bot_id = 'momentum_001'
  AND trade_date >= CURRENT_DATE - INTERVAL '7 days'
ORDER BY trade_date DESC;
"""
NEW_BOT = """
INSERT INTO trading.bots (bot_id, bot_name, bot_type, status, deployment_mode)
VALUES ('newbot_001', 'New Bot', 'strategy_type', 'active', 'live');
"""
VIEWS = (
    "bots", "completed_trades", "completed_trades_summary", "execution_owners", "trades",
    "cash_flows", "lot_matches", "sync_status", "sync_history", "positions", "round_trips",
    "position_events", "restatements", "statements", "unattached_costs",
)  # fmt: skip
COMPLETED_COLUMNS = [
    "id", "trade_id", "bot_id", "symbol", "entry_order_id", "entry_client_order_id", "entry_side",
    "entry_price", "entry_qty", "entry_time", "entry_reason", "entry_commission", "exit_order_id",
    "exit_client_order_id", "exit_side", "exit_price", "exit_qty", "exit_time", "exit_reason",
    "exit_commission", "gross_pnl", "net_pnl", "pnl_pct", "total_commission",
    "holding_duration_seconds", "source", "synced_at", "created_at",
]  # fmt: skip


async def _one(book: Book, query: str) -> object:
    return (await book.rows(query))[0][0]


async def test_the_printed_statements_run_and_make_sense(database_url: str) -> None:
    """Jobs, trades by bot and by reason, the daily summary, and a bot registered by hand."""
    settings = paper(executions=900)
    async with opened(database_url, settings) as book:
        await book.backfill(whole(settings))
        trades = await _one(book, "SELECT count(*) FROM trading.completed_trades")
        bots = dict(await book.rows(BY_BOT))
        reasons = await book.rows(BY_REASON)
        (job,) = await book.rows(COMPLETED_JOBS)
        recent = await book.rows(RECENT_JOBS)
        await book.rows(NEW_BOT)
        of_bot = await _one(
            book,
            "SELECT count(*) FROM trading.completed_trades_summary WHERE bot_id = 'momentum_001'",
        )

        assert sum(bots.values()) == trades
        assert {"shortseller_001", "lxalgo_001", "momentum_001"} <= bots.keys()
        assert sum(row[1] for row in reasons) == bots["shortseller_001"]
        assert all(0 <= wins <= count for _, count, wins, _ in reasons)
        assert (None, "backfill", "completed", trades) == job[:4]
        assert 1 == len(recent)
        assert isinstance(await book.rows(DAILY), list)
        assert isinstance(of_bot, int)
        assert of_bot > 3
        assert [("newbot_001", "New Bot", "strategy_type", "active", "live")] == await book.rows(
            "SELECT * FROM trading.bots"
        )


async def test_the_views_agree_with_each_other(database_url: str) -> None:
    """Trades, lot matches, summaries, owners, cash flows and positions tell one story."""
    settings = paper(executions=900)
    async with opened(database_url, settings) as book:
        await book.backfill(whole(settings))
        columns = [
            row[0]
            for row in await book.rows(
                "SELECT column_name::text FROM information_schema.columns"
                " WHERE table_schema = 'trading' AND table_name = 'completed_trades'"
                " ORDER BY ordinal_position"
            )
        ]
        for view in VIEWS:
            await book.rows(f"SELECT * FROM trading.{view} LIMIT 5")
        sums = "sum(gross_pnl), sum(net_pnl), sum({}), sum(funding)"
        fees = "entry_commission + exit_commission"
        by_trade = await book.rows(
            f"SELECT {sums.format('total_commission')} FROM trading.completed_trades"
        )
        by_lot = await book.rows(f"SELECT {sums.format(fees)} FROM trading.lot_matches")
        by_day = await book.rows(
            f"SELECT {sums.format('total_commission')} FROM trading.completed_trades_summary"
        )
        realized = await _one(book, "SELECT sum(realized_pnl) FROM trading.positions")
        owned = await book.rows("SELECT sum(qty) FROM trading.execution_owners")
        shares = await _one(
            book,
            "SELECT count(*) FROM trading.trades t WHERE bot_id IS NULL AND 1 = (SELECT"
            " count(DISTINCT o.bot_id) FROM trading.execution_owners o"
            " WHERE o.execution_id = t.execution_id)",
        )
        held = await book.rows(
            "SELECT quantity, avg_entry_price, cost, unrealized_pnl, mark_price, side"
            " FROM trading.positions WHERE quantity <> 0"
        )
        (history,) = await book.rows(
            "SELECT exchange_id, success, items_processed, items_synced FROM trading.sync_history"
        )
        raw = await _one(book, "SELECT count(*) FROM facts.raw_records")

        assert COMPLETED_COLUMNS == columns[: len(COMPLETED_COLUMNS)]
        assert by_trade == by_lot == by_day
        assert by_trade[0][0] - by_trade[0][2] - by_trade[0][3] == by_trade[0][1] == realized
        assert owned == await book.rows("SELECT sum(qty) FROM trading.trades")
        assert 0 == shares
        assert held
        for quantity, average, cost, unrealized, mark, side in held:
            sign = 1 if side == "Buy" else -1
            assert abs(quantity * average - cost) < Decimal("1e-6")
            assert unrealized == sign * (mark * quantity - cost)
        assert ("bybit", True) == history[:2]
        assert history[2] >= history[3] == raw


async def test_trades_carry_what_their_orders_said(database_url: str) -> None:
    """Times, sides and ids of a completed trade are those of its entry and its exit."""
    settings = paper(executions=500)
    async with opened(database_url, settings) as book:
        await book.backfill(whole(settings))
        wrong = await book.rows(
            "SELECT trade_id FROM trading.completed_trades t WHERE entry_time > exit_time"
            " OR entry_side = exit_side OR source <> 'bybit_api' OR entry_qty <> exit_qty"
            " OR holding_duration_seconds < 0 OR NOT EXISTS (SELECT FROM trading.trades x"
            "   WHERE x.order_id = t.exit_order_id AND x.client_order_id = t.exit_client_order_id"
            "     AND x.side = t.exit_side AND x.symbol = t.symbol AND x.executed_at = t.exit_time)"
        )
        latest = await _one(book, "SELECT max(executed_at) FROM trading.trades")

        assert [] == wrong
        assert milliseconds(latest) < milliseconds(END)  # type: ignore[arg-type]

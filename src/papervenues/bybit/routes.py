"""Every endpoint of the paper Bybit: method and path to what answers it."""

from papervenues.bybit import (
    closed_answers,
    key_answers,
    log_answers,
    market_answers,
    money_answers,
    order_answers,
    position_answers,
    record_answers,
    wallet_answers,
)
from papervenues.bybit.asked import Asked, Route, Scope
from papervenues.bybit.envelope import Answered, Listing
from papervenues.bybit.listings import Market
from papervenues.bybit.trading_answers import TRADING_ROUTES


def _executions(asked: Asked) -> Answered:
    pages = asked.venue.pages[asked.signer.account]
    return pages.page(pages.understand(asked.query, now_ms=asked.now_ms))


def _executions_scope(asked: Asked) -> Scope:
    pages = asked.venue.pages[asked.signer.account]
    ask = pages.understand(asked.query, now_ms=asked.now_ms)
    return Scope(ask.symbol, ask.start_ms, ask.end_ms)


def _server_time(asked: Asked) -> Answered:
    return market_answers.server_time(asked.now_ms)


def _tickers(asked: Asked) -> Answered:
    return market_answers.tickers(asked.query, market=_market(asked), now_ms=asked.now_ms)


def _kline(asked: Asked) -> Answered:
    return market_answers.kline(asked.query, market=_market(asked), now_ms=asked.now_ms)


def _instruments(asked: Asked) -> Answered:
    return market_answers.instruments_info(
        asked.query, instruments=asked.venue.instruments, now_ms=asked.now_ms
    )


def _market(asked: Asked) -> Market:
    return Market(asked.venue.instruments, asked.venue.paths)


def _nothing(asked: Asked) -> Answered:
    """Rows from before an upgrade of the account, of which there are none."""
    category = asked.query.get("category", "")
    return Listing([], head={"category": category} if category else {})


PRE_UPGRADE = (
    "order/history",
    "execution/list",
    "position/closed-pnl",
    "account/transaction-log",
    "asset/settlement-record",
    "asset/delivery-record",
)
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/v5/market/time"): Route(_server_time, public=True),
    ("GET", "/v5/market/tickers"): Route(_tickers, public=True),
    ("GET", "/v5/market/kline"): Route(_kline, public=True),
    ("GET", "/v5/market/instruments-info"): Route(_instruments, public=True),
    ("GET", "/v5/execution/list"): Route(_executions, scope=_executions_scope),
    ("GET", "/v5/order/history"): Route(order_answers.order_history),
    ("GET", "/v5/order/realtime"): Route(order_answers.open_orders),
    ("GET", "/v5/position/list"): Route(position_answers.position_list),
    ("GET", "/v5/position/closed-pnl"): Route(closed_answers.closed_pnl),
    ("GET", "/v5/position/get-closed-positions"): Route(record_answers.closed_positions),
    ("GET", "/v5/account/info"): Route(key_answers.account_info),
    ("GET", "/v5/account/wallet-balance"): Route(wallet_answers.wallet_balance),
    ("GET", "/v5/account/transaction-log"): Route(log_answers.transaction_log),
    ("GET", "/v5/user/query-api"): Route(key_answers.query_api),
    ("GET", "/v5/asset/coin/query-info"): Route(key_answers.coin_info),
    ("GET", "/v5/asset/deposit/query-record"): Route(money_answers.deposits),
    ("GET", "/v5/asset/deposit/query-internal-record"): Route(money_answers.internal_deposits),
    ("GET", "/v5/asset/withdraw/query-record"): Route(money_answers.withdrawals),
    ("GET", "/v5/asset/transfer/query-inter-transfer-list"): Route(money_answers.transfers),
    ("GET", "/v5/asset/transfer/query-account-coins-balance"): Route(wallet_answers.coins_balance),
    ("GET", "/v5/asset/fundinghistory"): Route(money_answers.fund_history),
    ("GET", "/v5/asset/settlement-record"): Route(record_answers.settlement_record),
    ("GET", "/v5/asset/delivery-record"): Route(record_answers.delivery_record),
} | {("GET", f"/v5/pre-upgrade/{name}"): Route(_nothing) for name in PRE_UPGRADE}
ROUTES |= TRADING_ROUTES

"""Rows as Bybit sends them, inside one window: one of each kind, to be changed by a test."""

from datetime import UTC, datetime, timedelta

from fillbook.domain.window import Window, milliseconds

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=7), NOW - timedelta(minutes=1))


def trade(number: int = 1, **changes: object) -> dict[str, object]:
    """A row of the execution list inside the window of these tests."""
    row: dict[str, object] = {
        "symbol": "BTCUSDT",
        "orderId": f"order-{number}",
        "orderLinkId": "",
        "side": "Buy",
        "createType": "CreateByUser",
        "orderType": "Limit",
        "stopOrderType": "UNKNOWN",
        "execFee": "0.0357",
        "execId": f"exec-{number}",
        "execPrice": "65000.1",
        "execQty": "0.001",
        "execValue": "65.0001",
        "execType": "Trade",
        "execTime": str(milliseconds(WINDOW.starts_at) + number),
        "feeCurrency": "USDT",
        "isMaker": True,
        "markPrice": "65001",
        "closedSize": "0",
        "seq": 4_688_002_127 + number,
        "extraFees": "",
    }
    return row | changes


def order(number: int = 1, **changes: object) -> dict[str, object]:
    """A row of the order history."""
    row: dict[str, object] = {
        "orderId": f"order-{number}",
        "orderLinkId": "f1-momentum_001-ts-lf9pqfcw00",
        "parentOrderLinkId": "f1-momentum_001-en-lf9pqfcw00",
        "symbol": "BTCUSDT",
        "side": "Sell",
        "positionIdx": 1,
        "orderStatus": "Filled",
        "createType": "CreateByTrailingStop",
        "stopOrderType": "TrailingStop",
        "cancelType": "UNKNOWN",
        "reduceOnly": True,
        "closeOnTrigger": True,
        "triggerPrice": "64000.5",
        "basePrice": "",
        "ocoTriggerBy": "",
        "cumExecQty": "0.001",
        "createdTime": str(milliseconds(WINDOW.starts_at) + number),
        "updatedTime": str(milliseconds(WINDOW.starts_at) + number + 5),
    }
    return row | changes


def log_line(number: int = 1, **changes: object) -> dict[str, object]:
    """A line of the account log."""
    row: dict[str, object] = {
        "id": f"592324_BTCUSDT_{number}",
        "symbol": "BTCUSDT",
        "category": "linear",
        "side": "Buy",
        "transactionTime": str(milliseconds(WINDOW.starts_at) + number),
        "type": "TRADE",
        "qty": "0.001",
        "size": "-0.002",
        "currency": "USDT",
        "tradePrice": "65000.1",
        "funding": "",
        "fee": "0.0357",
        "cashFlow": "-1.5",
        "change": "-1.5357",
        "cashBalance": "5086.56192602",
        "feeRate": "0.00055",
        "tradeId": f"exec-{number}",
        "orderId": f"order-{number}",
        "orderLinkId": "",
    }
    return row | changes


def closed(number: int = 1, **changes: object) -> dict[str, object]:
    """A row of the closed profit and loss."""
    row: dict[str, object] = {
        "symbol": "BTCUSDT",
        "orderId": f"order-{number}",
        "side": "Sell",
        "qty": "0.002",
        "execType": "Trade",
        "closedSize": "0.001",
        "cumEntryValue": "64",
        "cumExitValue": "65",
        "closedPnl": "0.9",
        "openFee": "0.05",
        "closeFee": "0.05",
        "fillCount": "2",
        "createdTime": str(milliseconds(WINDOW.starts_at) + number),
        "updatedTime": str(milliseconds(WINDOW.starts_at) + number + 5),
    }
    return row | changes


def deposit(number: int = 1, **changes: object) -> dict[str, object]:
    """A deposit from a chain."""
    row: dict[str, object] = {
        "id": f"{number}",
        "coin": "USDT",
        "chain": "ETH",
        "amount": "100.5",
        "txID": f"0xab{number}",
        "txIndex": "0",
        "status": 3,
        "toAddress": "0x01",
        "fromAddress": "0x02",
        "depositFee": "",
        "successAt": str(milliseconds(WINDOW.starts_at) + number),
    }
    return row | changes


def internal_deposit(number: int = 1, **changes: object) -> dict[str, object]:
    """A deposit from another user."""
    row: dict[str, object] = {
        "id": f"{number}",
        "type": 1,
        "coin": "USDT",
        "amount": "7",
        "status": 2,
        "address": "x***@example.com",
        "createdTime": str(milliseconds(WINDOW.starts_at) // 1000 + number),
        "txID": f"77c{number}",
    }
    return row | changes


def withdrawal(number: int = 1, **changes: object) -> dict[str, object]:
    """A withdrawal."""
    row: dict[str, object] = {
        "withdrawId": f"{number}",
        "txID": "0xcd",
        "coin": "USDT",
        "chain": "ETH",
        "amount": "50",
        "withdrawFee": "1.5",
        "status": "success",
        "toAddress": "0x03",
        "createTime": str(milliseconds(WINDOW.starts_at) + number),
        "updateTime": str(milliseconds(WINDOW.starts_at) + number + 9),
        "withdrawType": 0,
    }
    return row | changes


def transfer(number: int = 1, **changes: object) -> dict[str, object]:
    """A transfer between wallets."""
    row: dict[str, object] = {
        "transferId": f"selfTransfer_{number}",
        "coin": "USDT",
        "amount": "20",
        "fromAccountType": "FUND",
        "toAccountType": "UNIFIED",
        "timestamp": str(milliseconds(WINDOW.starts_at) + number),
        "status": "SUCCESS",
    }
    return row | changes

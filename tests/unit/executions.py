"""An ordinary execution to vary."""

from datetime import UTC, datetime
from decimal import Decimal

from fillbook.domain.execution import Execution
from fillbook.domain.raw import digest_key

EXECUTION = Execution(
    execution_key=digest_key("an execution"),
    executed_at=datetime(2024, 1, 1, tzinfo=UTC),
    venue_seq=7,
    category="linear",
    symbol="BTCUSDT",
    leg="net",
    execution_id="execution-1",
    order_id="order-1",
    client_order_id="",
    side="Buy",
    price=Decimal(100),
    qty=Decimal(2),
    value=Decimal(200),
    closed_qty=Decimal(0),
    fee=Decimal("0.1"),
    fee_currency="USDT",
    fee_inferred=False,
    currency="USDT",
    is_maker=True,
    exec_type="Trade",
    order_type="Limit",
    create_type="CreateByUser",
    stop_type="",
    mark_price=None,
)

"""Reads completed trades with plain SQL: one line per bot and exit reason.

    .venv/bin/python examples/read_trades.py

It asks `fillbook db status` where the ledger is, which starts the embedded database if that is
used. With a database of your own, give its address instead, because `status` leaves out the
password:

    .venv/bin/python examples/read_trades.py postgresql://user:password@host/name
"""

import json
import subprocess
import sys

import psycopg

QUERY = """
SELECT bot_id, exit_reason, currency,
    count(*), sum(net_pnl), count(*) FILTER (WHERE net_pnl IS NULL)
FROM trading.completed_trades
GROUP BY bot_id, exit_reason, currency
ORDER BY bot_id, sum(net_pnl) DESC NULLS LAST
"""


def ledger_url() -> str:
    """Where the ledger is."""
    command = [sys.executable, "-m", "fillbook", "db", "status", "--format", "json"]
    status = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return str(json.loads(status.stdout)["url"])


def main() -> None:
    """Print what each bot earned, by exit reason."""
    url = sys.argv[1] if len(sys.argv) > 1 else ledger_url()
    with psycopg.connect(url) as database:
        for bot, reason, currency, trades, net, unknown in database.execute(QUERY):
            earned = "unknown" if net is None else f"{net:.2f} {currency}"
            open_question = f", {unknown} of unknown profit" if unknown else ""
            print(f"{bot}  {reason}  {trades} trades  {earned}{open_question}")


if __name__ == "__main__":
    main()

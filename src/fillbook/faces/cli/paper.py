"""`fillbook paper`: the paper venues. They share nothing with the ledger but this door."""


def run_bybit(arguments: list[str]) -> int:
    """Run the paper Bybit with its own options."""
    from papervenues.bybit.__main__ import main

    return main(arguments)

"""From the venue into the ledger."""

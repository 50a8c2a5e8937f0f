"""The ledger: facts and figures in one PostgreSQL."""

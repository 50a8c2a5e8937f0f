"""Reports: each public module answers one question from the ledger; `_report` is their contract."""

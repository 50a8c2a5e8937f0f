"""Fillbook: every fill, booked once. A self-hosted ledger of record for automated traders."""

__version__ = "0.1.0"

"""The service as a process of its own: `python -m fillbook.exchange_sync.runner`."""

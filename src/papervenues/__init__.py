"""Paper venues: simulated exchanges on loopback that keep their own true books.

Nothing here knows Fillbook. A paper venue invents a seeded history, serves it in the venue's
own dialect, misbehaves when it is told to, and says on request what truly happened. That last
part makes it an oracle: its bookkeeping shares no code with the ledger that it tests.
"""

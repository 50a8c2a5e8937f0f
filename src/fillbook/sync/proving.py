"""Proving what was traversed, window by window; windows without rows are proven together.

An account is silent most of the time and in most products. A proof is a transaction; a window that
held nothing needs none of its own, because nothing of it waits to be laid.
"""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from fillbook.domain.window import Window
from fillbook.ledger import coverage, proofs, runs
from fillbook.ledger.proofs import Proof
from fillbook.ledger.timings import Timed
from fillbook.ledger.writing import writing
from fillbook.sync.tally import in_ms
from fillbook.sync.traversal import Reader, Traversed
from fillbook.venues._logger import get_logger

log = get_logger()

WAITING_MAX = timedelta(seconds=10)  # proofs keep a lease alive as well


@dataclass(slots=True)
class Prover:
    """Proves the windows of one piece of time."""

    reader: Reader
    _silent: Traversed | None = None

    async def add(self, traversed: Traversed) -> None:
        """A window was read to its end."""
        self.reader.tally.add(_timed(self.reader, traversed))
        waiting = self._silent
        self._silent = None
        if waiting is not None:
            traversed = _joined(waiting, traversed)
        if traversed.row_count == 0 and self.reader.clock() - traversed.read_at < WAITING_MAX:
            self._silent = traversed
            return
        await self._prove(traversed)

    async def flush(self) -> None:
        """Prove what still waits."""
        waiting = self._silent
        self._silent = None
        if waiting is not None:
            await self._prove(waiting)

    async def failed(self, window: Window, reason: str, *, took: timedelta = timedelta()) -> str:
        """Say why a window is not proven; what was read before it is proven first."""
        await self.flush()
        reader = self.reader
        name, scope = reader.rules.name, reader.scope
        reader.tally.add(Timed(name, scope, window, 0, 0, took, reason))
        async with writing(
            reader.pool, reader.account.account_id, lease=reader.lease, now=reader.clock()
        ) as open_writing:
            await coverage.add_failure(
                open_writing,
                stream=reader.rules.name,
                scope=reader.scope,
                window=window,
                reason=reason,
                failed_at=reader.clock(),
                run_id=reader.run.run_id,
            )
        log.warning(
            "window not proven",
            stream=reader.rules.name,
            scope=reader.scope,
            window=str(window),
            reason=reason,
            ms=in_ms(took),
        )
        return f"{reader.rules.name} {reader.scope}, {window}: {reason}"

    async def _prove(self, traversed: Traversed) -> None:
        reader, window = self.reader, traversed.window
        settled = window.ends_at + reader.rules.lateness <= traversed.read_at
        proof = Proof(
            stream=reader.rules.name,
            scope=reader.scope,
            window=window,
            outcome="settled" if settled else "read",
            pages=traversed.pages,
            row_count=traversed.row_count,
            read_at=traversed.read_at,
            run_id=reader.run.run_id,
        )
        with reader.tally.spending("prove", reader.clock), reader.run.counted() as counts:
            async with writing(
                reader.pool, reader.account.account_id, lease=reader.lease, now=reader.clock()
            ) as open_writing:
                grown = await proofs.prove(open_writing, proof)
                counts.add(trades_new=grown)
                await runs.progress(open_writing.conn, reader.run)
        log.log(
            logging.INFO if traversed.row_count else logging.DEBUG,
            "window proven",
            window=str(window),
            pages=traversed.pages,
            rows=traversed.row_count,
            new_trades=grown,
            ms=in_ms(traversed.took),
        )


def _timed(reader: Reader, traversed: Traversed) -> Timed:
    return Timed(
        stream=reader.rules.name,
        scope=reader.scope,
        window=traversed.window,
        pages=traversed.pages,
        row_count=traversed.row_count,
        took=traversed.took,
    )


def _joined(before: Traversed, after: Traversed) -> Traversed:
    """Two windows that touch as one; it counts as read when the first of them was."""
    return replace(
        after,
        window=Window(before.window.starts_at, after.window.ends_at),
        pages=before.pages + after.pages,
        row_count=before.row_count + after.row_count,
        read_at=before.read_at,
        took=before.took + after.took,
    )

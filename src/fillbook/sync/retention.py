"""Naming what a venue no longer keeps: a gap that nothing will close, with its dates."""

from fillbook.domain.window import Window, minus, union
from fillbook.ledger import coverage, proofs
from fillbook.ledger.proofs import Proof
from fillbook.ledger.writing import writing
from fillbook.sync import windows
from fillbook.sync.traversal import Reader


async def name_unavailable(reader: Reader, asked: Window) -> None:
    """Name it once: the next pass asks for the same again."""
    gone = windows.unavailable(asked, reader.rules, now=reader.clock())
    if gone is None:
        return
    known = await coverage.get(
        reader.pool, reader.account.account_id, reader.rules.name, reader.scope
    )
    for piece in minus([gone], union([*known.unavailable, *known.read])):
        await _name(reader, piece)


async def _name(reader: Reader, gone: Window) -> None:
    now = reader.clock()
    async with writing(
        reader.pool, reader.account.account_id, lease=reader.lease, now=now
    ) as open_writing:
        proof = Proof(
            stream=reader.rules.name,
            scope=reader.scope,
            window=gone,
            outcome="unavailable",
            pages=0,
            row_count=0,
            read_at=now,
            run_id=reader.run.run_id,
            reason="older than the venue keeps",
        )
        await proofs.add_window(open_writing, proof)
        await coverage.name_unavailable(open_writing, proof.stream, proof.scope, gone)

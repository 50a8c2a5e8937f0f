"""Long histories are laid a chunk at a time: the book is the same whatever the chunks."""

from datetime import timedelta

import pytest

from fillbook.domain.window import Window
from fillbook.ledger import leg_facts
from tests.ledger.handed_in import END, hand, inside, paper_rows

DAYS = 8
ALL = Window(END - timedelta(days=DAYS), END)


@pytest.mark.parametrize("rows_max", [1, 7, 40])
async def test_chunks_lay_one_book(
    database_url: str, monkeypatch: pytest.MonkeyPatch, rows_max: int
) -> None:
    """Chunks of one fill, of seven, of forty; bursts within a millisecond included."""
    rows = paper_rows("same_ms_burst=0.03", executions=160, days=DAYS, seed=rows_max)
    late = inside(rows, Window(END - timedelta(days=5), END))  # begins in the middle of positions
    async with hand(database_url) as whole:
        await whole.book(late)
        await whole.prove(ALL)
        expected = await whole.hash()
        monkeypatch.setattr(leg_facts, "CHUNK_ROWS", rows_max)
        await whole.must_stand("laid again in chunks")
        assert expected == await whole.hash()
    async with hand(database_url) as pieces:
        await pieces.book(late)
        await pieces.prove(ALL)

        assert expected == await pieces.hash()

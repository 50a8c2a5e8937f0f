"""What is said of an error."""

import pytest

from fillbook.errors import FillbookError, LeaseHeld, in_words


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LeaseHeld(), "Another worker is syncing this stream."),
        (FillbookError("Do this next."), "Do this next."),
        (KeyError("side"), "KeyError: 'side'"),
        (ValueError(), "ValueError: "),
    ],
)
def test_an_error_of_ours_is_a_sentence_and_another_is_named(error: Exception, said: str) -> None:
    """So that a defect is not taken for something that was foreseen."""
    assert in_words(error) == said

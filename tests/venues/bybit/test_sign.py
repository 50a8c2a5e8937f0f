"""Requests are signed as the venue checks them, and what signs them shows nothing."""

import pytest

from fillbook.errors import SettingError
from fillbook.venues.bybit.sign import Signer

AT_MS = 1_700_000_000_000


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        (
            "category=linear&limit=1",
            "f4e8f0a565f3e1ada5572a4fb719cc80ed728c5a1bf4e5431d05b59c54c234dd",
        ),
        (
            "category=linear&cursor=132766%3A2%2C132766%3A2&limit=100",
            "367c722944e54c527fec849dcf7988f2ec375adfebf6b1bbe56537c6d3b7d0fe",
        ),
        ("", "14463d7d3351b2b170c2d8965df4f1b0c5d6667f92b9e0f2ca05ed66ae578acd"),
    ],
)
def test_signatures_are_the_known_ones(query: str, signature: str) -> None:
    """The measured vectors come out, percent signs untouched."""

    assert Signer(key="labkey", secret="labsecret").signature(query, at_ms=AT_MS) == signature


def test_a_signer_shows_nothing() -> None:
    """Neither its text nor its representation holds the key or the secret."""
    signer = Signer(key="labkey", secret="labsecret")

    assert "lab" not in f"{signer} {signer!r}"
    assert signer.redacted("labkey said labsecret") == "[hidden] said [hidden]"


@pytest.mark.parametrize("word", ["", "two words", "line\n", "naïve", "x" * 201])
def test_a_damaged_key_is_refused_unquoted(word: str) -> None:
    """What cannot be a key is refused before it is sent, without being repeated."""

    with pytest.raises(SettingError) as refused:
        Signer(key="labkey", secret=word)
    assert not word or word not in str(refused.value)

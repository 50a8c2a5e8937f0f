"""A pacer keeps a venue's limit, comes close to it, and obeys whoever is slower."""

import asyncio
from datetime import timedelta

import pytest

from fillbook.errors import SettingError
from fillbook.venues._pace import HOLD_SECONDS_MAX, SLOWED_SECONDS, Pacer, PaceSettings

LATENCY = 0.002


class Track:
    """A stopwatch and a sleep without waiting, and the instants at which requests went out."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def run(self, pacer: Pacer, count: int, *, told: int | None = None) -> float:
        """Send so many requests one after the other: the seconds that it took."""
        begun = self.now
        for _ in range(count):
            await pacer.wait()
            self.sent.append(self.now)
            self.now += LATENCY
            if told is not None:
                pacer.told(told, None)
        return self.now - begun

    def busiest_second(self) -> int:
        """The most requests in any rolling second."""
        return max(sum(at <= other < at + 1 for other in self.sent) for at in self.sent)


def paced(track: Track, **settings: object) -> Pacer:
    made = PaceSettings(**settings)  # type: ignore[arg-type]
    return Pacer(made, sleep=track.sleep, stopwatch=lambda: track.now)


@pytest.mark.parametrize("rate", [1, 10, 25, 50, 120])
async def test_a_told_limit_is_used_to_the_full(rate: int) -> None:
    """In the long run within 5 % of the bound, and never more than the limit in a second."""
    track = Track()
    spent = await track.run(paced(track), rate * 20, told=rate)

    assert spent < 20 * 1.05
    assert track.busiest_second() <= rate


async def test_nothing_slows_down_who_was_told_nothing() -> None:
    """Without a ceiling and before any header there is no waiting."""
    track = Track()

    assert await track.run(paced(track), 500) == pytest.approx(500 * LATENCY)


async def test_a_limit_far_above_need_does_not_slow_down() -> None:
    """A venue that announces thousands is not paced at all."""
    track = Track()

    assert await track.run(paced(track), 500, told=10_000) == pytest.approx(500 * LATENCY)


@pytest.mark.parametrize(("ceiling", "rate"), [(50, 10), (4, 4)])
async def test_with_a_ceiling_an_unknown_limit_is_careful(ceiling: int, rate: int) -> None:
    """Until the venue speaks it is ten a second, or the ceiling when that is lower."""
    track = Track()
    spent = await track.run(paced(track, rate_max=ceiling), rate * 10)

    assert 9 < spent < 10.5
    assert track.busiest_second() <= rate


async def test_a_ceiling_is_below_the_venue_s_limit() -> None:
    """The lower of the two counts."""
    track = Track()
    await track.run(paced(track, rate_max=20), 200, told=50)

    assert track.busiest_second() <= 20


async def test_a_smallest_pause_is_kept() -> None:
    """Between two requests lies at least the pause, whatever the venue allows."""
    track = Track()
    await track.run(paced(track, pause_min=timedelta(seconds=0.3)), 10, told=50)

    gaps = [b - a for a, b in zip(track.sent, track.sent[1:], strict=False)]
    assert min(gaps) == pytest.approx(0.3)


async def test_concurrent_callers_share_the_limit() -> None:
    """Those who ask at once are spread over time, as one alone would be."""
    track = Track()
    pacer = paced(track)
    pacer.told(10, None)
    slots: list[float] = []

    async def note(seconds: float) -> None:
        slots.append(seconds)

    pacer._sleep = note
    await asyncio.gather(*(pacer.wait() for _ in range(25)))

    assert max(slots) > 1.9
    assert max(sum(at <= other < at + 1 for other in slots) for at in slots) <= 10


async def test_a_hold_silences_and_is_bounded() -> None:
    """A refusal holds all requests back, but no header can do so for ever."""
    track = Track()
    pacer = paced(track)
    pacer.rejected(2.0)
    assert await track.run(pacer, 1) == pytest.approx(2 + LATENCY)

    pacer.hold(1e9)
    assert await track.run(pacer, 1) == pytest.approx(HOLD_SECONDS_MAX + LATENCY)


@pytest.mark.parametrize(("told", "usual"), [(50, 50), (None, 10), (1, 1)])
async def test_a_refusal_for_haste_halves_the_rate_for_a_minute(
    told: int | None, usual: int
) -> None:
    """Also where the venue had named a limit: then the limit counts again."""
    track = Track()
    pacer = paced(track)
    if told is not None:
        pacer.told(told, None)
    pacer.rejected(1.0)
    slow = max(1, usual // 2)
    assert pacer.rate == slow
    await track.run(pacer, 30 if told != 1 else 3, told=told or usual)
    assert pacer.rate == slow
    assert track.busiest_second() <= slow

    track.now += 1.0 + SLOWED_SECONDS
    assert pacer.rate == usual


def test_impossible_settings_are_refused() -> None:
    """A rate of nothing and a negative pause are mistakes."""

    with pytest.raises(SettingError):
        PaceSettings(rate_max=0)
    with pytest.raises(SettingError):
        PaceSettings(pause_min=timedelta(seconds=-1))

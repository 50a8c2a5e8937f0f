"""Whoever asks one host from one process keeps one budget, one pace per key, and one silence."""

from datetime import timedelta

from fillbook.venues._pace import PaceSettings
from fillbook.venues._sharing import BUDGET_REQUESTS, Budget, Sharing

VENUE_REQUESTS = 600  # what a venue allows an address in five seconds
VENUE_SECONDS = 5


class Track:
    """A stopwatch and a sleep without waiting."""

    def __init__(self) -> None:
        self.now = 100.0

    def stopwatch(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def shared(track: Track) -> Sharing:
    return Sharing(sleep=track.sleep, stopwatch=track.stopwatch)


async def test_many_endpoints_keep_one_budget() -> None:
    """However many keys and endpoints ask, no five seconds hold more than the address may send."""
    track = Track()
    sharing = shared(track)
    sent: list[float] = []
    for number in range(3 * BUDGET_REQUESTS):
        pacer = sharing.pacer(
            "host", f"key-{number % 3}", f"/{number % 7}", settings=PaceSettings()
        )
        await pacer.wait()
        sent.append(track.now)
        track.now += 0.0001
    busiest = max(sum(at <= other < at + VENUE_SECONDS for other in sent) for at in sent)

    assert busiest <= BUDGET_REQUESTS < VENUE_REQUESTS
    assert 10 < sent[-1] - sent[0] < 11


async def test_another_host_has_a_budget_of_its_own() -> None:
    """It is not slowed down by the first."""
    track = Track()
    sharing = shared(track)
    for _ in range(BUDGET_REQUESTS):
        await sharing.pacer("one", "key", "/", settings=PaceSettings()).wait()
    await sharing.pacer("two", "key", "/", settings=PaceSettings()).wait()
    assert track.now == 100.0

    await sharing.pacer("one", "other", "/other", settings=PaceSettings()).wait()
    assert track.now > 105


def test_a_pace_is_one_for_a_key_at_an_endpoint() -> None:
    """The strictest settings of those who use it count, in whatever order they come."""
    sharing = shared(Track())
    first = sharing.pacer("host", "key", "/a", settings=PaceSettings(rate_max=20))
    second = sharing.pacer("host", "key", "/a", settings=PaceSettings(rate_max=5))
    third = sharing.pacer("host", "key", "/a", settings=PaceSettings())

    assert first is second is third
    assert first.rate == 5
    assert sharing.pacer("host", "key", "/b", settings=PaceSettings()) is not first
    assert sharing.pacer("host", "other", "/a", settings=PaceSettings()) is not first


def test_stricter_settings_keep_to_both() -> None:
    """The longer pause and the lower rate; where one says nothing, the other counts."""
    pause, rate = timedelta(seconds=1), 7

    assert PaceSettings(pause_min=pause).stricter(PaceSettings(rate_max=rate)) == PaceSettings(
        pause_min=pause, rate_max=rate
    )
    assert PaceSettings(rate_max=9).stricter(PaceSettings(rate_max=rate)).rate_max == rate


def test_a_budget_remembers_no_more_than_it_needs() -> None:
    """Requests that were planned out of order count all the same."""
    budget = Budget()
    for number in range(2 * BUDGET_REQUESTS):
        budget.take(float(-number if number % 2 else number))

    assert len(budget._taken) == BUDGET_REQUESTS
    assert budget.earliest() > 0

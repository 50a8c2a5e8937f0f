"""In which state is a deposit or a withdrawal at an instant?

By default a movement is listed once it is done. Where states pass, it is listed from its beginning,
some time before the money moves: it is under way until then, and done afterwards. Beside about
every other one stands one that comes to nothing: a withdrawal fails, a deposit fails or is rolled
back a day after it succeeded. These move no money of the account in the end, and the books, which
know no pending money, never count them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from papervenues.bybit.history import AccountHistory
from papervenues.bybit.settings import DAY_MS, HOUR_MS, MINUTE_MS
from papervenues.draws import digest_of

PASSING = "passing"
UNDER_WAY, DONE, FAILED, RETURNING, RETURNED = range(5)
VAIN_SHARE = 2
ROLLBACK_MS = DAY_MS
RETURNING_MS = 6 * HOUR_MS
TAKES_MIN_MS, TAKES_MAX_MS = 10 * MINUTE_MS, 40 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Movement:
    """A deposit or a withdrawal, as it is seen at an instant."""

    number: int  # of the cash event; of the one beside it where it comes to nothing
    made_ms: int
    done_ms: int  # when the money moves, or would have moved
    state: int = DONE
    is_vain: bool = False


def finished(history: AccountHistory, numbers: Iterable[int]) -> list[Movement]:
    """Movements that are listed when they are done."""
    return [
        Movement(number, history.cash[number].time_ms, history.cash[number].time_ms)
        for number in numbers
    ]


def passing(history: AccountHistory, numbers: Iterable[int], *, now_ms: int) -> list[Movement]:
    """Movements in their states at an instant, those that come to nothing beside the others."""
    seen = (one for number in numbers for one in _of(history, number, now_ms=now_ms))
    begun = (one for one in seen if one.made_ms <= now_ms)
    return sorted(begun, key=lambda one: (one.made_ms, one.number, one.is_vain))


def _of(history: AccountHistory, number: int, *, now_ms: int) -> Iterator[Movement]:
    done_ms = history.cash[number].time_ms
    draw = digest_of("movement", history.seed, history.user_id, number)
    made_ms = done_ms - TAKES_MIN_MS - draw % (TAKES_MAX_MS - TAKES_MIN_MS)
    yield Movement(number, made_ms, done_ms, DONE if now_ms >= done_ms else UNDER_WAY)
    if draw % VAIN_SHARE == 0:
        is_deposit = history.cash[number].kind == "DEPOSIT"
        returns = is_deposit and draw // VAIN_SHARE % 2 == 0
        state = _vain_state(now_ms - done_ms, returns=returns)
        yield Movement(number, made_ms + MINUTE_MS, done_ms, state, is_vain=True)


def _vain_state(since_ms: int, *, returns: bool) -> int:
    if since_ms < 0:
        return UNDER_WAY
    if not returns:
        return FAILED
    if since_ms < ROLLBACK_MS:
        return DONE
    return RETURNING if since_ms < ROLLBACK_MS + RETURNING_MS else RETURNED

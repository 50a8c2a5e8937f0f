"""How is a question put to Bybit until it is answered or given up?

One question passes the endpoint's pacer, is signed with the venue's time, sent, and its answer
validated *inside* the loop, so that a broken body is asked for again like a dropped line. What each
refusal means is decided in `envelope.py`; here it is only acted upon:

=====================  ===========================================================================
error                  action
=====================  ===========================================================================
VenueClockError        read the venue's clock, ask once more, then give up
VenueRateLimited       wait for the reset that the venue named, else one to two seconds; bounded
VenueUnavailable       wait twice as long each time, with jitter; bounded
blocked (HTTP 403)     give up; nobody in this process sends anything there for ten minutes
any other              give up
=====================  ===========================================================================
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from fillbook.domain.window import from_microseconds, milliseconds
from fillbook.errors import (
    UsageError,
    VenueClockError,
    VenueError,
    VenueRateLimited,
    VenueUnavailable,
)
from fillbook.venues._pace import Pacer, PaceSettings
from fillbook.venues._sharing import Network, Sharing
from fillbook.venues._transport import Answer, Transport
from fillbook.venues.bybit.envelope import BLOCKED_MINUTES, BLOCKS, header_number, result_of
from fillbook.venues.bybit.hosts import network_of
from fillbook.venues.bybit.sign import Signer

T = TypeVar("T")
Jitter = Callable[[float, float], float]

TIME_PATH = "/v5/market/time"
LIMIT_HEADER = "x-bapi-limit"
REMAINING_HEADER = "x-bapi-limit-status"
BACKOFF_SECONDS_MAX = 20.0
HASTE_SECONDS_MIN = 1.0
HASTE_SECONDS_MAX = 10.0
RESET_SECONDS_MAX = 60.0  # some endpoints count by the minute
RESET_MARGIN_SECONDS = 0.01
_NANO_DIGITS = 19  # from 2001 to 2286
# As a word of a query, a value must not be able to end it or to begin another word.
_UNSAFE = frozenset("&#?= \t\r\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """How often one question is put, and how long the first wait between two tries is."""

    tries: int = 5
    base_seconds: int | float = 0.2

    def __post_init__(self) -> None:
        if self.tries < 1 or self.base_seconds < 0:
            raise UsageError("a question is put at least once, and waits are not negative")


@dataclass(frozen=True, slots=True)
class Question:
    """A path and its raw words, in the order in which they are sent and signed."""

    path: str
    words: Sequence[tuple[str, str]] = ()
    signed: bool = True

    @property
    def query(self) -> str:
        """The raw query. Values go out as they are: a cursor is encoded already."""
        for name, value in self.words:
            if not is_word(value):
                raise UsageError(f"the value of {name} does not fit into a query")
        return "&".join(f"{name}={value}" for name, value in self.words)


TIME = Question(TIME_PATH, signed=False)


def is_word(value: str) -> bool:
    """Whether a text can stand in a query as it is."""
    return value.isascii() and value.isprintable() and not _UNSAFE.intersection(value)


@dataclass(slots=True, kw_only=True)
class Session:
    """Everything that one key's questions share: connection, clock offset, pace, counters.

    Pace, budget and blocks are shared further, with all in this process who use the same key or ask
    the same network of Bybit.
    """

    http: Transport
    signer: Signer
    clock: Callable[[], datetime]
    sharing: Sharing
    pace: PaceSettings = field(default_factory=PaceSettings)
    retry: RetrySettings = field(default_factory=RetrySettings)
    jitter: Jitter = random.uniform  # is no secret
    requests: int = 0
    offset: timedelta | None = None

    async def ask(self, question: Question, read: Callable[[msgspec.Raw], T]) -> T:
        """The validated answer to a question."""

        async def once() -> T:
            if question.signed and self.offset is None:
                await self._learn_time()
            return read(await self._send(question))

        return await self._insist(question, once)

    async def time_now(self) -> datetime:
        """The venue's clock now."""
        return await self._insist(TIME, self._learn_time)

    async def _learn_time(self) -> datetime:
        """Read the venue's clock, and how far ours is from it."""
        asked_at = self.clock()
        begun = self.sharing.stopwatch()
        at = _time_in(await self._send(TIME), self.http.host)
        travel = timedelta(seconds=max(0.0, self.sharing.stopwatch() - begun))
        self.offset = at - (asked_at + travel / 2)
        return at

    async def _insist(self, question: Question, once: Callable[[], Awaitable[T]]) -> T:
        """Try until there is an answer or no hope of one."""
        clock_corrected = False
        tries = 0
        while True:
            try:
                return await once()
            except VenueClockError:
                if clock_corrected:
                    raise
                clock_corrected = True
                self.offset = None
                continue
            except VenueRateLimited as error:
                tries = self._counted(tries, error)
                pause = self._haste_pause(error, tries)
                self._pacer(question.path, is_signed=question.signed).rejected(pause)
            except VenueUnavailable as error:
                tries = self._counted(tries, error)
                pause = self._backoff(tries)
            except VenueError as error:
                self.note(error)
                raise
            await self.sharing.sleep(pause)

    async def _send(self, question: Question) -> msgspec.Raw:
        query = question.query
        pacer = self._pacer(question.path, is_signed=question.signed)
        self.check_silence()
        await pacer.wait()
        self.check_silence()  # somebody else may have been blocked meanwhile
        headers: dict[str, str] = {}
        if question.signed:
            headers = self.signer.headers(query, at_ms=milliseconds(self.venue_now()))
        self.requests += 1
        target = f"{question.path}?{query}" if query else question.path
        answer = await self.http.get(target, headers=headers)
        _tell(pacer, answer)
        return result_of(answer, host=self.http.host, redact=self.signer.redacted)

    def check_silence(self) -> None:
        """Raise while the address is blocked. Only the venue's own answer renews a block."""
        left = self._network.silent_until - self.sharing.stopwatch()
        if left > 0:
            raise VenueError(
                f"{self.http.host} blocked this address a short while ago: "
                f"nothing is asked for another {left:.0f} seconds"
            )

    def note(self, error: VenueError) -> None:
        """Remember a block, so that nobody in this process asks any host of it for a while."""
        if error.code in BLOCKS:
            self._network.silence(self.sharing.stopwatch() + BLOCKED_MINUTES * 60)

    def venue_now(self) -> datetime:
        """The venue's time, as far as it was learnt."""
        return self.clock() + (self.offset or timedelta())

    @property
    def _network(self) -> Network:
        return self.sharing.network(network_of(self.http.host))

    def _pacer(self, path: str, *, is_signed: bool) -> Pacer:
        key = self.signer.fingerprint if is_signed else ""
        return self.sharing.pacer(network_of(self.http.host), key, path, settings=self.pace)

    def _counted(self, tries: int, error: VenueUnavailable) -> int:
        """One more try was in vain; raises the error when it was the last."""
        tries += 1
        if tries < self.retry.tries:
            return tries
        message = f"{error} (tried {tries} times)"
        if isinstance(error, VenueRateLimited):
            raise VenueRateLimited(message, code=error.code, retry_at=error.retry_at) from None
        raise VenueUnavailable(message, code=error.code) from None

    def _backoff(self, tries: int) -> float:
        longest = min(BACKOFF_SECONDS_MAX, self.retry.base_seconds * float(1 << (tries - 1)))
        return longest * self.jitter(0.5, 1.0)

    def _haste_pause(self, error: VenueRateLimited, tries: int) -> float:
        """Until the reset if the venue named one that is still to come, else a second or two."""
        if error.retry_at is not None:
            left = (error.retry_at - self.venue_now()).total_seconds()
            if left > 0:
                return min(left + RESET_MARGIN_SECONDS, RESET_SECONDS_MAX)
        longest = min(HASTE_SECONDS_MAX, HASTE_SECONDS_MIN * float(1 << tries))
        return self.jitter(HASTE_SECONDS_MIN, longest)


def _tell(pacer: Pacer, answer: Answer) -> None:
    limit = header_number(answer, LIMIT_HEADER)
    if limit is not None:
        pacer.told(limit, header_number(answer, REMAINING_HEADER))


class _Time(msgspec.Struct):
    timeNano: str  # noqa: N815 - the venue's own spelling


def _time_in(result: msgspec.Raw, host: str) -> datetime:
    try:
        nanos = msgspec.json.decode(result, type=_Time).timeNano
        if nanos.isascii() and nanos.isdigit() and len(nanos) == _NANO_DIGITS:
            return from_microseconds(int(nanos) // 1000)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        pass
    raise VenueUnavailable(f"{host}: the venue's time cannot be read; try again later")

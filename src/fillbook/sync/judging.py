"""Keeping the alarms of an account: what is seen is judged, and what has changed is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fillbook.ledger import alarms, jobs
from fillbook.ledger._pool import Pool
from fillbook.ledger.alarms import INSTALLATION, Alarm, Key
from fillbook.sync.alarming import (
    CLOCK,
    FEED_DEAF,
    FEED_SILENT_MAX,
    KEY_REFUSED,
    NOT_COMPARED,
    NOT_OPENED,
    Changed,
    Seen,
    compare,
    judge,
)
from fillbook.sync.attending import Attendant
from fillbook.venues._logger import get_logger

log = get_logger()

AFTER_A_PASS = (CLOCK, FEED_DEAF, NOT_COMPARED)  # what nobody can know before


@dataclass(slots=True)
class Judge:
    """Who says what is wrong with one account."""

    pool: Pool
    name: str
    tell: Callable[[str], None]
    up: Mapping[Key, Alarm] = field(default_factory=dict)
    _is_known: bool = False  # nothing is left of the time before its account was
    _judged: int | None = None  # the account whose alarms are up

    async def judge(self, attendant: Attendant) -> None:
        """Raise and clear alarms, unless another worker attends to the account."""
        now, account_id = attendant.around.clock(), attendant.account_id
        if not self._is_known:
            await self._judge_unknown(attendant, now)
        if attendant.state in ("standby", "stopped") or account_id is None:
            return
        self._is_known = True
        up = await alarms.alarms_up(self.pool, account_id)
        wrong = dict(judge(await self._seen(attendant, account_id, now, up)))
        for kind in _not_known_yet(attendant):
            if (kind, "") in up:
                wrong.setdefault((kind, ""), up[kind, ""].detail)
        await self._changed(account_id, up, wrong, now)
        attendant.stuck = ""

    async def leave(self, attendant: Attendant, *, is_gone: bool) -> None:
        """Nobody looks after it any more; or, where it is not gone, after this key of it."""
        if self._judged is None or not (is_gone or self._judged == INSTALLATION):
            return
        up, now = await alarms.alarms_up(self.pool, self._judged), attendant.around.clock()
        if self._judged == INSTALLATION:
            up = _about(up, self.name)
        await self._changed(self._judged, up, {}, now)

    async def _judge_unknown(self, attendant: Attendant, now: datetime) -> None:
        """A key that has not led to an account yet: its alarms are the installation's."""
        name = attendant.attended.name
        up = _about(await alarms.alarms_up(self.pool, INSTALLATION), name)
        wrong: dict[Key, str] = {}
        if attendant.account_id is None and not attendant.says:
            wrong = {key: one.detail for key, one in up.items()}  # it was not asked again yet
        elif attendant.account_id is None and attendant.state == "refused":
            wrong[KEY_REFUSED, name] = attendant.says
        elif attendant.account_id is None and (
            (NOT_OPENED, name) in up or now - attendant.since > FEED_SILENT_MAX
        ):
            wrong[NOT_OPENED, name] = attendant.says
        await self._changed(INSTALLATION, up, wrong, now)

    async def _changed(
        self, account_id: int, up: Mapping[Key, Alarm], wrong: Mapping[Key, str], now: datetime
    ) -> None:
        """Write what has changed."""
        changed = compare(up, wrong, now)
        if changed.is_news:
            await alarms.change(
                self.pool, account_id, raised=changed.raised, retold=changed.retold,
                cleared=changed.cleared, now=now,
            )  # fmt: skip
            self._say(changed)
        self.up = {(one.kind, one.subject): one for one in self._up_now(up, changed)}
        self._judged = account_id

    @staticmethod
    def _up_now(up: Mapping[Key, Alarm], changed: Changed) -> list[Alarm]:
        gone = {(one.kind, one.subject) for one in (*changed.cleared, *changed.retold)}
        kept = [one for key, one in up.items() if key not in gone]
        return [*kept, *changed.retold, *changed.raised]

    async def _seen(
        self, attendant: Attendant, account_id: int, now: datetime, up: Mapping[Key, Alarm]
    ) -> Seen:
        shift = attendant.shift
        known = shift.agenda.states if shift else await jobs.known_jobs(self.pool, account_id)
        return Seen(
            now=now,
            plan=attendant.around.plan,
            since=attendant.since,
            up=up,
            refused=attendant.says if attendant.state == "refused" else "",
            feed_live=shift is not None and shift.feed == "live",
            feed_since=(shift.feed_since if shift else None) or attendant.feed_since,
            feed_lost=shift.feed_lost if shift else attendant.says,
            feed_left_out=shift.feed_left_out if shift else 0,
            jobs=dict(known),
            ahead=shift.ahead if shift else timedelta(),
            standing=await alarms.standing(self.pool, account_id, now=now),
            stuck=attendant.stuck,
            not_compared=shift.not_compared if shift else "",
        )

    def _say(self, changed: Changed) -> None:
        for alarm in changed.raised:
            about = f"{alarm.kind} ({alarm.subject})" if alarm.subject else alarm.kind
            self.tell(f"ALARM {about}: {alarm.detail}")
            log.error(
                "alarm",
                account=self.name,
                kind=alarm.kind,
                about=alarm.subject,
                reason=alarm.detail,
            )
        for alarm in changed.cleared:
            self.tell(f"over: {alarm.kind}")
            log.warning("alarm over", account=self.name, kind=alarm.kind, about=alarm.subject)


def _about(up: Mapping[Key, Alarm], name: str) -> dict[Key, Alarm]:
    return {key: one for key, one in up.items() if one.subject == name}


def _not_known_yet(attendant: Attendant) -> tuple[str, ...]:
    """Kinds that this worker cannot judge yet: those that are up stay as they are."""
    shift = attendant.shift
    passes = attendant.around.plan.enabled and (shift is None or not shift.has_passed)
    opening = attendant.state == "opening"
    return (AFTER_A_PASS if passes else ()) + ((KEY_REFUSED,) if opening else ())

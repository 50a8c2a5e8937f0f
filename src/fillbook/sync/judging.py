"""Keeping the alarms of an account: what is seen is judged, and what has changed is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from fillbook.ledger import alarms, jobs
from fillbook.ledger._pool import Pool
from fillbook.ledger.alarms import Alarm, Key
from fillbook.sync.alarming import Changed, Seen, compare, judge
from fillbook.sync.attending import Attendant

log = structlog.get_logger()


@dataclass(slots=True)
class Judge:
    """Who says what is wrong with one account."""

    pool: Pool
    tell: Callable[[str], None]
    up: Mapping[Key, Alarm] = field(default_factory=dict)

    async def judge(self, attendant: Attendant) -> bool:
        """Raise and clear alarms; false where another worker does."""
        if attendant.state in ("standby", "stopped"):
            self.up = {}
            return False
        account_id = attendant.account_id
        if account_id is None:  # its venue has not said yet whose key it is
            return False
        now = attendant.around.clock()
        seen = await self._seen(attendant, account_id, now)
        up = await alarms.alarms_up(self.pool, account_id)
        changed = compare(up, judge(seen), now)
        if changed.is_news:
            await alarms.change(
                self.pool, account_id, raised=changed.raised, retold=changed.retold,
                cleared=changed.cleared, now=now,
            )  # fmt: skip
            up = await alarms.alarms_up(self.pool, account_id)
        self.up = up
        attendant.stuck = ""
        self._say(attendant.attended.name, changed)
        return True

    async def _seen(self, attendant: Attendant, account_id: int, now: datetime) -> Seen:
        shift = attendant.shift
        known = shift.agenda.states if shift else await jobs.known_jobs(self.pool, account_id)
        return Seen(
            now=now,
            plan=attendant.around.plan,
            since=attendant.since,
            refused=attendant.says if attendant.state == "refused" else "",
            feed_live=shift is not None and shift.feed == "live",
            feed_since=shift.feed_since if shift else None,
            feed_lost=shift.feed_lost if shift else attendant.says,
            feed_left_out=shift.feed_left_out if shift else 0,
            jobs=dict(known),
            ahead=shift.ahead if shift else timedelta(),
            standing=await alarms.standing(self.pool, account_id, now=now),
            stuck=attendant.stuck,
            not_compared=shift.not_compared if shift else "",
        )

    def _say(self, name: str, changed: Changed) -> None:
        for alarm in changed.raised:
            about = f"{alarm.kind} ({alarm.subject})" if alarm.subject else alarm.kind
            self.tell(f"ALARM {about}: {alarm.detail}")
            log.error(
                "alarm", account=name, kind=alarm.kind, about=alarm.subject, reason=alarm.detail
            )
        for alarm in changed.cleared:
            self.tell(f"over: {alarm.kind}")
            log.warning("alarm over", account=name, kind=alarm.kind, about=alarm.subject)

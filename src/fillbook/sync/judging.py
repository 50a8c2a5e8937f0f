"""Keeping the alarms of an account: what is seen is judged, and what has changed is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from fillbook.ledger import alarms, jobs
from fillbook.ledger._pool import Pool
from fillbook.ledger.alarms import INSTALLATION, Alarm, Key
from fillbook.sync.alarming import (
    FEED_SILENT_MAX,
    KEY_REFUSED,
    NOT_OPENED,
    Changed,
    Seen,
    compare,
    judge,
)
from fillbook.sync.attending import Attendant

log = structlog.get_logger()


@dataclass(slots=True)
class Judge:
    """Who says what is wrong with one account."""

    pool: Pool
    name: str
    tell: Callable[[str], None]
    up: Mapping[Key, Alarm] = field(default_factory=dict)
    _is_known: bool = False  # nothing is left of the time before its account was

    async def judge(self, attendant: Attendant) -> None:
        """Raise and clear alarms, unless another worker attends to the account."""
        now, account_id = attendant.around.clock(), attendant.account_id
        if not self._is_known:
            await self._judge_unknown(attendant, now)
        if attendant.state in ("standby", "stopped") or account_id is None:
            return
        self._is_known = True
        wrong = judge(await self._seen(attendant, account_id, now))
        self.up = await self._changed(account_id, wrong, now, "")
        attendant.stuck = ""

    async def _judge_unknown(self, attendant: Attendant, now: datetime) -> None:
        """A key that has not led to an account yet: its alarms are the installation's."""
        wrong: dict[Key, str] = {}
        name = attendant.attended.name
        if attendant.account_id is None and attendant.says:
            if attendant.state == "refused":
                wrong[KEY_REFUSED, name] = attendant.says
            elif now - attendant.since > FEED_SILENT_MAX:
                wrong[NOT_OPENED, name] = attendant.says
        self.up = await self._changed(INSTALLATION, wrong, now, name)

    async def _changed(
        self, account_id: int, wrong: Mapping[Key, str], now: datetime, about: str
    ) -> Mapping[Key, Alarm]:
        """Write what has changed; returns the alarms that are up."""
        known = await alarms.alarms_up(self.pool, account_id)
        up = {key: one for key, one in known.items() if not about or one.subject == about}
        changed = compare(up, wrong, now)
        if not changed.is_news:
            return up
        await alarms.change(
            self.pool, account_id, raised=changed.raised, retold=changed.retold,
            cleared=changed.cleared, now=now,
        )  # fmt: skip
        self._say(changed)
        return {(one.kind, one.subject): one for one in self._up_now(up, changed)}

    @staticmethod
    def _up_now(up: Mapping[Key, Alarm], changed: Changed) -> list[Alarm]:
        gone = {(one.kind, one.subject) for one in (*changed.cleared, *changed.retold)}
        kept = [one for key, one in up.items() if key not in gone]
        return [*kept, *changed.retold, *changed.raised]

    async def _seen(self, attendant: Attendant, account_id: int, now: datetime) -> Seen:
        shift = attendant.shift
        known = shift.agenda.states if shift else await jobs.known_jobs(self.pool, account_id)
        return Seen(
            now=now,
            plan=attendant.around.plan,
            since=attendant.since,
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

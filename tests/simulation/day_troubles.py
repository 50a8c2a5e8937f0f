"""Letting troubles happen, one task for each, at their times."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tests.simulation.day_account import DayAccount
from tests.simulation.day_plan import ALL, Trouble
from tests.simulation.day_service import Diary, Serving, serve
from tests.simulation.day_trading import Trader
from tests.simulation.day_world import DayWorld

BAD_ANSWERS: Final = (
    "http_500=0.06@lists", "http_502=0.1@market/time", "http_503=0.06@user/query-api",
    "rate_limited=0.08@lists", "truncated_json=0.05@lists", "result_null=0.05@lists",
    "html_502=0.05@lists", "dropped_during=0.05@lists", "dropped_before=0.05@lists",
    "wrong_types=0.03@lists", "duplicate_rows=0.2@lists", "short_pages=0.2@lists",
    "cursor_expired=0.05@lists", "overloaded_10016=0.05@lists", "slow_body=0.05@lists",
    "previous_answer=0.03@lists", "list_missing=0.05@lists", "stalled_body=0.01@lists",
)  # fmt: skip
BAD_STREAM: Final = (
    "ws_dropped_event=0.06", "ws_duplicate_event=0.1", "ws_reordered=0.1", "ws_late_event=0.1",
    "ws_merged_events=0.2", "ws_two_filled=0.2", "ws_idle_position=0.2", "ws_disconnect=0.005",
    "ws_event_first=0.5", "ws_early_ack=0.5", "ws_lost_subscription=0.15",
)  # fmt: skip


@dataclass(slots=True)
class Troubles:
    """Who lets them happen; the service that is running now is found here."""

    world: DayWorld
    diary: Diary
    serving: Serving
    traders: tuple[Trader, ...]
    happened: int = 0

    async def all(self) -> None:
        """Every trouble of the plan, each at its time."""
        await asyncio.gather(*(self._one(trouble) for trouble in self.world.plan.troubles))

    async def _one(self, trouble: Trouble) -> None:
        await asyncio.sleep(trouble.at - asyncio.get_running_loop().time())
        self.happened += 1
        match trouble.what:
            case "killed":
                self._interrupted()
                await self.serving.kill()
                await asyncio.sleep(trouble.seconds)
                self.serving = serve(self.world, self.diary)
            case "database away":
                await self._database_away(trouble.seconds)
            case "clock off":
                self.world.skew = timedelta(seconds=trouble.size)
                await asyncio.sleep(trouble.seconds)
                self.world.skew = timedelta()
            case _:
                await asyncio.gather(
                    *(self._of_account(trouble, one) for one in self._struck(trouble))
                )

    def _interrupted(self) -> None:
        for account in self.world.accounts:
            account.interrupted()

    def _struck(self, trouble: Trouble) -> tuple[DayAccount, ...]:
        accounts = self.world.accounts
        return accounts if trouble.account == ALL else (accounts[trouble.account],)

    async def _database_away(self, seconds: float) -> None:
        """Connections are dropped, and new ones refused."""
        self._interrupted()
        self.world.is_database_away = True
        for account in self.world.accounts:
            account.is_unheard = True
        self.serving.process.lose_connections()
        await asyncio.sleep(seconds)
        self.world.is_database_away = False
        for account in self.world.accounts:
            account.is_unheard = False

    async def _of_account(self, trouble: Trouble, account: DayAccount) -> None:
        match trouble.what:
            case "line cut":
                account.cut_lines()
            case "deaf":
                for session in account.sessions:
                    session.is_silent = True
            case "venue away":
                account.exchange.is_away = True
                account.cut_lines()
                await asyncio.sleep(trouble.seconds)
                account.exchange.is_away = False
            case "key refused":
                account.refuse_key()
                await asyncio.sleep(trouble.seconds)
                account.accept_key()
            case "liquidation":
                self.traders[account.number].liquidate(trouble.detail)
            case "bad answers":
                await self._weather(account, BAD_ANSWERS, trouble.seconds)
            case "bad stream":
                account.is_spoilt = True
                await self._weather(account, BAD_STREAM, trouble.seconds)
                account.is_spoilt = False

    async def _weather(self, account: DayAccount, faults: tuple[str, ...], seconds: float) -> None:
        account.weather(*faults)
        await asyncio.sleep(seconds)
        account.weather()
